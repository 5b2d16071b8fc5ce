// gperftools' profiler: a timer of the process's processor time sends SIGPROF, and the handler notes the stack of the
// thread that it interrupts. Loaded by name, for it has two functions that matter: no header and nothing to link.
#include <slipway/core/errors.hpp>
#include <slipway/core/module.hpp>
#include <slipway/profiles/memory_file.hpp>
#include <slipway/profiles/recorder.hpp>

#include <optional>
#include <utility>

namespace slipway::profiles {
namespace {

constexpr std::size_t most_bytes = 64 << 20;

// As <gperftools/profiler.h> declares them.
struct library {
  int (*start)(char const* file);  // 0: it did not
  void (*stop)();
};

template <class Function>
Function* function_of(char const* name) {
  auto const* const found =
      load_module("libprofiler.so.0", name, "to take profiles of processor time install libgoogle-perftools4");
  return reinterpret_cast<Function*>(const_cast<void*>(found));
}

class cpu_recorder final : public recorder {
 public:
  result<void> begin(std::chrono::seconds) override {
    try {
      if (!library_) library_ = {function_of<int(char const*)>("ProfilerStart"), function_of<void()>("ProfilerStop")};
    } catch (startup_error const& error) {
      return std::unexpected{fault::conflict("profiler_missing").detail(error.what())};
    }
    file_.emplace();
    if (library_->start(file_->path().c_str()) != 0) return {};
    file_.reset();
    return std::unexpected{
        fault::conflict("profile_running")
            .detail("libprofiler does not start: it has been started otherwise, such as by the variable CPUPROFILE")};
  }

  bool full() const noexcept override { return file_ && file_->size() >= most_bytes; }

  std::string finish() override {
    library_->stop();
    auto const written = std::exchange(file_, std::nullopt);
    return written->read();
  }

 private:
  std::optional<library> library_;
  std::optional<memory_file> file_;
};

}  // namespace

std::unique_ptr<recorder> make_cpu_recorder() { return std::make_unique<cpu_recorder>(); }

}  // namespace slipway::profiles
