// What MongoDB answers when it does not do what it was asked for. For the .cpp files of this folder.
#pragma once

#include <slipway/documents/mongodb_driver.hpp>
#include <slipway/documents/session.hpp>
#include <slipway/documents/settings.hpp>

#include <string>

namespace slipway::documents::mongodb {

inline constexpr int namespace_exists = 48, not_implemented = 238;

struct server_facts {
  std::string description;  // "MongoDB 7.0.5, database app": for logs
  std::string kind;         // empty: one server by itself
  bool is_ferret = false;
  bool is_replicated() const noexcept { return !kind.empty(); }
};
// Throws startup_error.
server_facts facts_of(driver& through, settings const& s);

// An answer that holds `writeErrors` is a refusal.
answer with_write_errors(answer got);
bool is_duplicate(answer const& got) noexcept;
bool is_lost_feed(int code) noexcept;
std::int64_t number_in(node const& reply, std::string_view name);
// "people.email"; empty when the message does not say which index it was.
std::string duplicate_label(collection_info const& in, std::string_view message);
// Throws what the problem means to a caller.
void throw_unless_answered(answer const& got);
// Nothing for events that tell of no document.
std::optional<feed_entry> entry_of(node const& event);

}  // namespace slipway::documents::mongodb
