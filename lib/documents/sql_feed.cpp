// Feeds on SQL engines: a table of changes, numbered without gaps for each collection. The row with the last number is
// locked until the change is committed, so that no change can be seen before one with a lower number.
#include <slipway/documents/encoding.hpp>
#include <slipway/documents/sql_session.hpp>

#include <slipway/core/id.hpp>
#include <slipway/db/errors.hpp>

#include <charconv>

namespace slipway::documents::detail {
namespace {

constexpr std::size_t rows_of_insert = 200;

std::optional<std::int64_t> number_of(std::string_view token) {
  std::int64_t out = 0;
  auto const [end, error] = std::from_chars(token.data(), token.data() + token.size(), out);
  if (error != std::errc{} || end != token.data() + token.size() || out < 0) return std::nullopt;
  return out;
}

std::string id_text(node const& id) { return id.kind == node_kind::uuid ? uuid{id.uuid}.text() : id.text; }

node id_node(collection_info const& in, std::string_view text) {
  if (in.key == key_kind::text) return node::of(text);
  auto const parsed = uuid::parse(text);
  if (!parsed) throw db::value_error{"an entry of a feed has an id that is no UUID"};
  return node::of(parsed->bytes);
}

}  // namespace

task<std::int64_t> sql_session::lock_feed(collection_info const& in) {
  auto sql = std::string{"select last_number from document_feeds where collection = $1"};
  sql += words::for_update[db_.dialect()];
  auto const found = co_await db_.query_once(std::move(sql), {in.name});
  if (found.empty())
    throw db::error{"the feed of '" + std::string{in.name} +
                    "' is not there: name the collection where the store is prepared"};
  co_return found[0].get<std::int64_t>(0);
}

task<> sql_session::record(collection_info const& in, std::int64_t last, std::vector<happening> all) {
  if (all.empty()) co_return;
  auto const now = clock_.now();
  for (std::size_t from = 0; from < all.size(); from += rows_of_insert) {
    db::values parameters{in.name, now.time_since_epoch().count()};
    auto const mark = [&parameters](db::value v) {
      parameters.push_back(std::move(v));
      return "$" + std::to_string(parameters.size());
    };
    std::string sql{"insert into document_changes (collection, number, changed_at, kind, document_id, body) values "};
    for (auto i = from; i < std::min(all.size(), from + rows_of_insert); ++i) {
      auto const& each = all[i];
      sql += i > from ? ", ($1, " : "($1, ";
      sql += mark(db::value{++last}) + ", $2, " + mark(db::value{static_cast<int>(each.what)}) + ", " +
             mark(db::value{id_text(each.id)}) + ", " +
             mark(each.document ? db::value{db::json_text{to_json(*each.document)}}
                                : db::value::null(db::value_kind::json)) +
             ")";
    }
    co_await db_.execute(std::move(sql), std::move(parameters));
  }
  co_await db_.execute("update document_feeds set last_number = $1 where collection = $2", {last, in.name});
}

// The primary alone is asked about feeds: statements that may be repeated go to replicas, each perhaps to another, and one
// that is behind would say of a place that it is not there.
task<std::string> sql_session::feed_end(collection_info const& in) {
  auto const found = co_await db_.query_once("select last_number from document_feeds where collection = $1", {in.name});
  if (found.empty())
    throw db::error{"the collection '" + std::string{in.name} + "' has no feed: declare it with .feed()"};
  co_return std::to_string(found[0].get<std::int64_t>(0));
}

task<result<feed_part>> sql_session::read_feed(collection_info const& in, std::string token, std::size_t limit) {
  auto const after = token.empty() ? std::optional<std::int64_t>{0} : number_of(token);
  if (!after) co_return fault::malformed("bad_token");
  // Before the changes are read: what comes meanwhile must not look as if it had been removed.
  auto const end = number_of(co_await feed_end(in)).value_or(0);
  auto const found = co_await db_.query_once(
      "select number, kind, document_id, body from document_changes where collection = $1 and number > $2 order by "
      "number limit $3",
      {in.name, *after, limit});
  feed_part out;
  for (auto const row : found) {
    auto& entry = out.entries.emplace_back();
    entry.token = std::to_string(row.get<std::int64_t>(0));
    entry.what = static_cast<change_kind>(row.get<int>(1));
    entry.id = id_node(in, row.get<std::string>(2));
    if (!row[3].is_null()) {
      entry.document = from_json(row[3].text);
      if (auto* id = entry.document->find("id")) *id = entry.id;
    }
  }
  auto const lost = out.entries.empty() ? *after < end : found[0].get<std::int64_t>(0) != *after + 1;
  if (!token.empty() && lost) co_return fault::gone("feed_expired");
  if (!token.empty() && *after > end) co_return fault::gone("feed_expired");  // of another database
  out.token = out.entries.empty() ? std::to_string(end) : out.entries.back().token;
  co_return out;
}

}  // namespace slipway::documents::detail
