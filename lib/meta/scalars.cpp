#include <slipway/meta/scalars.hpp>

#include <charconv>

namespace slipway::meta {

bool read_date(void* value, std::string_view text) noexcept {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  int year = 0;
  unsigned month = 0, day = 0;
  auto const number = [text](std::size_t at, std::size_t size, auto& out) {
    auto const* end = text.data() + at + size;
    for (auto i = at; i < at + size; ++i)
      if (text[i] < '0' || text[i] > '9') return false;
    return std::from_chars(text.data() + at, end, out).ptr == end;
  };
  if (!number(0, 4, year) || !number(5, 2, month) || !number(8, 2, day) || year == 0) return false;
  std::chrono::year_month_day const date{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
  if (!date.ok()) return false;
  *static_cast<std::chrono::year_month_day*>(value) = date;
  return true;
}

void write_date(void const* value, std::string& out) {
  auto const& date = *static_cast<std::chrono::year_month_day const*>(value);
  auto const put = [&out](unsigned number, std::size_t width) {
    auto const digits = std::to_string(number);
    if (digits.size() < width) out.append(width - digits.size(), '0');
    out += digits;
  };
  put(static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out += '-';
  put(static_cast<unsigned>(date.month()), 2);
  out += '-';
  put(static_cast<unsigned>(date.day()), 2);
}

}  // namespace slipway::meta
