// jemalloc's heap profile in the form that pprof reads.
#pragma once

#include <string>
#include <string_view>

namespace slipway::profiles {

// From jemalloc's own form (heap_v2, which its jeprof alone reads) to that of gperftools, sampling included: both say
// what was sampled and at what rate, and the reader estimates the whole. Frames inside jemalloc are left out, so that
// whoever asked for the memory comes first.
// Throws unavailable_error for a text of another form.
std::string as_pprof(std::string_view dump);

}  // namespace slipway::profiles
