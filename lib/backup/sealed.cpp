#include <slipway/backup/sealed.hpp>

#include <slipway/backup/system_error.hpp>
#include <slipway/core/encoding.hpp>

#include <sodium.h>
#include <zstd.h>

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace slipway::backup {
namespace {

constexpr std::size_t chunk_size = std::size_t{64} << 10;  // of plain bytes
constexpr std::size_t sealed_size = chunk_size + crypto_secretstream_xchacha20poly1305_ABYTES;
constexpr int compression_level = 6;

std::span<unsigned char const> octets(std::string const& text) noexcept {
  return {reinterpret_cast<unsigned char const*>(text.data()), text.size()};
}
unsigned char* octets(std::byte* at) noexcept { return reinterpret_cast<unsigned char*>(at); }

[[noreturn]] void refuse(std::string const& why) { throw startup_error{exit_code::data, why}; }

void need_sodium() {
  if (::sodium_init() < 0) throw startup_error{exit_code::os, "libsodium finds no source of randomness"};
}

class encrypting final : public sink {
 public:
  encrypting(sink& to, key const& with, std::string purpose) : to_{to}, purpose_{std::move(purpose)} {
    std::array<unsigned char, crypto_secretstream_xchacha20poly1305_HEADERBYTES> header{};
    ::crypto_secretstream_xchacha20poly1305_init_push(&state_, header.data(), with.bytes.data());
    to_.write(std::as_bytes(std::span{header}));
    chunk_.reserve(chunk_size);
  }
  void write(std::span<std::byte const> piece) override {
    while (!piece.empty()) {
      // A full chunk waits for more: the last one has a tag of its own.
      if (chunk_.size() == chunk_size) push(0);
      auto const n = std::min(piece.size(), chunk_size - chunk_.size());
      chunk_.insert(chunk_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(n));
      piece = piece.subspan(n);
    }
  }
  void finish() override {
    push(crypto_secretstream_xchacha20poly1305_TAG_FINAL);
    to_.finish();
  }

 private:
  void push(unsigned char tag) {
    auto const about = octets(purpose_);
    unsigned long long size = 0;
    ::crypto_secretstream_xchacha20poly1305_push(&state_, octets(sealed_.data()), &size, octets(chunk_.data()),
                                                 chunk_.size(), about.data(), about.size(), tag);
    to_.write(std::span{sealed_}.first(size));
    chunk_.clear();
  }

  sink& to_;
  std::string purpose_;
  crypto_secretstream_xchacha20poly1305_state state_{};
  std::vector<std::byte> chunk_, sealed_ = std::vector<std::byte>(sealed_size);
};

// Gives the bytes of `from` until there are `into.size()` of them or no more.
std::size_t read_fully(source& from, std::span<std::byte> into) {
  std::size_t have = 0;
  while (have < into.size()) {
    auto const n = from.read(into.subspan(have));
    if (n == 0) break;
    have += n;
  }
  return have;
}

class decrypting final : public source {
 public:
  decrypting(source& from, key const& with, std::string purpose) : from_{from}, purpose_{std::move(purpose)} {
    std::array<std::byte, crypto_secretstream_xchacha20poly1305_HEADERBYTES> header{};
    if (read_fully(from_, header) < header.size() ||
        ::crypto_secretstream_xchacha20poly1305_init_pull(&state_, octets(header.data()), with.bytes.data()) != 0)
      refuse(purpose_ + " is cut off");
  }
  std::size_t read(std::span<std::byte> into) override {
    while (at_ == plain_.size() && !ended_) pull();
    auto const n = std::min(into.size(), plain_.size() - at_);
    std::copy_n(plain_.begin() + static_cast<std::ptrdiff_t>(at_), n, into.begin());
    at_ += n;
    return n;
  }

 private:
  void pull() {
    auto const have = read_fully(from_, sealed_);
    if (have == 0) refuse(purpose_ + " is cut off: its end is missing");
    auto const about = octets(purpose_);
    plain_.resize(chunk_size);
    unsigned long long size = 0;
    unsigned char tag = 0;
    if (::crypto_secretstream_xchacha20poly1305_pull(&state_, octets(plain_.data()), &size, &tag,
                                                     octets(sealed_.data()), have, about.data(), about.size()) != 0)
      refuse(purpose_ + " was changed or cut off, or the key is another one");
    plain_.resize(size);
    at_ = 0;
    ended_ = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
    std::byte more{};
    if (ended_ && from_.read({&more, 1}) != 0) refuse(purpose_ + " has bytes after its end");
  }

  source& from_;
  std::string purpose_;
  crypto_secretstream_xchacha20poly1305_state state_{};
  std::vector<std::byte> sealed_ = std::vector<std::byte>(sealed_size), plain_;
  std::size_t at_ = 0;
  bool ended_ = false;
};

class compressing final : public sink {
 public:
  compressing(sink& to, std::unique_ptr<sink> owned) : to_{to}, owned_{std::move(owned)} {
    ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, compression_level);
    ::ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  }
  void write(std::span<std::byte const> piece) override {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    while (in.pos < in.size) step(in, ZSTD_e_continue);
  }
  void finish() override {
    ZSTD_inBuffer in{nullptr, 0, 0};
    while (step(in, ZSTD_e_end) != 0) {}
    to_.finish();
  }

 private:
  std::size_t step(ZSTD_inBuffer& in, ZSTD_EndDirective how) {
    ZSTD_outBuffer out{room_.data(), room_.size(), 0};
    auto const left = ::ZSTD_compressStream2(context_.get(), &out, &in, how);
    if (::ZSTD_isError(left) != 0) throw startup_error{exit_code::bug, ::ZSTD_getErrorName(left)};
    to_.write(std::span{room_}.first(out.pos));
    return left;
  }

  sink& to_;
  std::unique_ptr<sink> owned_;
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context_{::ZSTD_createCCtx(), ::ZSTD_freeCCtx};
  std::vector<std::byte> room_ = std::vector<std::byte>(::ZSTD_CStreamOutSize());
};

class expanding final : public source {
 public:
  expanding(source& from, std::unique_ptr<source> owned, std::string purpose)
      : from_{from}, owned_{std::move(owned)}, purpose_{std::move(purpose)} {}
  std::size_t read(std::span<std::byte> into) override {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos == 0) {
      if (in_.pos == in_.size) {
        auto const n = from_.read(room_);
        if (n == 0) {
          if (!whole_) refuse(purpose_ + " is cut off: its end is missing");
          return 0;
        }
        in_ = {room_.data(), n, 0};
      }
      auto const left = ::ZSTD_decompressStream(context_.get(), &out, &in_);
      if (::ZSTD_isError(left) != 0) refuse(purpose_ + " was changed: " + ::ZSTD_getErrorName(left));
      whole_ = left == 0;
    }
    return out.pos;
  }

 private:
  source& from_;
  std::unique_ptr<source> owned_;
  std::string purpose_;
  std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context_{::ZSTD_createDCtx(), ::ZSTD_freeDCtx};
  std::vector<std::byte> room_ = std::vector<std::byte>(::ZSTD_DStreamInSize());
  ZSTD_inBuffer in_{nullptr, 0, 0};
  bool whole_ = false;
};

}  // namespace

