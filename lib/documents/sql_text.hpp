// Requests as SQL: text with placeholders, and the values beside it. For the .cpp files of this folder.
#pragma once

#include <slipway/db/driver.hpp>
#include <slipway/documents/session.hpp>

#include <string>
#include <string_view>

namespace slipway::documents::detail {

// Into what a place's value is turned before it is compared.
enum class sql_class : std::uint8_t { integer, number, boolean, text, other };
sql_class class_of(meta::type const& t) noexcept;

// The words in which engines differ; `body` stands for an SQL expression that gives a document. Paths are dotted and
// made of names of C++ members, which need no escaping; everything else is a parameter.
struct sql_words {
  std::string_view key_type[2];  // by key_kind
  std::string_view body_type, text_type;
  std::string (*part)(std::string_view body, std::string_view path, sql_class as);
  std::string (*fragment)(std::string_view body, std::string_view path);  // as JSON; null when it is not there
  std::string (*is_there)(std::string_view body, std::string_view path);
  std::string (*same)(std::string_view left, std::string_view right);  // null is equal to null
  std::string (*starts_with)(std::string_view text, std::string_view prefix);
  // `as_json` is a parameter with the element's JSON, `as_value` one with its value.
  std::string (*contains)(std::string_view body, std::string_view path, std::string_view as_json,
                          std::string_view as_value);
  std::string (*json_mark)(std::string_view mark);  // a parameter of JSON text as JSON
  std::string_view object_function;                 // json_object('a', ...)
  std::string_view for_update;
  // Of what was computed, as 64 bits.
  std::string (*as_integer)(std::string_view expression);
  std::string (*as_number)(std::string_view expression);
  std::string_view ascending, descending;  // with what is missing first, and last
  // Of changes. `expression` is the document as the steps before it made it.
  std::string (*set)(std::string_view expression, std::string_view path, std::string_view json);
  std::string (*unset)(std::string_view expression, std::string_view path);
  std::string (*sum)(std::string_view body, std::string_view path, std::string_view mark, sql_class as);
  std::string (*appended)(std::string_view body, std::string_view path, std::string_view json);
  std::string (*pulled)(std::string_view expression, std::string_view body, std::string_view path,
                        std::string_view as_json, std::string_view as_value);
};

sql_words const& words_of(db::dialect d) noexcept;
extern sql_words const sqlite_documents, postgres_documents, mysql_documents;

// "{a,b}" and "$.\"a\".\"b\""
std::string brace_path(std::string_view dotted);
std::string dollar_path(std::string_view dotted);

std::string table_of(collection_info const& in);
// The column that MySQL and SQLite need for an index. MySQL's is generated; MariaDB has no other indexes over
// expressions. SQLite's is written with the document: its JSON functions may not stand in a schema that is not trusted
// (pragma trusted_schema), which the connections of lib/db keep so.
std::string column_of(path_info const& at);

class sql_text {
 public:
  sql_text(db::dialect d, collection_info const& in) : words{words_of(d)}, dialect{d}, info{in} {}

  // Takes the value; the placeholder.
  std::string mark(db::value v) {
    parameters.push_back(std::move(v));
    return "$" + std::to_string(parameters.size());
  }
  std::string json(node const& value);
  // A value as it is compared with what stands at the place.
  std::string value_for(path_info const& at, node const& value);
  // What stands at the place, as it can be compared.
  std::string place(path_info const& at) const;
  std::string condition(filter_node const& where);
  std::string order(std::vector<sort_key> const& by) const;
  // The document after the steps, as an expression.
  std::string changed(update_steps const& steps);
  // What stands behind `set` to make the document this.
  std::string assigned(std::string const& body) const;
  // The places of indexes that have a column of their own.
  std::vector<path_info const*> columns() const;

  sql_words const& words;
  db::dialect dialect;
  collection_info const& info;
  db::values parameters;

 private:
  std::string compared(filter_node const& where);
  std::string joined(filter_node const& where, std::string_view word, std::string_view of_none);
};

// The key of a document as the key column holds it.
db::value key_value(collection_info const& in, node const& id);
node key_node(collection_info const& in, db::row_view const& row, std::size_t column);

}  // namespace slipway::documents::detail
