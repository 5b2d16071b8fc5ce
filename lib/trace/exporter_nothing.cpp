#include <slipway/core/errors.hpp>
#include <slipway/trace/tracer.hpp>

namespace slipway {

bool otlp_available() noexcept { return false; }

// NOLINTNEXTLINE(performance-unnecessary-value-param): the other exporter keeps them.
std::unique_ptr<span_exporter> make_otlp_exporter(otlp_settings) {
  throw startup_error{
      exit_code::config,
      "tracing is on, but this build cannot export traces: install opentelemetry-cpp-dev and libabsl-dev and build "
      "again, or turn tracing off"};
}

}  // namespace slipway
