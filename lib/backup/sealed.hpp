// A stream compressed with zstd and, with a key, encrypted with libsodium's secretstream (XChaCha20-Poly1305): in
// chunks that can neither be changed, reordered, dropped nor cut off at the end without being noticed.
#pragma once

#include <slipway/backup/stream.hpp>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace slipway::backup {

struct key {
  std::array<unsigned char, 32> bytes{};
  ~key();  // wiped
};

// 32 bytes in hexadecimal. Throws startup_error: data when it is no key, permission when others may read it.
key read_key(std::filesystem::path const& file);
// A new one, with mode 0600; never over another.
void make_key(std::filesystem::path const& file);

// `purpose` is bound to what is encrypted: an entry of one backup does not pass for that of another. `to` and `from`
// must outlive what is made.
std::unique_ptr<sink> make_sealing_sink(sink& to, std::optional<key> const& with, std::string purpose);
// Throws startup_error(exit_code::data) from `read` for a wrong key and for what was changed or cut off.
std::unique_ptr<source> make_opening_source(source& from, std::optional<key> const& with, std::string purpose);

}  // namespace slipway::backup
