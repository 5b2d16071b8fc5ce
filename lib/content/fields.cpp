#include <slipway/content/fields.hpp>

#include <array>
#include <charconv>

namespace slipway::content {
namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c : std::string_view{"!#$%&'*+-.^_`|~"}) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto token_characters = make_token_table();

// The place of the first `wanted` outside quoted strings.
std::size_t find_outside_quotes(std::string_view text, char wanted) noexcept {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        quoted = false;
    } else if (text[i] == '"') {
      quoted = true;
    } else if (text[i] == wanted) {
      return i;
    }
  }
  return std::string_view::npos;
}

std::string_view minimal_problem(int status) noexcept {
  switch (status) {
    case 403: return R"({"type":"about:blank","title":"Forbidden","status":403})";
    case 404: return R"({"type":"about:blank","title":"Not Found","status":404})";
    case 406: return R"({"type":"about:blank","title":"Not Acceptable","status":406})";
    case 412: return R"({"type":"about:blank","title":"Precondition Failed","status":412})";
    case 415: return R"({"type":"about:blank","title":"Unsupported Media Type","status":415})";
    case 416: return R"({"type":"about:blank","title":"Range Not Satisfiable","status":416})";
    case 429: return R"({"type":"about:blank","title":"Too Many Requests","status":429})";
    default: return R"({"type":"about:blank"})";
  }
}

}  // namespace

bool is_token(std::string_view text) noexcept {
  if (text.empty()) return false;
  for (char c : text)
    if (!token_characters[static_cast<unsigned char>(c)]) return false;
  return true;
}

bool is_field_text(std::string_view text) noexcept {
  for (char c : text)
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return false;
  return true;
}

bool pieces::next(std::string_view& piece) noexcept {
  while (!rest_.empty()) {
    auto const at = find_outside_quotes(rest_, separator_);
    piece = trim(rest_.substr(0, at));
    rest_ = at == std::string_view::npos ? std::string_view{} : rest_.substr(at + 1);
    if (!piece.empty()) return true;
  }
  return false;
}

halves split(std::string_view text, char at) noexcept {
  auto const place = text.find(at);
  if (place == std::string_view::npos) return {trim(text), {}};
  // An empty second part must stay a view into the text: null means that there is no separator.
  auto const second = text.substr(place + 1);
  return {trim(text.substr(0, place)), trim(second)};
}

std::optional<std::string> unquote(std::string_view text) {
  if (!text.starts_with('"')) return is_token(text) ? std::optional<std::string>{text} : std::nullopt;
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1 == text.size() ? std::optional{std::move(out)} : std::nullopt;
    if (text[i] == '\\' && ++i == text.size()) return std::nullopt;
    out += text[i];
  }
  return std::nullopt;
}

std::string quote(std::string_view text) {
  std::string out{'"'};
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
  return out;
}

std::optional<int> parse_quality(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int value = text[0] - '0', scale = 3;
  for (std::size_t i = 2; i < text.size(); ++i, --scale) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  for (; scale > 0; --scale) value *= 10;
  return value <= 1000 ? std::optional{value} : std::nullopt;
}

std::optional<std::uint64_t> parse_digits(std::string_view text) noexcept {
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view all_values(http::exchange& x, std::string_view name) {
  http::field const* first = nullptr;
  std::size_t size = 0, count = 0;
  for (auto const& f : x.request.fields)
    if (http::equal_names(f.name, name)) {
      if (first == nullptr) first = &f;
      size += f.value.size() + 2;
      ++count;
    }
  if (count == 0) return {};
  if (count == 1) return first->value.data() != nullptr ? first->value : std::string_view{""};
  auto* const start = static_cast<char*>(x.memory.allocate(size, 1));
  char* out = start;
  for (auto const& f : x.request.fields)
    if (http::equal_names(f.name, name)) {
      if (out != start) {
        *out++ = ',';
        *out++ = ' ';
      }
      out = std::copy(f.value.begin(), f.value.end(), out);
    }
  return {start, out};
}

void add_vary(http::exchange& x, std::string_view name) {
  auto& r = x.response;
  for (std::size_t i = 0; i < r.field_count; ++i) {
    auto const& f = r.field_storage[i];
    if (!http::equal_names(f.name, "Vary")) continue;
    pieces list{f.value};
    for (std::string_view piece; list.next(piece);)
      if (piece == "*" || http::equal_names(piece, name)) return;
  }
  r.add("Vary", name);
}

http::field* find_field(http::response& r, std::string_view name) noexcept {
  for (std::size_t i = 0; i < r.field_count; ++i)
    if (http::equal_names(r.field_storage[i].name, name)) return &r.field_storage[i];
  return nullptr;
}

void remove_field(http::response& r, std::string_view name) noexcept {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < r.field_count; ++i)
    if (!http::equal_names(r.field_storage[i].name, name)) r.field_storage[kept++] = r.field_storage[i];
  r.field_count = kept;
}

void refuse(http::exchange& x, int status, char const* code, error_page const& page) {
  x.response.stream.reset();
  x.response.stream_length.reset();
  x.fault_code = code;
  if (page) {
    x.response.status = status;
    page(x);
  } else {
    x.answer(status, "application/problem+json", minimal_problem(status));
  }
}

}  // namespace slipway::content
