#include <slipway/config/dotenv.hpp>

#include <algorithm>
#include <optional>

namespace slipway::config {
namespace {

std::string_view trim(std::string_view text) noexcept {
  auto const first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool is_name(std::string_view text) noexcept {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool is_rest_of_line(std::string_view text) noexcept {
  text = trim(text);
  return text.empty() || text.starts_with('#');
}

// Empty: the quote does not end, or something follows it.
std::optional<std::string> unquote(std::string_view text) {
  auto const quote = text[0];
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == quote) return is_rest_of_line(text.substr(i + 1)) ? std::optional{out} : std::nullopt;
    if (quote == '"' && text[i] == '\\' && i + 1 < text.size()) {
      auto const c = text[++i];
      out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    } else {
      out += text[i];
    }
  }
  return std::nullopt;
}

}  // namespace

std::map<std::string, dotenv_value, std::less<>> parse_dotenv(std::string_view text, std::string const& source,
                                                              std::vector<problem>& problems) {
  std::map<std::string, dotenv_value, std::less<>> out;
  int number = 0;
  while (!text.empty()) {
    ++number;
    auto const end = std::min(text.find('\n'), text.size());
    auto line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    auto const wrong = [&](std::string what) {
      problems.push_back({place{source, number, 0}.text(), "", std::move(what)});
    };
    if (line.starts_with("export ")) line = trim(line.substr(7));
    auto const equals = line.find('=');
    if (equals == std::string_view::npos || !is_name(trim(line.substr(0, equals)))) {
      wrong("is not of the form NAME=value");
      continue;
    }
    auto const name = trim(line.substr(0, equals));
    auto value = trim(line.substr(equals + 1));
    if (value.find('\0') != std::string_view::npos) {
      wrong("a value must not hold a NUL character");
    } else if (!value.empty() && (value[0] == '"' || value[0] == '\'')) {
      if (auto inside = unquote(value))
        out.insert_or_assign(std::string{name}, dotenv_value{std::move(*inside), number});
      else
        wrong("the quote does not end where the line does");
    } else {
      if (auto const comment = value.find(" #"); comment != std::string_view::npos)
        value = trim(value.substr(0, comment));
      out.insert_or_assign(std::string{name}, dotenv_value{std::string{value}, number});
    }
  }
  return out;
}

}  // namespace slipway::config
