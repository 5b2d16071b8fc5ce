#include <slipway/core/time.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace slipway {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> day_names{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_day_names{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                         "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> month_names{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// Both forms have four digits for the year.
constexpr time_point first_written = sys_days{year{0} / January / 1};
constexpr time_point last_written = time_point{sys_days{year{10'000} / January / 1}} - microseconds{1};

char* put2(char* out, unsigned v) noexcept {
  *out++ = static_cast<char>('0' + v / 10);
  *out++ = static_cast<char>('0' + v % 10);
  return out;
}
char* put4(char* out, unsigned v) noexcept { return put2(put2(out, v / 100), v % 100); }
char* put(char* out, std::string_view s) noexcept {
  std::memcpy(out, s.data(), s.size());
  return out + s.size();
}

// Reads text from the front; one failure makes every later read fail.
struct reader {
  std::string_view rest;
  bool good = true;

  int number(std::size_t digits) {
    if (rest.size() < digits) return fail();
    int v = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest[i] < '0' || rest[i] > '9') return fail();
      v = v * 10 + (rest[i] - '0');
    }
    rest.remove_prefix(digits);
    return v;
  }
  void literal(std::string_view s) {
    if (rest.starts_with(s))
      rest.remove_prefix(s.size());
    else
      fail();
  }
  template <std::size_t N>
  int name(std::array<std::string_view, N> const& names) {
    for (std::size_t i = 0; i < N; ++i)
      if (rest.starts_with(names[i])) {
        rest.remove_prefix(names[i].size());
        return static_cast<int>(i);
      }
    return fail();
  }
  int fail() {
    good = false;
    rest = {};
    return 0;
  }
};

std::optional<sys_seconds> compose(int y, int mo, int d, int h, int mi, int s) noexcept {
  auto const date = year{y} / month{static_cast<unsigned>(mo)} / day{static_cast<unsigned>(d)};
  if (!date.ok() || h > 23 || mi > 59 || s > 60) return std::nullopt;
  return sys_days{date} + hours{h} + minutes{mi} + seconds{s};
}

}  // namespace

