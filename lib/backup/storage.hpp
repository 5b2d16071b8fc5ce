// Where backups and the archived log lie: a directory, or a bucket of an object store. Paths are like
// "20261123T024400Z-9f3a/manifest.json" and "wal/000000010000000000000007.zst".
#pragma once

#include <slipway/backup/settings.hpp>
#include <slipway/backup/stream.hpp>
#include <slipway/core/clock.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::backup {

inline constexpr std::string_view manifest_name = "manifest.json";

// "20261123T024400Z-9f3a": nothing else that lies there is taken for a backup, whole or half.
inline bool is_id(std::string_view name) noexcept {
  constexpr std::string_view form = "00000000T000000Z-0000";
  return std::ranges::equal(
      name, form, [](char c, char f) { return f == '0' ? (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') : c == f; });
}

// All functions block, and throw startup_error with what to do.
class storage {
 public:
  virtual ~storage() = default;

  // A backup in the making: files, and at the end the manifest, with which all of it is there. Without `publish`
  // nothing stays, and what a process leaves that ends in the middle has no manifest where a backup has it.
  class staging {
   public:
    virtual ~staging() = default;
    virtual std::unique_ptr<measuring_sink> put(std::string const& file) = 0;
    virtual void publish(std::string_view manifest) = 0;
  };
  virtual std::unique_ptr<staging> stage(std::string const& id) = 0;

  // One file, there with the end of the sink's `finish`, as a whole, in the place of another of that name.
  virtual std::unique_ptr<measuring_sink> put(std::string const& path) = 0;
  // Null when there is none. The storage must outlive it.
  virtual std::unique_ptr<source> open(std::string const& path) const = 0;

  // The names of directories, some of which may hold no backup; in no order.
  virtual std::vector<std::string> directories() const = 0;
  // The names of the files right in a directory, which need not be there; in no order.
  virtual std::vector<std::string> files(std::string const& directory) const = 0;

  virtual void remove(std::string const& path) = 0;
  // A whole backup, which no longer counts from the first moment on.
  virtual void remove_backup(std::string const& id) = 0;
  // What processes left that ended while they made a backup, a day ago or more, in a bucket a week: a younger one may be
  // in the making.
  virtual void remove_abandoned() = 0;

  // For messages: where a path lies; without one, where everything does.
  virtual std::string describe(std::string_view path = {}) const = 0;
};

// What happens on the way, a line each.
using teller = std::function<void(std::string_view)>;

// `say` is told what went wrong beside the failure that is thrown.
std::unique_ptr<storage> make_storage(settings const& s, clock_source const& clock, teller say = {});

namespace detail {
// Makes the directory.
std::unique_ptr<storage> make_directory_storage(std::string const& directory);
std::unique_ptr<storage> make_object_storage(settings const& s, clock_source const& clock, teller say);
}  // namespace detail

}  // namespace slipway::backup
