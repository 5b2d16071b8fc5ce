// Types that the tests of this library describe.
#pragma once

#include <slipway/json/value.hpp>
#include <slipway/meta/description.hpp>

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sample {

enum class colour { red, green, blue };
BOOST_DESCRIBE_ENUM(colour, red, green, blue)

struct message {
  std::string text;
};
BOOST_DESCRIBE_STRUCT(message, (), (text))

struct card {
  std::string number;
  int year = 0;
};
BOOST_DESCRIBE_STRUCT(card, (), (number, year))

struct transfer {
  std::string iban;
};
BOOST_DESCRIBE_STRUCT(transfer, (), (iban))

using payment = std::variant<card, transfer>;

struct point {
  double x = 0, y = 0;
  friend bool operator==(point const&, point const&) = default;
};
BOOST_DESCRIBE_STRUCT(point, (), (x, y))

// One member of every kind.
struct everything {
  bool yes = false;
  std::int8_t tiny = 0;
  std::uint16_t port = 0;
  int count = 0;
  std::int64_t big = 0;
  std::uint64_t huge = 0;
  float ratio = 0;
  double exact = 0;
  std::string text;
  colour tint = colour::red;
  slipway::uuid id;
  slipway::id_of<message> message_id;
  slipway::time_point at;
  std::chrono::milliseconds wait{0};
  std::optional<std::string> note;
  std::optional<int> level;
  slipway::change<int> patch;
  slipway::change<std::optional<std::string>> title;
  std::vector<std::string> tags;
  std::vector<point> points;
  std::map<std::string, int, std::less<>> scores;
  payment pay;
  point origin;
  slipway::json::value extra;
};
BOOST_DESCRIBE_STRUCT(everything, (),
                      (yes, tiny, port, count, big, huge, ratio, exact, text, tint, id, message_id, at, wait, note,
                       level, patch, title, tags, points, scores, pay, origin, extra))

struct sign_up {
  slipway::id_of<sign_up> id;
  std::string email;
  slipway::secret<std::string> password;
  std::string name;
  int age = 18;
  std::vector<std::string> tags;
  std::optional<std::string> site;
};
BOOST_DESCRIBE_STRUCT(sign_up, (), (id, email, password, name, age, tags, site))

struct window {
  std::chrono::milliseconds wait{1000};
  double share = 0.5;
  std::string slug = "a";
  std::map<std::string, std::string, std::less<>> labels;
};
BOOST_DESCRIBE_STRUCT(window, (), (wait, share, slug, labels))

inline bool is_slug(std::string_view s) {
  return !s.empty() && s.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos;
}

}  // namespace sample

template <>
inline constexpr auto slipway::rules_of<sample::sign_up> =
    slipway::rules(slipway::field(&sample::sign_up::id).read_only(),
                   slipway::field(&sample::sign_up::email)
                       .email()
                       .max_length(254)
                       .help("Where to write to.")
                       .example("\"ada@example.com\""),
                   slipway::field(&sample::sign_up::password).min_length(12).max_length(128).write_only(),
                   slipway::field(&sample::sign_up::name).not_blank().max_length(5),
                   slipway::field(&sample::sign_up::age).minimum(18).maximum(130).optional().unit("years").deprecated(),
                   slipway::field(&sample::sign_up::tags).max_items(3).unique_items().min_length(2).optional(),
                   slipway::field(&sample::sign_up::site).url());

template <>
inline constexpr auto slipway::rules_of<sample::window> =
    slipway::rules(slipway::field(&sample::window::wait).minimum(100).maximum(60'000).help("How long to wait."),
                   slipway::field(&sample::window::share).minimum(0).maximum(1),
                   slipway::field(&sample::window::slug).format("slug", "^[a-z-]+$", sample::is_slug),
                   slipway::field(&sample::window::labels).max_items(2).max_length(3).optional());
