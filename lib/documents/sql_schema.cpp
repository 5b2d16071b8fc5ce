#include <slipway/documents/sql_schema.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/documents/sql_text.hpp>

namespace slipway::documents::detail {
namespace {

std::string table_statement(sql_words const& words, collection_info const& in) {
  return "create table " + table_of(in) + " (id " + std::string{words.key_type[static_cast<std::size_t>(in.key)]} +
         " primary key not null, body " + std::string{words.body_type} + " not null)";
}

std::string changes_statement(sql_words const& words) {
  auto const text = std::string{words.text_type};
  return "create table document_changes (collection varchar(40) not null, number bigint not null, "
         "changed_at bigint not null, kind smallint not null, document_id " +
         text + " not null, body " + std::string{words.body_type} + ", primary key (collection, number))";
}

std::string index_statement(sql_text const& text, index_info const& index) {
  std::string out{index.unique ? "create unique index " : "create index "};
  out += index_name(text.info, index) + " on " + table_of(text.info) + " (";
  for (std::size_t i = 0; i < index.size; ++i) {
    auto const place = text.place(*index.parts[i]);
    out += i > 0 ? ", " : "";
    out += text.dialect == db::dialect::postgres ? "(" + place + ")" : place;
  }
  return out + ")";
}

[[noreturn]] void refuse_index(collection_info const& in, index_info const& index, std::string const& why) {
  throw startup_error{exit_code::config,
                      "the index unique(" + index_label(in, index) +
                          ") cannot be made, because documents that are there contradict it: " + why};
}

task<bool> is_there(db::session& on, std::string sql, db::values names) {
  auto const found = co_await on.query(std::move(sql), std::move(names));
  co_return found[0].get<std::int64_t>(0) > 0;
}

// Asked first, because "if not exists" needs the right to make tables even where there is nothing to make.
task<bool> has_table(db::session& on, std::string name) {
  switch (on.dialect()) {
    case db::dialect::sqlite: return is_there(on, "select count(*) from sqlite_master where name = $1", {name});
    case db::dialect::postgres: return is_there(on, "select count(to_regclass($1))", {name});
    case db::dialect::mysql: break;
  }
  return is_there(
      on, "select count(*) from information_schema.tables where table_schema = database() and table_name = $1", {name});
}

task<> make_index(db::session& on, collection_info const& in, index_info const& index) {
  try {
    co_await on.execute(index_statement(sql_text{on.dialect(), in}, index));
  } catch (db::constraint_error const& e) {
    refuse_index(in, index, e.what());
  }
}

task<> make_index_if_missing(db::session& on, collection_info const& in, index_info const& index) {
  if (!co_await has_table(on, index_name(in, index))) co_await make_index(on, in, index);
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

// MySQL's changes of the schema have no IF NOT EXISTS, and MariaDB no indexes over expressions.
task<> make_mysql_index(db::session& on, collection_info const& in, index_info const& index) {
  for (std::size_t i = 0; i < index.size; ++i) {
    auto const& at = *index.parts[i];
    auto const column = column_of(at);
    if (co_await is_there(on,
                          "select count(*) from information_schema.columns where table_schema = database() and "
                          "table_name = $1 and column_name = $2",
                          {table_of(in), column}))
      continue;
    auto const as = class_of(*at.of);
    co_await on.execute("alter table " + table_of(in) + " add column " + column + " " + std::string{column_type(as)} +
                        " generated always as (" + mysql_documents.part("body", at.dotted, as) + ") virtual");
  }
  if (!co_await is_there(on,
                         "select count(*) from information_schema.statistics where table_schema = database() and "
                         "table_name = $1 and index_name = $2",
                         {table_of(in), index_name(in, index)}))
    co_await make_index(on, in, index);
}

// Documents that are there already get the value of a new column.
task<> make_sqlite_columns(db::session& on, collection_info const& in) {
  sql_text const text{on.dialect(), in};
  for (auto const* at : text.columns()) {
    auto const column = column_of(*at);
    if (co_await is_there(on, "select count(*) from pragma_table_info($1) where name = $2", {table_of(in), column}))
      continue;
    co_await on.execute("alter table " + table_of(in) + " add column " + column);
    co_await on.execute("update " + table_of(in) + " set " + column + " = " +
                        sqlite_documents.part("body", at->dotted, class_of(*at->of)));
  }
}

task<> prepare_feed(db::session& on, collection_info const& in) {
  auto const there = co_await is_there(on, "select count(*) from document_feeds where collection = $1", {in.name});
  if (!there) co_await on.execute("insert into document_feeds (collection, last_number) values ($1, 0)", {in.name});
}

task<> prepare_all(db::session& on, std::vector<collection_info const*> const& all) {
  auto const& words = words_of(on.dialect());
  if (!co_await has_table(on, "document_feeds"))
    co_await on.execute(
        "create table document_feeds (collection varchar(40) primary key not null, last_number bigint not "
        "null)");
  if (!co_await has_table(on, "document_changes")) co_await on.execute(changes_statement(words));
  for (auto const* in : all) {
    if (!co_await has_table(on, table_of(*in))) co_await on.execute(table_statement(words, *in));
    if (on.dialect() == db::dialect::sqlite) co_await make_sqlite_columns(on, *in);
    for (auto const& index : in->indexes())
      if (on.dialect() == db::dialect::mysql)
        co_await make_mysql_index(on, *in, index);
      else
        co_await make_index_if_missing(on, *in, index);
    if (in->has_feed) co_await prepare_feed(on, *in);
  }
}

}  // namespace

task<> prepare_tables(db::database& in, std::vector<collection_info const*> all) {
  co_await in.transaction([&](db::transaction& tx) -> task<> {
    // Others who start at the same moment wait here. SQLite has one writer anyway.
    if (tx.dialect() == db::dialect::postgres) (void)co_await tx.query_once("select pg_advisory_xact_lock(7311025)");
    if (tx.dialect() == db::dialect::mysql) (void)co_await tx.query_once("select get_lock('slipway_documents', 30)");
    std::exception_ptr error;
    try {
      co_await prepare_all(tx, all);
    } catch (...) {
      error = std::current_exception();
    }
    if (tx.dialect() == db::dialect::mysql) (void)co_await tx.query_once("select release_lock('slipway_documents')");
    if (error) std::rethrow_exception(error);
  });
}

}  // namespace slipway::documents::detail
