// The JSON of headers, claims and keys, read so strictly that two readers cannot see two things: repeated members
// at any depth, bytes that are not UTF-8 and anything after the value are refused. Private to this library.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::auth {

enum class json_kind : std::uint8_t { null, boolean, integer, number, text, list, object };

struct json_value {
  std::string name;  // of a member; empty in lists
  json_kind what = json_kind::null;
  std::string text;  // of a string, decoded
  std::int64_t integer = 0;
  double number = 0;
  std::string json;                    // the value itself, without white space
  std::vector<json_value> children{};  // of a list
};

class json_members {
 public:
  explicit json_members(std::vector<json_value> all) noexcept : all_{std::move(all)} {}
  json_value const* find(std::string_view name) const noexcept {
    for (auto const& m : all_)
      if (m.name == name) return &m;
    return nullptr;
  }
  // The text of a member that is a string; null when it is absent or something else.
  std::string const* text(std::string_view name) const noexcept {
    auto const* m = find(name);
    return m != nullptr && m->what == json_kind::text ? &m->text : nullptr;
  }
  std::vector<json_value> const& all() const noexcept { return all_; }

 private:
  std::vector<json_value> all_;
};

// Empty when the text is not one object in the sense above, or nested deeper than 16.
std::optional<json_members> read_members(std::string_view json);
// Whether the text is one JSON value in the sense above.
bool is_json(std::string_view json);

// Appends the text as a JSON string.
void append_quoted(std::string& out, std::string_view text);

}  // namespace slipway::auth
