#include <slipway/redis/reply.hpp>

#include <slipway/redis/errors.hpp>

#include <charconv>
#include <cmath>
#include <limits>

namespace slipway::redis {
namespace {

[[noreturn]] void unexpected(reply const& r, std::string_view wanted) {
  std::string what{"Redis: the answer is "};
  what.append(to_string(r.what)).append(", not ").append(wanted);
  if (r.is_error()) what.append(": ").append(r.text, 0, 300);
  throw error{"UNEXPECTED", what};
}

}  // namespace

std::string_view to_string(reply::kind k) noexcept {
  switch (k) {
    case reply::kind::nil: return "nil";
    case reply::kind::integer: return "an integer";
    case reply::kind::status: return "a status";
    case reply::kind::text: return "a text";
    case reply::kind::error: return "an error";
    case reply::kind::list: return "a list";
  }
  return {};
}

std::string reply::as_text() && {
  if (what != kind::text && what != kind::status) unexpected(*this, "a text");
  return std::move(text);
}

std::optional<std::string> reply::as_optional_text() && {
  if (is_nil()) return std::nullopt;
  return std::move(*this).as_text();
}

std::int64_t reply::as_integer() const {
  if (what == kind::integer) return number;
  std::int64_t out = 0;
  auto const* end = text.data() + text.size();
  if (what != kind::text || text.empty() || std::from_chars(text.data(), end, out).ptr != end)
    unexpected(*this, "a whole number");
  return out;
}

double reply::as_double() const {
  if (what == kind::integer) return static_cast<double>(number);
  if (what != kind::text || text.empty()) unexpected(*this, "a number");
  if (text == "inf" || text == "+inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  double out = 0;
  auto const* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, out).ptr != end) unexpected(*this, "a number");
  return out;
}

bool reply::as_flag() const {
  if (is_nil()) return false;
  if (what == kind::integer) return number != 0;
  if (what != kind::status) unexpected(*this, "yes or no");
  return true;
}

std::vector<reply> reply::as_list() && {
  if (is_nil()) return {};
  if (what != kind::list) unexpected(*this, "a list");
  return std::move(items);
}

std::vector<std::string> reply::as_texts() && {
  std::vector<std::string> out;
  auto list = std::move(*this).as_list();
  out.reserve(list.size());
  for (auto& each : list) out.push_back(std::move(each).as_text());
  return out;
}

std::vector<std::optional<std::string>> reply::as_optional_texts() && {
  std::vector<std::optional<std::string>> out;
  auto list = std::move(*this).as_list();
  out.reserve(list.size());
  for (auto& each : list) out.push_back(std::move(each).as_optional_text());
  return out;
}

std::vector<std::pair<std::string, std::string>> reply::as_pairs() && {
  auto list = std::move(*this).as_list();
  if (list.size() % 2 != 0) throw error{"UNEXPECTED", "Redis: a list of pairs has an odd number of elements"};
  std::vector<std::pair<std::string, std::string>> out;
  out.reserve(list.size() / 2);
  for (std::size_t i = 0; i < list.size(); i += 2)
    out.emplace_back(std::move(list[i]).as_text(), std::move(list[i + 1]).as_text());
  return out;
}

}  // namespace slipway::redis
