#include "controllers/profiles.hpp"

namespace app::controllers {
namespace {

payload file_of(std::string bytes) { return {"application/octet-stream", std::move(bytes), "no-store"}; }

}  // namespace

task<result<payload>> profiles::cpu(query<cpu_profile_query> in) {
  co_return file_of(co_await ok(profiler_.cpu(std::chrono::seconds{in->seconds})));
}

task<result<payload>> profiles::heap(query<heap_profile_query> in) {
  co_return file_of(co_await ok(profiler_.heap(std::chrono::seconds{in->seconds})));
}

}  // namespace app::controllers
