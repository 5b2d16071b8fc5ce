// Described values into trees and back, and trees as the JSON text of a column.
#pragma once

#include <slipway/documents/node.hpp>
#include <slipway/meta/description.hpp>

#include <string>
#include <string_view>

namespace slipway::documents {

// Throws db::input_error for what no store can hold: NaN, text that is not UTF-8 or has a NUL, a key of a map or of a
// dynamic value that is empty, begins with $ or has a dot (paths could not tell it from two keys), an integer above
// the largest signed one, more than 32 levels.
node encode(meta::type const& type, void const* value);

// Fills `value`, which has its defaults: what the document lacks keeps them, and what the type lacks is passed over, so
// that old documents are read by a newer program. Throws db::value_error that names the path of what does not fit.
void decode(meta::type const& type, void* value, node const& from);

template <meta::described T>
node encode(T const& value) {
  return encode(meta::describe<T>, &value);
}
template <meta::described T>
T decode(node const& from) {
  T out{};
  decode(meta::describe<T>, &out, from);
  return out;
}

std::string to_json(node const& tree);
// Throws db::value_error for text that is no JSON.
node from_json(std::string_view text);

}  // namespace slipway::documents
