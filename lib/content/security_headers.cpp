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
                        line("Referrer-Policy", s.referrer_policy) + line("Permissions-Policy", s.permissions_policy) +
                        line("Cross-Origin-Opener-Policy", s.opener_policy) +
                        line("Cross-Origin-Resource-Policy", s.resource_policy);
    std::string transport;
    if (s.hsts_max_age.count() > 0)
      transport = fmt::format("Strict-Transport-Security: max-age={}{}{}\r\n", s.hsts_max_age.count(),
                              s.hsts_subdomains ? "; includeSubDomains" : "", s.hsts_preload ? "; preload" : "");
    auto const policy = line("Content-Security-Policy", s.content_security_policy);
    blocks_ = {common, common + policy, common + transport, common + transport + policy};
  }

  void after(http::exchange& x) override {
    bool const has_own = x.response.header("Content-Security-Policy").data() != nullptr;
    auto const& block = blocks_[(x.request.peer.secure ? 2u : 0u) + (has_own ? 0u : 1u)];
    x.response.add_block(block);
  }

 private:
  std::array<std::string, 4> blocks_;  // with a policy: +1, over https: +2
};

}  // namespace

std::unique_ptr<http::middleware> make_security_headers(security_settings settings) {
  return std::make_unique<security_headers>(settings);
}

}  // namespace slipway::content
