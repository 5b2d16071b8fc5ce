#include <slipway/core/errors.hpp>
#include <slipway/core/module.hpp>
#include <slipway/trace/otlp_module.hpp>

namespace slipway {
namespace {

otlp_module const& load() {
  auto const& found = *static_cast<otlp_module const*>(
      load_module("slipway_otlp.so", otlp_module_symbol,
                  "to export traces install opentelemetry-cpp (the module is built where opentelemetry-cpp-dev and "
                  "libabsl-dev are installed), or turn tracing off"));
  otlp_module const ours;
  if (found.settings_size != ours.settings_size || found.trace_size != ours.trace_size ||
      found.span_size != ours.span_size)
    throw startup_error{exit_code::config,
                        "slipway_otlp.so belongs to another version of this program: install the "
                        "one that was built with it, or turn tracing off"};
  return found;
}

}  // namespace

void need_otlp() { load(); }

std::unique_ptr<span_exporter> make_otlp_exporter(otlp_settings settings) { return load().make(std::move(settings)); }

}  // namespace slipway
