#include "file_bytes.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <sys/uio.h>
#include <unistd.h>

namespace slipway::content {
namespace {

class file_bytes final : public seekable {
 public:
  file_bytes(descriptor file, std::size_t at_once, blocking_pool* disk) noexcept
      : file_{std::move(file)}, at_once_{std::max<std::size_t>(at_once, 1)}, disk_{disk} {}

  task<std::string_view> read(std::uint64_t offset, std::size_t at_most) override {
    auto const wanted = std::min(at_most, at_once_);
    if (buffer_.size() < wanted) buffer_.resize(wanted);
    auto got = from_cache(offset, wanted);
    if (got < 0)
      got = disk_ != nullptr ? co_await disk_->run(whole_read{this, offset, wanted}) : from_disk(offset, wanted);
    if (got == 0) throw std::runtime_error{"a file became shorter while it was sent"};
    co_return std::string_view{buffer_.data(), static_cast<std::size_t>(got)};
  }

 private:
  struct whole_read {
    file_bytes* self;
    std::uint64_t offset;
    std::size_t wanted;
    ssize_t operator()() const { return self->from_disk(offset, wanted); }
  };

  // Negative: it would wait for the disk, or this file system cannot tell.
  ssize_t from_cache(std::uint64_t offset, std::size_t wanted) noexcept {
    iovec const into{buffer_.data(), wanted};
    return ::preadv2(file_.get(), &into, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  }

  ssize_t from_disk(std::uint64_t offset, std::size_t wanted) {
    for (;;) {
      auto const got = ::pread(file_.get(), buffer_.data(), wanted, static_cast<off_t>(offset));
      if (got >= 0) return got;
      if (errno != EINTR)
        throw std::system_error{errno, std::generic_category(), "cannot read a file that is being sent"};
    }
  }

  descriptor file_;
  std::size_t at_once_;
  blocking_pool* disk_;
  std::vector<char> buffer_;
};

}  // namespace

std::unique_ptr<seekable> make_file_bytes(descriptor file, std::size_t at_once, blocking_pool* disk) {
  return std::make_unique<file_bytes>(std::move(file), at_once, disk);
}

}  // namespace slipway::content
