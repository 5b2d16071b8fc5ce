#include <slipway/content/disposition.hpp>

#include <slipway/content/fields.hpp>
#include <slipway/content/urlencoded.hpp>
#include <slipway/core/ascii.hpp>
#include <slipway/core/encoding.hpp>
#include <slipway/http/percent.hpp>

#include <algorithm>
#include <array>

namespace slipway::content {
namespace {

constexpr std::size_t longest_name = 200;

// Browsers write a quoted string in which backslashes are common (Windows paths) and a quote is %22; they do not escape.
// So only \" and \\ are taken for escapes.
std::optional<std::string> unquote_leniently(std::string_view text) {
  if (!text.starts_with('"')) return is_token(text) ? std::optional<std::string>{text} : std::nullopt;
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1 == text.size() ? std::optional{std::move(out)} : std::nullopt;
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
    out += text[i];
  }
  return std::nullopt;
}

// RFC 8187: charset'language'percent-encoded. UTF-8 is the only charset that senders may use.
std::optional<std::string> decode_extended(std::string_view text) {
  auto const first = text.find('\'');
  if (first == std::string_view::npos || !http::equal_names(text.substr(0, first), "UTF-8")) return std::nullopt;
  auto const second = text.find('\'', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  arena memory;
  auto const decoded = http::percent_decode(text.substr(second + 1), memory);
  if (!decoded || !is_utf8(*decoded)) return std::nullopt;
  return std::string{*decoded};
}

// What the form encoding of WHATWG HTML writes for a quote and line ends in a name, and nothing else.
std::string undo_form_escapes(std::string text) {
  static constexpr std::array<std::pair<std::string_view, char>, 3> escapes{
      {{"%22", '"'}, {"%0D", '\r'}, {"%0A", '\n'}}};
  for (auto const& [written, meant] : escapes)
    for (auto at = text.find(written); at != std::string::npos; at = text.find(written, at + 1))
      text.replace(at, 3, 1, meant);
  return text;
}

// Characters that turn the direction of what follows: "invoice<U+202E>fdp.exe" reads as "invoiceexe.pdf".
bool is_direction_control(std::string_view three) noexcept {
  auto const second = static_cast<unsigned char>(three[1]), third = static_cast<unsigned char>(three[2]);
  if (three[0] != '\xe2') return false;
  return (second == 0x80 && (third == 0x8e || third == 0x8f || (third >= 0xaa && third <= 0xae))) ||
         (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

bool is_device_name(std::string_view name) {
  auto const stem = ascii_lowered(name.substr(0, name.find('.')));
  if (stem == "con" || stem == "prn" || stem == "aux" || stem == "nul") return true;
  return stem.size() == 4 && (stem.starts_with("com") || stem.starts_with("lpt")) && stem[3] >= '0' && stem[3] <= '9';
}

// Cuts to `size` bytes without splitting a character.
void cut(std::string& text, std::size_t size) {
  if (text.size() <= size) return;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  text.resize(size);
}

void shorten(std::string& name) {
  if (name.size() <= longest_name) return;
  auto const dot = name.rfind('.');
  std::string extension = dot != std::string::npos && name.size() - dot <= 20 ? name.substr(dot) : std::string{};
  cut(name, longest_name - extension.size());
  name += extension;
}

}  // namespace

std::optional<disposition> parse_disposition(std::string_view value) {
  pieces parts{value, ';'};
  std::string_view part;
  if (!parts.next(part) || !is_token(part)) return std::nullopt;
  disposition d{.type = ascii_lowered(part)};
  std::optional<std::string> plain, extended;
  while (parts.next(part)) {
    auto const [name, text] = split(part, '=');
    if (text.data() == nullptr || !is_token(name)) return std::nullopt;
    if (http::equal_names(name, "filename*")) {
      if (extended) return std::nullopt;
      extended = decode_extended(text);
      continue;
    }
    auto* const where = http::equal_names(name, "name")       ? &d.name
                        : http::equal_names(name, "filename") ? &plain
                                                              : nullptr;
    auto decoded = unquote_leniently(text);
    if (!decoded || (where != nullptr && *where)) return std::nullopt;
    if (where != nullptr) *where = undo_form_escapes(std::move(*decoded));
  }
  d.file_name = extended ? std::move(extended) : std::move(plain);
  return d;
}

std::string safe_file_name(std::string_view name) {
  if (auto const slash = name.find_last_of("/\\"); slash != std::string_view::npos) name.remove_prefix(slash + 1);
  bool const text = is_utf8(name);
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    auto const c = static_cast<unsigned char>(name[i]);
    if (c < 0x20 || c == 0x7f) continue;
    if (c >= 0x80 && !text) {
      out += '_';
      continue;
    }
    if (i + 2 < name.size() && is_direction_control(name.substr(i, 3))) {
      i += 2;
      continue;
    }
    if (c == 0xc2 && i + 1 < name.size() && static_cast<unsigned char>(name[i + 1]) < 0xa0) {  // C1 control characters
      ++i;
      continue;
    }
    out += std::string_view{"<>:\"|?*%;"}.contains(name[i]) ? '_' : name[i];
  }
  out.erase(0, std::min(out.find_first_not_of(". "), out.size()));
  shorten(out);
  while (!out.empty() && (out.back() == '.' || out.back() == ' ')) out.pop_back();
  if (is_device_name(out)) out.insert(out.begin(), '_');
  return out.empty() ? "file" : out;
}

std::string attachment(std::string_view file_name) {
  auto const safe = safe_file_name(file_name);
  std::string plain;
  bool ascii = true;
  for (char c : safe) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) ascii = false;
    if ((byte & 0xc0) == 0x80) continue;  // one underscore for each character, not for each byte
    plain += byte >= 0x80 ? '_' : c;
  }
  auto out = "attachment; filename=" + quote(plain);
  if (!ascii) out += "; filename*=UTF-8''" + percent_encode(safe);
  return out;
}

}  // namespace slipway::content
