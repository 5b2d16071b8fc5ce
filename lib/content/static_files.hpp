// Files of a directory, and assets that are linked into the binary, over HTTP.
#pragma once

#include <slipway/content/fields.hpp>
#include <slipway/content/negotiation.hpp>
#include <slipway/core/clock.hpp>
#include <slipway/http/router.hpp>
#include <slipway/runtime/blocking_pool.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::content {

struct static_settings {
  std::string root;                        // a directory; it may be a link, nothing below it may
  std::string index = "index.html";        // what a directory shows; empty: 404
  std::string fallback;                    // shown for unknown names without an extension (page applications)
  std::string cache_control = "no-cache";  // browsers keep it and ask each time: 304
  std::string immutable_cache_control = "public, max-age=31536000, immutable";  // names that carry a hash
  bool precompressed = true;             // "app.js.br", ".zst", ".gz" beside "app.js", unless older than it
  std::size_t read_at_once = 64 * 1024;  // larger files are streamed in pieces of this size
};

// Refused with 404, whatever is there: names that begin with a dot, "..", empty segments, backslashes, control
// characters, links, and whatever is not a regular file or directory. The kernel resolves names beneath the root
// (openat2), so no race with a rename leads out of it.
//
// What the page cache holds is read on the shard: that is a copy of a few microseconds. What would wait for the disk is
// read on `disk`, so that one cold file does not hold up a shard; without a pool it is read on the shard.
class static_files {
 public:
  // Throws startup_error when the root is not a directory that can be read.
  explicit static_files(static_settings settings, blocking_pool* disk = nullptr, error_page page = {},
                        clock_source const& clock = system_clock());
  static_files(static_files const&) = delete;
  static_files& operator=(static_files const&) = delete;
  ~static_files();

  // `path` is decoded and relative to the root: "css/site.css"; "" and "a/" mean directories.
  task<> serve(http::exchange& x, std::string_view path) const;
  // For a route "/static/{*path}": serves its last path parameter.
  http::handler handler() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

// True for names with a content hash: "app.3f9a01bc.js", "index-BTJx8a3Q.css".
bool has_hash(std::string_view file_name) noexcept;

struct asset {
  std::string_view path;  // "docs/index.html"
  std::string_view type;
  std::string_view bytes;                              // static
  content::coding coding = content::coding::identity;  // rows of one path with different codings are alternatives
};

// Serves a constexpr table of assets. Read only after its making: for every shard.
class embedded_assets {
 public:
  // Hashes each asset. Throws std::invalid_argument when a path has no row in identity, or two rows of one coding.
  explicit embedded_assets(std::span<asset const> table, std::string cache_control = "no-cache", error_page page = {});
  // False, with nothing answered, when there is no such path.
  bool try_serve(http::exchange& x, std::string_view path) const;
  void serve(http::exchange& x, std::string_view path) const;  // 404 when there is none
  http::handler handler() const;                               // as static_files::handler

 private:
  struct row {
    asset const* what;
    std::string etag;
  };
  std::vector<row> rows_;  // by path, then coding
  std::string cache_control_;
  error_page page_;
};

}  // namespace slipway::content
