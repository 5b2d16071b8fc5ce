// A bucket of an object store that speaks S3: Amazon's, and what is compatible with it (MinIO, Ceph, R2, Garage). Every
// request is signed (AWS Signature Version 4), has a deadline, and is repeated where that is safe.
//
//   http_client::client http{shards, s3::http_settings(settings)};
//   auto const bucket = s3::make_bucket(http, settings, "backups");
//   co_await bucket->put("a/b", "text");
//
// Sources: Amazon Simple Storage Service, API Reference.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/task.hpp>
#include <slipway/http_client/client.hpp>
#include <slipway/s3/error.hpp>
#include <slipway/s3/settings.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::s3 {

inline constexpr unsigned most_parts = 10'000;
inline constexpr std::size_t most_read = std::size_t{8} << 20;  // bytes of one `get`

struct object {
  std::string key;
  std::uint64_t size = 0;
  time_point changed{};
};

struct listing {
  std::vector<object> objects;
  std::vector<std::string> folders;  // what the keys have in common up to the next '/', which is part of it
  std::string next;                  // where the next page begins; empty: this was the last
};

struct piece {
  std::string bytes;
  std::uint64_t size = 0;  // of the whole object
  std::string etag;
};

// On a shard. All throw `error` for what the store refuses and http_client::request_error when no answer came. Keys are
// of letters, digits, '.', '_', '-' and '/'.
class bucket {
 public:
  virtual ~bucket() = default;
  // "s3://bucket at https://host", for messages.
  virtual std::string const& where() const noexcept = 0;

  // There as a whole or not at all. 5 GB at most.
  virtual task<> put(std::string key, std::string body) = 0;
  // Up to `count` bytes (at most most_read) from `offset` on; none behind the end. A store that knows no ranges gives the whole of a small object at the beginning. Empty: there is no such object. With
  // an `etag` the object must still be the one that has it.
  virtual task<std::optional<piece>> get(std::string key, std::uint64_t offset, std::size_t count,
                                         std::string etag = {}) = 0;
  // A page of those whose keys begin with the prefix, by key, at most `most` of them (1,000 at most).
  virtual task<listing> list(std::string prefix, bool by_folder, std::string from = {}, unsigned most = 1'000) = 0;
  // One that is not there is removed already.
  virtual task<> remove(std::string key) = 0;

  // In parts, numbered from 1: all of one size of at least 5 MiB but the last. Nothing is there before `complete`.
  virtual task<std::string> begin_upload(std::string key) = 0;
  virtual task<std::string> put_part(std::string key, std::string upload, unsigned number, std::string body) = 0;
  // `etags` are what put_part returned, `size` is that of all parts.
  virtual task<> complete_upload(std::string key, std::string upload, std::vector<std::string> etags,
                                 std::uint64_t size) = 0;
  virtual task<> abort_upload(std::string key, std::string upload) = 0;
};

// For a client that calls nothing but the store. Throws startup_error(exit_code::config).
http_client::settings http_settings(settings const& s);
// `http` and `clock` must outlive it. Throws startup_error(exit_code::config) without keys.
std::unique_ptr<bucket> make_bucket(http_client::client& http, settings const& s, std::string const& name,
                                    clock_source const& clock = system_clock());

}  // namespace slipway::s3