char* write_rfc3339(char* out, time_point t) noexcept {
  t = std::clamp(t, first_written, last_written);
  auto const days = floor<std::chrono::days>(t);
  year_month_day const date{days};
  auto const us = static_cast<unsigned long long>((t - days).count());
  out = put4(out, static_cast<unsigned>(static_cast<int>(date.year())));
  *out++ = '-';
  out = put2(out, static_cast<unsigned>(date.month()));
  *out++ = '-';
  out = put2(out, static_cast<unsigned>(date.day()));
  *out++ = 'T';
  auto const s = static_cast<unsigned>(us / 1'000'000), fraction = static_cast<unsigned>(us % 1'000'000);
  out = put2(out, s / 3600);
  *out++ = ':';
  out = put2(out, s / 60 % 60);
  *out++ = ':';
  out = put2(out, s % 60);
  if (fraction != 0) {
    *out++ = '.';
    out = put2(put2(put2(out, fraction / 10'000), fraction / 100 % 100), fraction % 100);
  }
  *out++ = 'Z';
  return out;
}

std::string to_rfc3339(time_point t) {
  std::array<char, rfc3339_max> buffer;
  return {buffer.data(), write_rfc3339(buffer.data(), t)};
}

std::optional<time_point> from_rfc3339(std::string_view text) noexcept {
  reader in{text};
  auto const y = in.number(4);
  in.literal("-");
  auto const mo = in.number(2);
  in.literal("-");
  auto const d = in.number(2);
  if (!in.good || in.rest.empty() || (in.rest[0] != 'T' && in.rest[0] != 't' && in.rest[0] != ' ')) return std::nullopt;
  in.rest.remove_prefix(1);
  auto const h = in.number(2);
  in.literal(":");
  auto const mi = in.number(2);
  in.literal(":");
  auto const s = in.number(2);
  microseconds fraction{0};
  if (in.rest.starts_with('.')) {
    in.rest.remove_prefix(1);
    int digits = 0, value = 0;
    for (; digits < 9 && !in.rest.empty() && in.rest[0] >= '0' && in.rest[0] <= '9'; ++digits, in.rest.remove_prefix(1))
      if (digits < 6) value = value * 10 + (in.rest[0] - '0');
    if (digits == 0) return std::nullopt;
    for (; digits < 6; ++digits) value *= 10;
    fraction = microseconds{value};
  }
  minutes offset{0};
  if (in.rest == "Z" || in.rest == "z") {
    in.rest = {};
  } else if (in.rest.starts_with('+') || in.rest.starts_with('-')) {
    auto const sign = in.rest[0] == '-' ? -1 : 1;
    in.rest.remove_prefix(1);
    auto const oh = in.number(2);
    in.literal(":");
    auto const om = in.number(2);
    if (oh > 23 || om > 59) return std::nullopt;
    offset = minutes{sign * (oh * 60 + om)};
  } else {
    return std::nullopt;
  }
  if (!in.good || !in.rest.empty()) return std::nullopt;
  auto const whole = compose(y, mo, d, h, mi, s);
  if (!whole) return std::nullopt;
  auto const t = time_point{*whole} - offset + fraction;
  if (t < first_written || t > last_written) return std::nullopt;  // an offset led out of the years that can be written
  return t;
}

char* write_http_date(char* out, sys_seconds t) noexcept {
  t = std::clamp(t, floor<seconds>(first_written), floor<seconds>(last_written));
  auto const days = floor<std::chrono::days>(t);
  year_month_day const date{days};
  auto const s = static_cast<unsigned>((t - days).count());
  out = put(out, day_names[weekday{days}.c_encoding()]);
  out = put(out, ", ");
  out = put2(out, static_cast<unsigned>(date.day()));
  *out++ = ' ';
  out = put(out, month_names[static_cast<unsigned>(date.month()) - 1]);
  *out++ = ' ';
  out = put4(out, static_cast<unsigned>(static_cast<int>(date.year())));
  *out++ = ' ';
  out = put2(out, s / 3600);
  *out++ = ':';
  out = put2(out, s / 60 % 60);
  *out++ = ':';
  out = put2(out, s % 60);
  return put(out, " GMT");
}

std::optional<sys_seconds> from_http_date(std::string_view text) noexcept {
  reader in{text};
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  auto const clock_time = [&] {
    h = in.number(2);
    in.literal(":");
    mi = in.number(2);
    in.literal(":");
    s = in.number(2);
  };
  if (auto const comma = text.find(','); comma == 3) {  // IMF-fixdate
    in.name(day_names);
    in.literal(", ");
    d = in.number(2);
    in.literal(" ");
    mo = in.name(month_names) + 1;
    in.literal(" ");
    y = in.number(4);
    in.literal(" ");
    clock_time();
    in.literal(" GMT");
  } else if (comma != std::string_view::npos) {  // RFC 850
    in.name(long_day_names);
    in.literal(", ");
    d = in.number(2);
    in.literal("-");
    mo = in.name(month_names) + 1;
    in.literal("-");
    y = in.number(2);
    y += y >= 70 ? 1900 : 2000;
    in.literal(" ");
    clock_time();
    in.literal(" GMT");
  } else {  // asctime
    in.name(day_names);
    in.literal(" ");
    mo = in.name(month_names) + 1;
    in.literal(" ");
    if (in.rest.starts_with(' ')) {
      in.rest.remove_prefix(1);
      d = in.number(1);
    } else {
      d = in.number(2);
    }
    in.literal(" ");
    clock_time();
    in.literal(" ");
    y = in.number(4);
  }
  if (!in.good || !in.rest.empty()) return std::nullopt;
  return compose(y, mo, d, h, mi, s);
}

std::optional<milliseconds> parse_duration(std::string_view text) noexcept {
  long long value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || text.starts_with('-')) return std::nullopt;
  std::string_view const unit{end, text.data() + text.size()};
  long long const scale = unit == "ms"  ? 1
                          : unit == "s" ? 1'000
                          : unit == "m" ? 60'000
                          : unit == "h" ? 3'600'000
                          : unit == "d" ? 86'400'000
                                        : 0;
  if (scale == 0 || value > max_duration.count() / scale) return std::nullopt;
  return milliseconds{value * scale};
}

std::string format_duration(milliseconds d) {
  auto const count = d.count();
  if (count == 0) return "0s";
  if (count % 86'400'000 == 0) return std::to_string(count / 86'400'000) + "d";
  if (count % 3'600'000 == 0) return std::to_string(count / 3'600'000) + "h";
  if (count % 60'000 == 0) return std::to_string(count / 60'000) + "m";
  if (count % 1000 == 0) return std::to_string(count / 1000) + "s";
  return std::to_string(count) + "ms";
}

}  // namespace slipway
