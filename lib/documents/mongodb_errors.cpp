#include <slipway/documents/mongodb_errors.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/server_url.hpp>
#include <slipway/db/database.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/documents/encoding.hpp>
#include <slipway/documents/mongodb_text.hpp>

#include <algorithm>

namespace slipway::documents::mongodb {
namespace {

// MongoDB 5.0: the oldest that has `$count` in groups.
constexpr std::int64_t oldest_wire_version = 13;

std::string text_in(node const& reply, std::string_view name) {
  auto const* found = reply.find(name);
  return found != nullptr ? found->text : std::string{};
}

answer ask_at_start(driver& through, settings const& s, char const* command) {
  auto what = node::object();
  what.add(command, node::of(1));
  auto got = through.run(what, false, s.connect_timeout, nullptr);
  if (got.what == problem::none) return got;
  auto const where = "documents.url (" + without_password(s.url) + "): ";
  if (got.message.ends_with('.')) got.message.pop_back();  // some are sentences
  constexpr int unauthorised = 13, authentication_failed = 18;
  if (got.what == problem::config || got.code == unauthorised || got.code == authentication_failed)
    throw startup_error{exit_code::config, where + got.message +
                                               ". Look at user, password, authSource and the names of "
                                               "the certificates' files."};
  throw startup_error{exit_code::unavailable, where + "no server answers: " + got.message};
}

}  // namespace

server_facts facts_of(driver& through, settings const& s) {
  auto const hello = ask_at_start(through, s, "hello").reply;
  auto const build = ask_at_start(through, s, "buildInfo").reply;
  server_facts out;
  auto const ferret = text_in(build, "ferretdbVersion");
  out.is_ferret = !ferret.empty();
  out.description = (ferret.empty() ? "MongoDB " + text_in(build, "version") : "FerretDB " + ferret) + ", database " +
                    through.database();
  if (text_in(hello, "msg") == "isdbgrid") out.kind = "sharded";
  if (hello.find("setName") != nullptr) out.kind = "replica set";
  if (number_in(hello, "maxWireVersion") < oldest_wire_version)
    throw startup_error{exit_code::config,
                        "documents.url: " + out.description + " is too old: MongoDB 5.0 or newer is needed"};
  return out;
}

std::int64_t number_in(node const& reply, std::string_view name) {
  auto const* found = reply.find(name);
  if (found == nullptr) return 0;
  return found->kind == node_kind::number ? static_cast<std::int64_t>(found->number) : found->integer;
}

answer with_write_errors(answer got) {
  auto const* errors = got.reply.find("writeErrors");
  if (got.what != problem::none || errors == nullptr || errors->items.empty()) return got;
  auto const& first = errors->items.front();
  got.what = problem::refused;
  got.code = static_cast<int>(number_in(first, "code"));
  got.message = text_in(first, "errmsg");
  return got;
}

bool is_duplicate(answer const& got) noexcept {
  return got.what == problem::refused && (got.code == 11000 || got.code == 11001 || got.code == 12582);
}

// ChangeStreamFatalError, ChangeStreamHistoryLost, and a token that is none.
bool is_lost_feed(int code) noexcept { return code == 280 || code == 286 || code == 260; }

std::string duplicate_label(collection_info const& in, std::string_view message) {
  if (message.find("_id_") != std::string_view::npos) return std::string{in.name} + ".id";
  for (auto const& index : in.indexes())
    if (message.find(documents::detail::index_name(in, index)) != std::string_view::npos)
      return documents::detail::index_label(in, index);
  return {};
}

void throw_unless_answered(answer const& got) {
  auto const code = std::to_string(got.code);
  switch (got.what) {
    case problem::none: return;
    case problem::unavailable:
    case problem::config: throw unavailable_error{"MongoDB: " + got.message};
    case problem::timeout: throw unavailable_error{"MongoDB: a request took longer than documents.timeout"};
    case problem::conflict: throw db::conflict_error{"MongoDB: " + got.message, code};
    case problem::refused: {
      // BadValue and TypeMismatch of an $inc beyond 64 bits, a document that is too large.
      constexpr int object_too_large = 10334;
      if (got.code == object_too_large) throw db::input_error{"MongoDB: " + got.message, code};
      throw db::error{"MongoDB: " + got.message, code};
    }
  }
}

std::optional<feed_entry> entry_of(node const& event) {
  auto const what = text_in(event, "operationType");
  auto const* id = event.at("documentKey._id");
  auto const* token = event.find("_id");
  if (id == nullptr || token == nullptr) return std::nullopt;
  feed_entry out{.what = what == "insert"   ? change_kind::inserted
                         : what == "delete" ? change_kind::removed
                                            : change_kind::changed,
                 .id = *id,
                 .document = {},
                 .token = to_json(*token)};
  if (auto const* document = event.find("fullDocument"); document != nullptr && document->kind == node_kind::object)
    out.document = restored(*document);
  return out;
}

}  // namespace slipway::documents::mongodb