key::~key() { ::sodium_memzero(bytes.data(), bytes.size()); }

key read_key(std::filesystem::path const& file) {
  need_sodium();
  struct stat about{};
  if (::stat(file.c_str(), &about) != 0) throw_system_error("read the key", file);
  if ((about.st_mode & 077) != 0)
    throw startup_error{exit_code::permission, file.string() + " can be read by others: chmod 600 " + file.string()};
  std::array<std::byte, 128> text{};
  auto const from = make_file_source(file);
  auto size = read_fully(*from, text);
  while (size > 0 && (text[size - 1] == std::byte{'\n'} || text[size - 1] == std::byte{'\r'})) --size;
  key out;
  std::size_t bytes = 0;
  char const* end = nullptr;
  auto const* begin = reinterpret_cast<char const*>(text.data());
  if (size != 64 || ::sodium_hex2bin(out.bytes.data(), out.bytes.size(), begin, size, nullptr, &bytes, &end) != 0 ||
      bytes != out.bytes.size())
    refuse(file.string() + " is no key: 64 hexadecimal digits, as `backup key` makes them");
  ::sodium_memzero(text.data(), text.size());
  return out;
}

void make_key(std::filesystem::path const& file) {
  need_sodium();
  key made;
  ::randombytes_buf(made.bytes.data(), made.bytes.size());
  auto text = hex(std::as_bytes(std::span{made.bytes})) + "\n";
  if (file.has_parent_path()) need_directory("backup.key_file", file.parent_path());
  auto const to = make_file_sink(file);
  to->write(std::as_bytes(std::span{text}));
  to->finish();
  ::sodium_memzero(text.data(), text.size());
}

std::unique_ptr<sink> make_sealing_sink(sink& to, std::optional<key> const& with, std::string purpose) {
  if (!with) return std::make_unique<compressing>(to, nullptr);
  need_sodium();
  auto inner = std::make_unique<encrypting>(to, *with, std::move(purpose));
  auto& next = *inner;
  return std::make_unique<compressing>(next, std::move(inner));
}

std::unique_ptr<source> make_opening_source(source& from, std::optional<key> const& with, std::string purpose) {
  if (!with) return std::make_unique<expanding>(from, nullptr, std::move(purpose));
  need_sodium();
  auto inner = std::make_unique<decrypting>(from, *with, purpose);
  auto& next = *inner;
  return std::make_unique<expanding>(next, std::move(inner), std::move(purpose));
}

}  // namespace slipway::backup
