#include <slipway/auth/breach.hpp>

#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace slipway::auth {
namespace {

constexpr std::size_t prefix_size = 5, suffix_size = 35;
constexpr std::size_t largest_answer = 1 << 20;  // a padded range is below 100 KB

char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

class no_check final : public breach_check {
 public:
  task<bool> knows(secret<std::string>) override { co_return false; }
};

class range_check final : public breach_check {
 public:
  range_check(breach_settings settings, breach_parts with)
      : settings_{std::move(settings)},
        log_{with.log},
        http_{with.on,
              {.user_agent = with.user_agent,
               .timeout = settings_.timeout,
               .connect_timeout = settings_.timeout,
               .max_body = largest_answer,
               .private_addresses = true},
              &with.metrics} {
    if (!settings_.url.ends_with('/')) settings_.url += '/';
    auto const outcomes = with.metrics.counters("password_breach_checks_total", "Questions about breached passwords",
                                                metrics::labels{"outcome"});
    clean_ = outcomes.with("clean");
    breached_ = outcomes.with("breached");
    unavailable_ = outcomes.with("unavailable");
  }

  task<bool> knows(secret<std::string> password) override {
    auto const question = ask_about(password);
    auto const seen = co_await look_up(question);
    if (!seen) co_return false;
    bool const known = *seen > settings_.tolerated;
    (known ? breached_ : clean_).add();
    co_return known;
  }

 private:
  task<std::optional<std::uint64_t>> look_up(breach_question const& question) {
    std::string reason;
    try {
      auto const answer =
          co_await http_.send({.url = settings_.url + question.prefix, .headers = {{"Add-Padding", "true"}}});
      if (answer.status == 200) {
        if (auto const seen = seen_in(answer.body, question.suffix)) co_return seen;
        reason = "the answer is not a range of hashes";
      } else {
        reason = fmt::format("it answered {}", answer.status);
      }
    } catch (unavailable_error const& error) {
      reason = error.what();
    }
    unavailable_.add();
    log_.with(co_await this_context())
        .warn("a new password was not checked against breaches; it is taken", {{"reason", reason}});
    co_return std::nullopt;
  }

  breach_settings settings_;
  log::logger log_;
  http_client::client http_;
  metrics::counter clean_, breached_, unavailable_;
};

}  // namespace

breach_question ask_about(secret<std::string> const& password) {
  auto const& text = password.reveal();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  // SHA-1 is the service's key, not a protection: what protects is that only a part of it leaves.
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1)
    throw std::runtime_error{"OpenSSL has no SHA-1"};
  auto digits = hex(std::as_bytes(std::span{digest}.first(size)));
  std::ranges::transform(digits, digits.begin(), upper);
  return {digits.substr(0, prefix_size), secret<std::string>{digits.substr(prefix_size)}};
}

std::optional<std::uint64_t> seen_in(std::string_view answer, secret<std::string> const& suffix) {
  std::uint64_t found = 0;
  while (!answer.empty()) {
    auto line = answer.substr(0, answer.find('\n'));
    answer.remove_prefix(std::min(line.size() + 1, answer.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    std::uint64_t count = 0;
    if (line.size() < suffix_size + 2 || line[suffix_size] != ':') return std::nullopt;
    auto const* const end = line.data() + line.size();
    if (auto const read = std::from_chars(line.data() + suffix_size + 1, end, count);
        read.ec != std::errc{} || read.ptr != end)
      return std::nullopt;
    if (std::ranges::equal(line.substr(0, suffix_size), suffix.reveal(), {}, upper)) found = count;
  }
  return found;
}

std::unique_ptr<breach_check> make_no_breach_check() { return std::make_unique<no_check>(); }
std::unique_ptr<breach_check> make_breach_check(breach_settings settings, breach_parts with) {
  return std::make_unique<range_check>(std::move(settings), std::move(with));
}

}  // namespace slipway::auth
