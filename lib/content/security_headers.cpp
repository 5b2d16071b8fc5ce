#include <slipway/content/security_headers.hpp>

#include <slipway/content/fields.hpp>
#include <slipway/core/errors.hpp>

#include <fmt/format.h>

#include <array>

namespace slipway::content {
namespace {

class security_headers final : public http::middleware {
 public:
  explicit security_headers(security_settings const& s) {
    auto const line = [](std::string_view name, std::string_view value) {
      if (!is_field_text(value))
        throw startup_error{exit_code::config, fmt::format("The value of {} holds a control character.", name)};
      return value.empty() ? std::string{} : fmt::format("{}: {}\r\n", name, value);
    };
    auto const common = line("X-Content-Type-Options", "nosniff") + line("X-Frame-Options", s.frame_options) +
                        line("Cross-Origin-Resource-Policy", s.resource_policy);
    auto const page = line("Referrer-Policy", s.referrer_policy) + line("Permissions-Policy", s.permissions_policy) +
                      line("Cross-Origin-Opener-Policy", s.opener_policy);
    std::string transport;
    if (s.hsts_max_age.count() > 0)
      transport = fmt::format("Strict-Transport-Security: max-age={}{}{}\r\n", s.hsts_max_age.count(),
                              s.hsts_subdomains ? "; includeSubDomains" : "", s.hsts_preload ? "; preload" : "");
    auto const policy = line("Content-Security-Policy", s.content_security_policy);
    for (std::size_t i = 0; i < blocks_.size(); ++i)
      blocks_[i] = common + ((i & with_policy) != 0 ? policy : "") + ((i & over_https) != 0 ? transport : "") +
                   ((i & for_page) != 0 ? page : "");
  }

  void after(http::exchange& x) override {
    bool const has_own = x.response.header("Content-Security-Policy").data() != nullptr;
    x.response.add_block(blocks_[(has_own ? 0 : with_policy) | (x.request.peer.secure ? over_https : 0) |
                                 (is_page(x.response.content_type) ? for_page : 0)]);
  }

  bool sees_unreadable() const noexcept override { return true; }

 private:
  static constexpr std::size_t with_policy = 1, over_https = 2, for_page = 4;

  // What a browser shows as a document, which can hold scripts and links.
  static bool is_page(std::string_view type) noexcept {
    return type.starts_with("text/html") || type.starts_with("image/svg") || type.starts_with("application/x") ||
           type.starts_with("text/xml");
  }

  std::array<std::string, 8> blocks_;
};

}  // namespace

std::unique_ptr<http::middleware> make_security_headers(security_settings const& settings) {
  return std::make_unique<security_headers>(settings);
}

}  // namespace slipway::content
