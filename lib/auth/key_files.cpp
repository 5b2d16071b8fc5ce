#include <slipway/auth/key_files.hpp>

#include <slipway/core/directory.hpp>
#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace slipway::auth {
namespace {

constexpr std::size_t max_file_bytes = 65536;
constexpr std::size_t stamp_size = 16;

exit_code code_for(int error) noexcept {
  return error == EACCES || error == EPERM || error == EROFS     ? exit_code::permission
         : error == ENOENT || error == ENOTDIR                   ? exit_code::config
         : error == ENOSPC || error == EEXIST || error == EDQUOT ? exit_code::cannot_create
                                                                 : exit_code::os;
}

[[noreturn]] void fail(std::string_view what, std::filesystem::path const& path, int error,
                       std::string_view advice = {}) {
  if (advice.empty() && code_for(error) == exit_code::permission)
    advice = "; the process needs to read and write there: correct its owner or mode";
  throw startup_error{code_for(error), fmt::format("{} {}: {}{}", what, path.string(), std::strerror(error), advice)};
}

// Others who can read a signing key can be anybody; the group may, because secret mounts are often made that way.
void check_permissions(int fd, std::filesystem::path const& path) {
  struct stat about{};
  if (::fstat(fd, &about) != 0) fail("cannot look at the key file", path, errno);
  if (!S_ISREG(about.st_mode))
    throw startup_error{exit_code::config, fmt::format("{} is not a plain file", path.string())};
  if ((about.st_mode & (S_IRWXO | S_IWGRP)) != 0)
    throw startup_error{exit_code::permission,
                        fmt::format("the key file {} is open to other users (mode {:o}): run chmod 600 on it, and "
                                    "rotate the key if anybody may have read it",
                                    path.string(), about.st_mode & 07777u)};
}

secret<std::string> read_file(std::filesystem::path const& path) {
  descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) fail("cannot open the key file", path, errno);
  check_permissions(file.get(), path);
  std::string text(max_file_bytes, '\0');
  std::size_t size = 0;
  for (;;) {
    auto const n = ::read(file.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot read the key file", path, errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
    if (size == text.size())
      throw startup_error{exit_code::data, fmt::format("{} is too long to be a key", path.string())};
  }
  secret<std::string> out{text.substr(0, size)};
  wipe(text.data(), text.size());
  return out;
}

void write_all(int fd, std::string_view text, std::filesystem::path const& path) {
  while (!text.empty()) {
    auto const n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot write the key file", path, errno);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) fail("cannot write the key file", path, errno);
}

result<key> key_from(secret<std::string> const& text, bool is_secret) {
  if (!is_secret) return key::from_pem(text.reveal());
  std::string_view encoded = text.reveal();
  while (encoded.ends_with('\n') || encoded.ends_with('\r')) encoded.remove_suffix(1);
  auto bytes = from_base64url(encoded);
  if (!bytes) return std::unexpected{fault::malformed("unusable_key").internal("not base64url without padding")};
  return key::from_secret(secret<std::string>{*std::move(bytes)});
}

key_ring::entry read_entry(std::filesystem::path const& path) {
  auto const name = path.filename().string();
  auto const since = time_of_stamp(std::string_view{name}.substr(0, std::min(name.size(), stamp_size)));
  if (!since || name.size() != path.stem().string().size() + path.extension().string().size() ||
      path.stem().string().size() != stamp_size)
    throw startup_error{
        exit_code::config,
        fmt::format("{} is not named like a key: YYYYMMDDThhmmssZ.pem, the UTC time from which it signs",
                    path.string())};
  auto made = key_from(read_file(path), path.extension() == ".key");
  if (!made)
    throw startup_error{exit_code::data,
                        fmt::format("the key file {} cannot be used: {}", path.string(), made.error().more().internal)};
  return {.key = *std::move(made), .since = *since, .file = name};
}

}  // namespace

std::string stamp_of(time_point t) {
  return fmt::format("{:%Y%m%dT%H%M%SZ}", std::chrono::floor<std::chrono::seconds>(t));
}

std::optional<time_point> time_of_stamp(std::string_view text) {
  if (text.size() != stamp_size || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  return from_rfc3339(fmt::format("{}-{}-{}T{}:{}:{}Z", text.substr(0, 4), text.substr(4, 2), text.substr(6, 2),
                                  text.substr(9, 2), text.substr(11, 2), text.substr(13, 2)));
}

std::vector<key_ring::entry> key_files::read() const {
  std::error_code error;
  std::filesystem::directory_iterator files{directory_, error};
  if (error == std::errc::no_such_file_or_directory) return {};
  if (error) fail("cannot list the key directory", directory_, error.value());
  std::vector<key_ring::entry> out;
  for (auto const end = std::filesystem::directory_iterator{}; files != end; files.increment(error)) {
    if (error) fail("cannot list the key directory", directory_, error.value());
    auto const& path = files->path();
    auto const extension = path.extension();
    // Dot files are the lock, half-written keys and what secret mounts put beside their links.
    if (path.filename().string().starts_with('.') || (extension != ".pem" && extension != ".key")) continue;
    out.push_back(read_entry(path));
  }
  std::ranges::sort(out, {}, [](key_ring::entry const& e) { return std::pair{e.since, e.file}; });
  return out;
}

void key_files::make_directory() const {
  if (auto const why = slipway::make_directory(directory_, directory_for::owner))
    throw startup_error{code_for(why.value()), "auth.keys.directory: " + why_not_made(directory_, why)};
}

void key_files::write(key const& k, time_point since) const {
  auto const path = directory_ / (stamp_of(since) + (k.alg() == algorithm::hs256 ? ".key" : ".pem"));
  auto const half = directory_ / fmt::format(".{}.{}", path.filename().string(), ::getpid());
  ::unlink(half.c_str());  // left by a process that died with this id
  {
    descriptor const file{::open(half.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    if (!file) fail("cannot make the key file", half, errno);
    write_all(file.get(), k.private_text().reveal(), half);
  }
  auto const linked = ::link(half.c_str(), path.c_str());  // unlike rename, never replaces a key
  auto const error = errno;
  ::unlink(half.c_str());
  if (linked != 0) fail("cannot make the key file", path, error);
  descriptor const directory{::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory || ::fsync(directory.get()) != 0) fail("cannot write the key directory", directory_, errno);
}

void key_files::remove(std::string const& file) const {
  auto const path = directory_ / file;
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail("cannot remove the retired key", path, errno);
}

key_files::lock::lock(key_files const& files)
    : file_{::open((files.directory_ / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)} {
  if (!file_) fail("cannot lock the key directory", files.directory_, errno);
  while (::flock(file_.get(), LOCK_EX) != 0)
    if (errno != EINTR) fail("cannot lock the key directory", files.directory_, errno);
}

}  // namespace slipway::auth
