#include <slipway/backup/stream.hpp>

#include <slipway/backup/sha256.hpp>
#include <slipway/backup/system_error.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <vector>

namespace slipway::backup {
namespace {

constexpr std::size_t piece_size = std::size_t{256} << 10;

class file {
 public:
  file(std::filesystem::path path, int flags)
      : path_{std::move(path)}, fd_{::open(path_.c_str(), flags | O_CLOEXEC, 0600)} {
    if (fd_ < 0) fail(flags & O_CREAT ? "make" : "open");
  }
  file(file const&) = delete;
  file& operator=(file const&) = delete;
  ~file() { ::close(fd_); }
  int fd() const noexcept { return fd_; }
  [[noreturn]] void fail(char const* what) const { throw_system_error(what, path_); }

 private:
  std::filesystem::path path_;
  int fd_;
};

class file_writer final : public measuring_sink {
 public:
  explicit file_writer(std::filesystem::path const& path) : file_{path, O_WRONLY | O_CREAT | O_EXCL} {}
  void write(std::span<std::byte const> piece) override {
    hash_.add(piece);
    size_ += piece.size();
    while (!piece.empty()) {
      auto const n = ::write(file_.fd(), piece.data(), piece.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) file_.fail("write");
      piece = piece.subspan(static_cast<std::size_t>(n));
    }
  }
  void finish() override {
    if (::fsync(file_.fd()) != 0) file_.fail("write to the disk");
    digest_ = hash_.end();
  }
  std::string digest() const override { return digest_; }
  std::size_t size() const noexcept override { return size_; }

 private:
  file file_;
  sha256 hash_;
  std::string digest_;
  std::size_t size_ = 0;
};

class file_reader final : public source {
 public:
  explicit file_reader(std::filesystem::path const& path) : file_{path, O_RDONLY} {}
  std::size_t read(std::span<std::byte> into) override {
    for (;;) {
      auto const n = ::read(file_.fd(), into.data(), into.size());
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno != EINTR) file_.fail("read");
    }
  }

 private:
  file file_;
};

}  // namespace

std::unique_ptr<measuring_sink> make_file_sink(std::filesystem::path const& path) {
  return std::make_unique<file_writer>(path);
}

std::unique_ptr<source> make_file_source(std::filesystem::path const& path) {
  return std::make_unique<file_reader>(path);
}

std::string digest_of(source& from) {
  sha256 hash;
  std::vector<std::byte> piece(piece_size);
  while (auto const n = from.read(piece)) hash.add(std::span{piece}.first(n));
  return hash.end();
}

void copy(source& from, sink& to) {
  std::vector<std::byte> piece(piece_size);
  while (auto const n = from.read(piece)) to.write(std::span{piece}.first(n));
  to.finish();
}

}  // namespace slipway::backup
