// What the tests of this library share.
#pragma once

#include <slipway/auth/key_ring.hpp>
#include <slipway/auth/tokens.hpp>
#include <slipway/core/encoding.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::auth::tests {

inline constexpr time_point noon{std::chrono::sys_days{std::chrono::year{2026} / 1 / 31} + std::chrono::hours{12}};

inline std::string encode(std::string_view text) { return base64url(as_byte_span(text)); }

// The three parts of a compact JWS.
struct parts {
  std::string header, payload, signature;
  explicit parts(std::string const& token) {
    auto const first = token.find('.'), second = token.rfind('.');
    header = token.substr(0, first);
    payload = token.substr(first + 1, second - first - 1);
    signature = token.substr(second + 1);
  }
  std::string token() const { return header + '.' + payload + '.' + signature; }
  std::string input() const { return header + '.' + payload; }
};

// A token with any header and claims, signed.
inline std::string forge(std::string_view header, std::string_view claims_json, key const& with) {
  auto const input = encode(header) + '.' + encode(claims_json);
  return input + '.' + encode(with.sign(input));
}

// A directory of its own, removed at the end.
class scratch {
 public:
  scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "slipway-auth-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no scratch directory"};
    path_ = name;
  }
  scratch(scratch const&) = delete;
  scratch& operator=(scratch const&) = delete;
  ~scratch() {
    std::error_code ignored;  // nothing depends on it
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path const& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace slipway::auth::tests
