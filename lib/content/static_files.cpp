#include <slipway/content/static_files.hpp>

#include "file_bytes.hpp"
#include "safe_open.hpp"

#include <slipway/content/media_types.hpp>
#include <slipway/content/representation.hpp>
#include <slipway/core/assert.hpp>
#include <slipway/core/errors.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>

namespace slipway::content {
namespace {

constexpr std::size_t one_write = 16 * 1024;  // files up to this size leave together with their head

struct opened {
  descriptor file;
  struct stat about{};
  coding encoded = coding::identity;
};

std::optional<opened> open_kind(int root, std::string const& path, mode_t kind) {
  opened o{open_beneath(root, path)};
  if (!o.file || ::fstat(o.file.get(), &o.about) != 0) return std::nullopt;
  if ((o.about.st_mode & S_IFMT) != kind) return std::nullopt;
  return o;
}

std::string_view last_segment(std::string_view path) noexcept { return path.substr(path.rfind('/') + 1); }

std::string_view suffix_of(coding c) noexcept {
  switch (c) {
    case coding::gzip: return ".gz";
    case coding::brotli: return ".br";
    case coding::zstd: return ".zst";
    case coding::identity: break;
  }
  return {};
}

bool older(struct stat const& a, struct stat const& b) noexcept {
  return a.st_mtim.tv_sec != b.st_mtim.tv_sec ? a.st_mtim.tv_sec < b.st_mtim.tv_sec
                                              : a.st_mtim.tv_nsec < b.st_mtim.tv_nsec;
}

// Where a directory's name lacks its slash: the same path with it. One leading slash only, because two would name
// another host.
std::string_view with_slash(http::exchange& x) {
  auto path = x.request.path;
  while (path.starts_with("//")) path.remove_prefix(1);
  return x.copy(fmt::format("{}/{}{}", path, x.request.query.empty() ? "" : "?", x.request.query));
}

}  // namespace

struct static_files::impl {
  static_settings settings;
  blocking_pool* disk;
  error_page page;
  clock_source const& clock;
  descriptor root;

