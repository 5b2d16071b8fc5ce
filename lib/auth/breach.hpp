// Whether a password is known from a breach, asked by k-anonymity: the service that knows them is sent the first five
// hexadecimal digits of the password's SHA-1 and answers with all that begin so, padded with made-up ones. It learns
// neither the password nor whether it was found. (The range API of Have I Been Pwned; mirrors of it speak the same.)
#pragma once

#include <slipway/core/secret.hpp>
#include <slipway/core/task.hpp>
#include <slipway/http_client/client.hpp>
#include <slipway/log/logger.hpp>
#include <slipway/meta/description.hpp>
#include <slipway/metrics/registry.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::auth {

struct breach_settings {
  bool enabled = false;
  std::string url = "https://api.pwnedpasswords.com/range/";
  std::chrono::milliseconds timeout{1'000};
  std::uint32_t tolerated = 0;
};
BOOST_DESCRIBE_STRUCT(breach_settings, (), (enabled, url, timeout, tolerated))

class breach_check {
 public:
  virtual ~breach_check() = default;
  // True: choose another one. When the service gives no usable answer it is false, with a line in the log and a
  // count in password_breach_checks_total{outcome="unavailable"}: nobody is kept from signing up by an outage.
  // Throws cancelled_error when the operation itself is over.
  virtual task<bool> knows(secret<std::string> password) = 0;
};

// Says no to every question; for when it is turned off.
std::unique_ptr<breach_check> make_no_breach_check();

struct breach_parts {
  shards& on;
  log::logger log;
  metrics::registry& metrics;
  std::string user_agent = "slipway";
};
// The URL is the operator's own choice, so it may lead to a private address. Everything in `with` must outlive it.
std::unique_ptr<breach_check> make_breach_check(breach_settings settings, breach_parts with);

// The two halves of the question, for tests and other transports.
struct breach_question {
  std::string prefix;          // 5 hexadecimal digits, upper case: what is sent
  secret<std::string> suffix;  // the other 35: what is looked for
};
breach_question ask_about(secret<std::string> const& password);
// How often the suffix was seen according to the answer's "SUFFIX:COUNT" lines; zero: never (or padding). Nothing when
// the answer is not of that form.
std::optional<std::uint64_t> seen_in(std::string_view answer, secret<std::string> const& suffix);

}  // namespace slipway::auth

template <>
inline constexpr auto slipway::rules_of<slipway::auth::breach_settings> = slipway::rules(
    slipway::field(&slipway::auth::breach_settings::enabled)
        .help("Whether new passwords are refused that are known from a breach. An outage of the service lets them "
              "pass, with a warning in the log."),
    slipway::field(&slipway::auth::breach_settings::url)
        .url()
        .help("The range service; five hexadecimal digits are put behind it."),
    slipway::field(&slipway::auth::breach_settings::timeout)
        .minimum(50)
        .maximum(30'000)
        .help("How long a sign-up waits for it, repetitions included."),
    slipway::field(&slipway::auth::breach_settings::tolerated)
        .maximum(1'000'000)
        .unit("times")
        .help("How often a password may have been seen and still be taken."));
