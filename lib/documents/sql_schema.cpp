#include <slipway/documents/sql_schema.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/documents/sql_text.hpp>

#include <fmt/core.h>

namespace slipway::documents::detail {
namespace {

std::string table_statement(db::dialect d, collection_info const& in) {
  auto const key = (in.key == key_kind::uuid ? words::uuid_key : words::text_key)[d];
  return fmt::format("create table {} (id {} primary key not null, body {} not null)", table_of(in), key,
                     words::body_type[d]);
}

std::string changes_statement(db::dialect d) {
  return fmt::format(
      "create table document_changes (collection varchar(40) not null, number bigint not null, changed_at bigint not "
      "null, kind smallint not null, document_id {} not null, body {}, primary key (collection, number))",
      words::text_type[d], words::body_type[d]);
}

std::string index_statement(sql_text const& text, index_info const& index) {
  std::string out{index.unique ? "create unique index " : "create index "};
  out += index_name(text.info, index) + " on " + table_of(text.info) + " (";
  for (std::size_t i = 0; i < index.size; ++i) {
    auto const place = text.place(*index.parts[i]);
    out += i > 0 ? ", " : "";
    out += words::index_parts[text.dialect] == words::index_part::expression ? "(" + place + ")" : place;
  }
  return out + ")";
}

[[noreturn]] void refuse_index(collection_info const& in, index_info const& index, std::string const& why) {
  throw startup_error{exit_code::config,
                      "the index unique(" + index_label(in, index) +
                          ") cannot be made, because documents that are there contradict it: " + why};
}

task<bool> is_there(db::session& on, std::string_view count, db::values names) {
  auto const found = co_await on.query(std::string{count}, std::move(names));
  co_return found[0].get<std::int64_t>(0) > 0;
}

task<> make_index(db::session& on, collection_info const& in, index_info const& index) {
  try {
    co_await on.execute(index_statement(sql_text{on.dialect(), in}, index));
  } catch (db::constraint_error const& e) {
    refuse_index(in, index, e.what());
  }
}

std::string_view column_type(sql_class as) {
  switch (as) {
    case sql_class::integer: return "bigint";
    case sql_class::number: return "double";
    case sql_class::boolean: return "boolean";
    case sql_class::text:
    case sql_class::other: break;
  }
  return "varchar(500)";  // four of them with the bytes of any character would be more than a key may have
}

task<> make_column(db::session& on, collection_info const& in, path_info const& at) {
  auto const d = on.dialect();
  auto const part = part_text(d, "body", at);
  auto add = fmt::format("alter table {} add column {}", table_of(in), column_of(at));
  if (words::index_parts[d] == words::index_part::generated_column) {
    add += fmt::format(" {} generated always as ({}) virtual", column_type(class_of(*at.of)), part);
    co_await on.execute(std::move(add));
  } else {
    co_await on.execute(std::move(add));
    // Documents that are there already.
    co_await on.execute(fmt::format("update {} set {} = {}", table_of(in), column_of(at), part));
  }
}

task<> prepare_feed(db::session& on, collection_info const& in) {
  auto const there = co_await is_there(on, "select count(*) from document_feeds where collection = $1", {in.name});
  if (!there) co_await on.execute("insert into document_feeds (collection, last_number) values ($1, 0)", {in.name});
}

// Whether something is there is asked first, because "if not exists" needs the right to make tables even where there is
// nothing to make, and not every engine knows it for columns and indexes.
task<> prepare_collection(db::session& on, collection_info const& in) {
  auto const d = on.dialect();
  auto const table = table_of(in);
  if (!co_await is_there(on, words::count_tables[d], {table})) co_await on.execute(table_statement(d, in));
  for (auto const* at : sql_text{d, in}.columns())
    if (!co_await is_there(on, words::count_columns[d], {table, column_of(*at)})) co_await make_column(on, in, *at);
  for (auto const& index : in.indexes())
    if (!co_await is_there(on, words::count_indexes[d], {table, index_name(in, index)}))
      co_await make_index(on, in, index);
  if (in.has_feed) co_await prepare_feed(on, in);
}

task<> prepare_all(db::session& on, std::vector<collection_info const*> const& all) {
  auto const d = on.dialect();
  if (!co_await is_there(on, words::count_tables[d], {"document_feeds"}))
    co_await on.execute(
        "create table document_feeds (collection varchar(40) primary key not null, last_number bigint not null)");
  if (!co_await is_there(on, words::count_tables[d], {"document_changes"})) co_await on.execute(changes_statement(d));
  for (auto const* in : all) co_await prepare_collection(on, *in);
}

task<> ask(db::session& on, std::string_view sql) {
  if (!sql.empty()) (void)co_await on.query_once(std::string{sql});
}

}  // namespace

task<> prepare_tables(db::database& in, std::vector<collection_info const*> all) {
  co_await in.transaction([&](db::transaction& tx) -> task<> {
    co_await ask(tx, words::begin_schema[tx.dialect()]);
    std::exception_ptr error;
    try {
      co_await prepare_all(tx, all);
    } catch (...) {
      error = std::current_exception();
    }
    co_await ask(tx, words::end_schema[tx.dialect()]);
    if (error) std::rethrow_exception(error);
  });
}

}  // namespace slipway::documents::detail