  task<> serve(http::exchange& x, std::string_view asked) const;
  void send(http::exchange& x, std::string_view path, opened o) const;
  opened choose(http::exchange& x, std::string const& path, opened plain) const;
  std::optional<opened> find_fallback(std::string_view asked, std::string& path) const;
};

// A page application routes by itself: names that are no file of ours and look like a page show its one page.
std::optional<opened> static_files::impl::find_fallback(std::string_view asked, std::string& path) const {
  if (settings.fallback.empty() || last_segment(asked).contains('.')) return std::nullopt;
  path = settings.fallback;
  return open_kind(root.get(), path, S_IFREG);
}

// The sibling in the coding that the client likes best, if there is one; stale ones are passed over.
opened static_files::impl::choose(http::exchange& x, std::string const& path, opened plain) const {
  if (!settings.precompressed || !is_compressible(media_type_of(path))) return plain;
  add_vary(x, "Accept-Encoding");
  auto const accepted = all_values(x, "Accept-Encoding");
  std::array codings{coding::zstd, coding::brotli, coding::gzip};
  std::span<coding> offered{codings};
  while (!offered.empty()) {
    auto const best = choose_coding(accepted, offered);
    if (!best || *best == coding::identity) break;
    auto sibling = open_kind(root.get(), path + std::string{suffix_of(*best)}, S_IFREG);
    if (sibling && !older(sibling->about, plain.about)) {
      sibling->encoded = *best;
      return std::move(*sibling);
    }
    offered = offered.first(static_cast<std::size_t>(std::ranges::remove(offered, *best).begin() - offered.begin()));
  }
  return plain;
}

void static_files::impl::send(http::exchange& x, std::string_view path, opened o) const {
  auto const& s = o.about;
  auto const modified = std::chrono::sys_seconds{std::chrono::seconds{s.st_mtim.tv_sec}};
  auto const size = static_cast<std::uint64_t>(s.st_size);
  auto const tag = fmt::format("\"{:x}-{:x}-{:x}{}\"", s.st_mtim.tv_sec * 1'000'000'000LL + s.st_mtim.tv_nsec, size,
                               s.st_ino, suffix_of(o.encoded));
  x.response.add("Cache-Control",
                 has_hash(last_segment(path)) ? settings.immutable_cache_control : settings.cache_control);
  content::serve(x,
                 {.bytes = make_file_bytes(std::move(o.file), settings.read_at_once, disk),
                  .size = size,
                  .type = media_type_of(path),
                  // A time that lies ahead must not be sent (RFC 9110, section 8.8.2.1).
                  .now = {.etag = x.copy(tag),
                          .last_modified = std::min(modified, std::chrono::floor<std::chrono::seconds>(clock.now()))},
                  .coding = o.encoded == coding::identity ? std::string_view{} : to_string(o.encoded)},
                 page);
}

task<> static_files::impl::serve(http::exchange& x, std::string_view asked) const {
  if (!is_safe_path(asked)) {
    refuse(x, 404, "not_found", page);
    co_return;
  }
  std::string path{asked};
  bool const names_directory = path.empty() || path.ends_with('/');
  if (names_directory) path += settings.index;
  std::optional<opened> plain;
  if (!names_directory || !settings.index.empty()) plain = open_kind(root.get(), path, S_IFREG);
  if (!plain && !names_directory && !settings.index.empty() && open_kind(root.get(), path, S_IFDIR) &&
      open_kind(root.get(), path + '/' + settings.index, S_IFREG)) {
    x.response.add("Location", with_slash(x));
    x.answer(308, {}, {});
    co_return;
  }
  if (!plain) plain = find_fallback(asked, path);
  if (!plain) {
    refuse(x, 404, "not_found", page);
    co_return;
  }
  send(x, path, choose(x, path, std::move(*plain)));
  co_await gather_short_stream(x, one_write);
}

static_files::static_files(static_settings settings, blocking_pool* disk, error_page page, clock_source const& clock)
    : impl_{std::make_unique<impl>(std::move(settings), disk, std::move(page), clock)} {
  impl_->root = descriptor{::open(impl_->settings.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!impl_->root)
    throw startup_error{
        errno == EACCES ? exit_code::permission : exit_code::config,
        fmt::format("The directory of static files \"{}\" cannot be opened: {}. Create it, or set another.",
                    impl_->settings.root, std::strerror(errno))};
  auto const usable = [](std::string const& name) { return is_safe_path(name) && !name.ends_with('/'); };
  if (!usable(impl_->settings.index) || !usable(impl_->settings.fallback))
    throw startup_error{
        exit_code::config,
        "The index and fallback of static files must be names of files beneath the root, without dots in front."};
  if (!is_field_text(impl_->settings.cache_control) || !is_field_text(impl_->settings.immutable_cache_control))
    throw startup_error{exit_code::config, "The Cache-Control of static files holds a control character."};
}
static_files::~static_files() = default;

task<> static_files::serve(http::exchange& x, std::string_view path) const { return impl_->serve(x, path); }

http::handler static_files::handler() const {
  return [this](http::exchange& x) {
    auto const parameters = x.request.parameters();
    return serve(x, parameters.empty() ? std::string_view{} : parameters.back());
  };
}

bool has_hash(std::string_view name) noexcept {
  auto const dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  auto const stem = name.substr(0, dot);
  auto const mark = stem.find_last_of(".-");
  if (mark == std::string_view::npos || mark == 0) return false;
  auto const hash = stem.substr(mark + 1);
  if (hash.size() < 8 || hash.size() > 64) return false;
  bool digit = false, lower = false, upper = false, beyond_hex = false;
  for (char c : hash) {
    if (c >= '0' && c <= '9')
      digit = true;
    else if (c >= 'a' && c <= 'z')
      lower = true, beyond_hex |= c > 'f';
    else if (c >= 'A' && c <= 'Z')
      upper = true, beyond_hex = true;
    else if (c == '_')
      beyond_hex = true;
    else
      return false;
  }
  // Either hexadecimal, or the mix of base64: dates and words are neither.
  return digit && lower && (!beyond_hex || upper);
}

}  // namespace slipway::content
