// jemalloc's profiler, where the process runs on jemalloc (LD_PRELOAD): it is asked through mallctl(3), which is looked
// up by name. Nothing is linked: the allocator is the operator's choice.
#include <slipway/core/errors.hpp>
#include <slipway/profiles/heap_text.hpp>
#include <slipway/profiles/memory_file.hpp>
#include <slipway/profiles/recorder.hpp>

#include <dlfcn.h>

#include <system_error>

namespace slipway::profiles {
namespace {

using control = int(char const* name, void* old_value, std::size_t* old_size, void* new_value, std::size_t new_size);

control* find_control() noexcept { return reinterpret_cast<control*>(::dlsym(RTLD_DEFAULT, "mallctl")); }

bool is_set(control* ask, char const* name) noexcept {
  bool value = false;
  auto size = sizeof value;
  return ask(name, &value, &size, nullptr, 0) == 0 && value;
}

void must(int error, char const* what) {
  if (error != 0)
    throw unavailable_error{std::string{"jemalloc does not "} + what + ": " + std::generic_category().message(error)};
}

void set_active(control* ask, bool now) {
  must(ask("prof.active", nullptr, nullptr, &now, sizeof now), "change its sampling");
}

fault refused(char const* code, char const* why) { return fault::conflict(code).detail(why); }

class heap_recorder final : public recorder {
 public:
  result<void> begin(std::chrono::seconds how_long) override {
    auto* const ask = find_control();
    if (ask == nullptr || !is_set(ask, "opt.prof"))
      return std::unexpected{refused("heap_not_sampled",
                                     "this process does not sample its memory: install libjemalloc2 and start it with "
                                     "LD_PRELOAD=libjemalloc.so.2 and MALLOC_CONF=prof:true in its environment")};
    bool const sampling = is_set(ask, "prof.active");
    if (how_long.count() == 0 && !sampling)
      return std::unexpected{refused("heap_sampling_paused",
                                     "sampling is paused (prof_active:false): say for how long to sample, "
                                     "such as ?seconds=30")};
    if (how_long.count() != 0 && sampling)
      return std::unexpected{refused("heap_sampled_always",
                                     "memory is sampled since the start: leave `seconds` out; for what a time brought "
                                     "take two profiles and compare them (pprof --base, -diff_base)")};
    if (how_long.count() != 0) {
      must(ask("prof.reset", nullptr, nullptr, nullptr, 0), "forget what it sampled before");
      set_active(ask, true);
    }
    ask_ = ask;
    pause_ = how_long.count() != 0;
    return {};
  }

  bool full() const noexcept override { return false; }

  std::string finish() override {
    memory_file file;
    auto const path = file.path();
    char const* name = path.c_str();
    auto const error = ask_("prof.dump", nullptr, nullptr, static_cast<void*>(&name), sizeof name);
    if (pause_) set_active(ask_, false);
    must(error, "write its profile");
    return as_pprof(file.read());
  }

 private:
  control* ask_ = nullptr;
  bool pause_ = false;  // sampling was begun by us
};

}  // namespace

std::unique_ptr<recorder> make_heap_recorder() { return std::make_unique<heap_recorder>(); }

}  // namespace slipway::profiles
