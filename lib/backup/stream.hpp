// Bytes on their way in pieces: from a database's dump through compression and encryption to a disk, and back.
// Everything here blocks: it is for commands, not for the threads that serve requests.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace slipway::backup {

class sink {
 public:
  virtual ~sink() = default;
  virtual void write(std::span<std::byte const> piece) = 0;
  // Nothing is written after it. Without it what was written is incomplete and does not pass as whole.
  virtual void finish() = 0;
};

class source {
 public:
  virtual ~source() = default;
  // Fills at least one byte, or returns 0 at the end.
  virtual std::size_t read(std::span<std::byte> into) = 0;
};

// All errors are startup_error: cannot_create for a full disk, permission, os, and data for what cannot be read back.

class measuring_sink : public sink {
 public:
  virtual std::string digest() const = 0;  // SHA-256 of what was written, in hexadecimal; after finish
  virtual std::size_t size() const noexcept = 0;
};

// A new file with mode 0600, written to the disk (fsync) by `finish`.
std::unique_ptr<measuring_sink> make_file_sink(std::filesystem::path const& path);
std::unique_ptr<source> make_file_source(std::filesystem::path const& path);

// SHA-256 of all of it, in hexadecimal.
std::string digest_of(source& from);

// Everything from one to the other, `to` finished.
void copy(source& from, sink& to);

}  // namespace slipway::backup
