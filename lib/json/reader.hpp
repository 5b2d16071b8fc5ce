// JSON text (RFC 8259) into described types. Strict: invalid UTF-8, lone surrogates, duplicate members, trailing
// content and NUL characters are refused, and so is whatever is larger or deeper than the limits.
//
//   result<sign_up> in = json::read_valid<sign_up>(body);
//
// The text is read once, in place, straight into the value: nothing is copied but what the value keeps. That costs
// half of parsing into a tree first, and a secret leaves no second copy behind.
//
// Text that is not JSON is the fault malformed("malformed_json") with line and column in its detail. JSON that does
// not fit the type is the fault invalid(...) which names every wrong member at once: a JSON pointer (RFC 6901), a
// stable code (see README.md) and a sentence. No message repeats a value of the input.
#pragma once

#include <slipway/core/fault.hpp>
#include <slipway/meta/description.hpp>

#include <cstddef>
#include <string_view>

namespace slipway::json {

enum class unknown_members : std::uint8_t { refuse, ignore };

struct read_options {
  unknown_members unknown = unknown_members::refuse;
  // For documents that this service wrote itself: members that are read-only for clients are filled as well, and
  // members that are never written need not be there.
  bool own_document = false;
  std::size_t max_bytes = 1 << 20;  // of the text: fault too_large("document_too_large")
  std::size_t max_depth = 32;       // of objects and lists in each other, 1 to 512: fault malformed("too_deep")
  std::size_t max_items = 10'000;   // of each list and map: error too_many
  std::size_t max_errors = 50;      // that are reported; the rest is left out
};

// For whoever has the table and not the type. With `rules`, they are checked too. What `value` holds after an error
// is not said.
result<void> read_into(meta::type const& type, void* value, std::string_view text, read_options const& options,
                       bool rules);

// The value, without its rules.
template <meta::described T>
result<T> read(std::string_view text, read_options const& options = {}) {
  result<T> out{std::in_place};
  if (auto done = read_into(meta::describe<T>, &*out, text, options, false); !done) [[unlikely]]
    out = std::unexpected{std::move(done.error())};
  return out;
}

// The value, when it keeps all rules of its type; else the errors of both kinds together.
template <meta::described T>
result<T> read_valid(std::string_view text, read_options const& options = {}) {
  result<T> out{std::in_place};
  if (auto done = read_into(meta::describe<T>, &*out, text, options, true); !done) [[unlikely]]
    out = std::unexpected{std::move(done.error())};
  return out;
}

}  // namespace slipway::json
