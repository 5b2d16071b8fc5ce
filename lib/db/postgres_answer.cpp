#include <slipway/db/postgres_answer.hpp>

#include <charconv>
#include <utility>

namespace slipway::db::detail {
namespace {

// Takes the text up to its NUL off the front. False: there is none.
bool take_text(std::string_view& from, std::string_view& out) noexcept {
  auto const end = from.find('\0');
  if (end == std::string_view::npos) return false;
  out = from.substr(0, end);
  from.remove_prefix(end + 1);
  return true;
}

}  // namespace

std::shared_ptr<pg_columns const> pg_columns::read(std::string_view body) {
  // After a column's name: its table, its number there, its type, the type's length and modifier, the form.
  constexpr std::size_t rest = 4 + 2 + 4 + 2 + 4 + 2, type_at = 4 + 2;
  if (body.size() < 2) return {};
  auto const count = load<std::uint16_t>(body.data());
  body.remove_prefix(2);
  auto out = std::make_shared<pg_columns>();
  out->columns_.reserve(count);
  for (unsigned i = 0; i < count; ++i) {
    std::string_view name;
    if (!take_text(body, name) || body.size() < rest) return {};
    out->columns_.push_back({load<std::uint32_t>(body.data() + type_at), std::string{name}});
    body.remove_prefix(rest);
  }
  return body.empty() ? std::move(out) : nullptr;
}

std::unique_ptr<pg_answer> pg_answer::failure(std::string_view body) {
  auto out = std::make_unique<pg_answer>(nullptr);
  out->what_ = outcome::failed;
  out->data_ = body;
  return out;
}

std::unique_ptr<pg_answer> pg_answer::left_out() {
  auto out = std::make_unique<pg_answer>(nullptr);
  out->what_ = outcome::skipped;
  return out;
}

bool pg_answer::add_row(std::string_view body) {
  auto const count = columns();
  if (body.size() < 2 || load<std::uint16_t>(body.data()) != count) return false;
  body.remove_prefix(2);
  auto left = body;
  for (std::size_t i = 0; i < count; ++i) {
    if (left.size() < 4) return false;
    auto const length = load<std::int32_t>(left.data());
    left.remove_prefix(4);
    if (length < 0) continue;
    if (static_cast<std::size_t>(length) > left.size()) return false;
    left.remove_prefix(static_cast<std::size_t>(length));
  }
  if (!left.empty()) return false;
  begins_.push_back(data_.size());
  data_.append(body);
  return true;
}

std::int64_t pg_answer::affected() const noexcept {
  std::string_view const tag = tag_;
  if (tag.starts_with("SELECT")) return 0;
  auto const number = tag.substr(tag.rfind(' ') + 1);
  std::int64_t out = 0;
  auto const [end, error] = std::from_chars(number.data(), number.data() + number.size(), out);
  return error == std::errc{} && end == number.data() + number.size() ? out : 0;
}

std::string_view pg_answer::operator[](field which) const noexcept {
  if (what_ != outcome::failed) return {};
  std::string_view left = data_, text;
  while (!left.empty() && left.front() != '\0') {
    auto const is_it = left.front() == static_cast<char>(which);
    left.remove_prefix(1);
    if (!take_text(left, text)) break;
    if (is_it) return text;
  }
  return {};
}

}  // namespace slipway::db::detail
