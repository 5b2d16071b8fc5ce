// Content-Disposition (RFC 6266) and the names of files that strangers choose.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipway::content {

struct disposition {
  std::string type;                      // lower case: "form-data", "attachment"
  std::optional<std::string> name;       // of form-data
  std::optional<std::string> file_name;  // `filename*` (RFC 8187) before `filename`; as it came, not to be trusted
};

// Empty when it is malformed, or names a parameter twice.
std::optional<disposition> parse_disposition(std::string_view value);

// A name that is safe on any file system and in any log: no directories, control characters, reserved characters or
// device names, no leading dot, valid UTF-8 without direction overrides, at most 200 bytes with the extension kept.
// "file" when nothing is left.
std::string safe_file_name(std::string_view name);

// `attachment; filename="r_sum_.pdf"; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf`
std::string attachment(std::string_view file_name);

}  // namespace slipway::content
