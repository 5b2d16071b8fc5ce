// The little XML that object stores answer with. Private to the library.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::s3 {

struct xml_element {
  std::string name;  // without a namespace's prefix
  std::string text;  // its own, without that of its children
  std::vector<xml_element> children;

  // The first child of that name; null when there is none.
  xml_element const* find(std::string_view child) const noexcept;
  // Its text; empty when there is none.
  std::string_view value(std::string_view child) const noexcept;
};

// Empty when it is not well-formed, declares a document type, or is nested more than 16 deep.
std::optional<xml_element> parse_xml(std::string_view text);

}  // namespace slipway::s3
