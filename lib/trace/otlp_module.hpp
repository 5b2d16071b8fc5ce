// What the program and its module for OTLP know of each other. Private to the library.
#pragma once

#include <slipway/trace/tracer.hpp>

namespace slipway {

// Both are built from the same headers, or the module is refused.
struct otlp_module {
  std::size_t settings_size = sizeof(otlp_settings), trace_size = sizeof(finished_trace),
              span_size = sizeof(finished_span);
  std::unique_ptr<span_exporter> (*make)(otlp_settings) = nullptr;
};
inline constexpr char otlp_module_symbol[] = "slipway_otlp_module";

}  // namespace slipway
