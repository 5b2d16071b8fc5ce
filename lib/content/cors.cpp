#include <slipway/content/cors.hpp>

#include <slipway/core/errors.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace slipway::content {
namespace {

bool is_host(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':' || c == '[' || c == ']';
  });
}

// What may stand for the star: no port, no user, nothing that ends the host.
bool is_subdomain(std::string_view text) noexcept { return is_host(text) && text.find_first_of(":[]") == text.npos; }

// "https://app.example.com:8443", as a browser writes it: lower case, no path.
bool is_origin(std::string_view text) noexcept {
  auto const at = text.find("://");
  return at != std::string_view::npos && is_token(text.substr(0, at)) && is_host(text.substr(at + 3));
}

struct family {
  std::string scheme;  // "https://"
  std::string suffix;  // ".example.com"
};

class cors final : public http::middleware {
 public:
  cors(cors_settings s, error_page page) : page_{std::move(page)}, credentials_{s.credentials} {
    for (auto const& origin : s.origins) add(origin);
    if (everyone_ && s.credentials)
      throw startup_error{
          exit_code::config,
          "CORS: \"*\" together with credentials would let any site act as the user. List the origins instead."};
    if (everyone_ && s.origins.size() > 1)
      throw startup_error{exit_code::config, "CORS: \"*\" must stand alone: it includes every other origin."};
    for (auto const* list : {&s.methods, &s.headers, &s.exposed})
      for (auto const& name : *list)
        if (!is_token(name))
          throw startup_error{exit_code::config,
                              fmt::format("CORS: \"{}\" is not the name of a method or field.", name)};
    preflight_ = fmt::format(
        "Access-Control-Allow-Methods: {}\r\nAccess-Control-Allow-Headers: {}\r\nAccess-Control-Max-Age: {}\r\n",
        fmt::join(s.methods, ", "), fmt::join(s.headers, ", "), std::max<std::int64_t>(s.max_age.count(), 0));
    if (credentials_) preflight_ += allow_credentials;
    if (credentials_) answer_ += allow_credentials;
    if (!s.exposed.empty()) answer_ += fmt::format("Access-Control-Expose-Headers: {}\r\n", fmt::join(s.exposed, ", "));
  }

  bool before(http::exchange& x) override {
    if (x.request.verb != http::method::options) return true;
    auto const origin = x.request.header("Origin");
    if (origin.data() == nullptr || x.request.header("Access-Control-Request-Method").data() == nullptr) return true;
    if (!allowed(origin)) {
      refuse(x, 403, "origin_not_allowed", page_);
    } else {
      x.answer(204, {}, {});
      x.response.add_block(preflight_);
    }
    add_vary(x, "Access-Control-Request-Method");
    add_vary(x, "Access-Control-Request-Headers");
    return false;
  }

  void after(http::exchange& x) override {
    // A cache must know that the answer depends on who asks, also when this one did not say.
    if (!everyone_) add_vary(x, "Origin");
    auto const origin = x.request.header("Origin");
    if (origin.data() == nullptr || !allowed(origin)) return;
    x.response.add("Access-Control-Allow-Origin", everyone_ ? std::string_view{"*"} : origin);
    bool const was_preflight =
        x.request.verb == http::method::options && x.request.header("Access-Control-Request-Method").data() != nullptr;
    if (!was_preflight && !answer_.empty()) x.response.add_block(answer_);
  }

 private:
  static constexpr std::string_view allow_credentials = "Access-Control-Allow-Credentials: true\r\n";

  void add(std::string const& origin) {
    if (origin == "*") {
      everyone_ = true;
    } else if (auto const star = origin.find("://*.");
               star != std::string::npos && is_origin(origin.substr(0, star + 3) + origin.substr(star + 5))) {
      families_.push_back({origin.substr(0, star + 3), origin.substr(star + 4)});
    } else if (is_origin(origin)) {
      origins_.push_back(origin);
    } else {
      throw startup_error{exit_code::config, fmt::format("CORS: \"{}\" is not an origin. Write scheme and host in "
                                                         "lower case without a path: \"https://app.example.com\".",
                                                         origin)};
    }
  }

  bool allowed(std::string_view origin) const noexcept {
    if (everyone_) return true;
    if (std::ranges::find(origins_, origin) != origins_.end()) return true;
    return std::ranges::any_of(families_, [&](family const& f) {
      return origin.size() > f.scheme.size() + f.suffix.size() && origin.starts_with(f.scheme) &&
             origin.ends_with(f.suffix) &&
             is_subdomain(origin.substr(f.scheme.size(), origin.size() - f.scheme.size() - f.suffix.size()));
    });
  }

  error_page page_;
  bool everyone_ = false;
  bool credentials_;
  std::vector<std::string> origins_;
  std::vector<family> families_;
  std::string preflight_, answer_;
};

}  // namespace

std::unique_ptr<http::middleware> make_cors(cors_settings settings, error_page page) {
  return std::make_unique<cors>(std::move(settings), std::move(page));
}

}  // namespace slipway::content
