// Requests as SQL: text with placeholders, and the values beside it. For the .cpp files of this folder.
#pragma once

#include <slipway/db/driver.hpp>
#include <slipway/documents/session.hpp>
#include <slipway/documents/sql_words.hpp>

#include <string>
#include <string_view>

namespace slipway::documents::detail {

sql_class class_of(meta::type const& t) noexcept;

// A dotted path as a literal: '{a,b}' for PostgreSQL, '$."a"."b"' for the others. Paths are made of names of C++
// members, which need no escaping; everything else is a parameter.
std::string place_text(db::dialect d, std::string_view dotted);
// What stands at a place, as it is compared.
std::string part_text(db::dialect d, std::string_view body, path_info const& at);

std::string table_of(collection_info const& in);
// The column that a place of an index has for itself, on engines where it needs one.
std::string column_of(path_info const& at);

class sql_text {
 public:
  sql_text(db::dialect d, collection_info const& in) : dialect{d}, info{in} {}

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
  // A piece of the row's document as JSON.
  std::string fragment(std::string_view dotted) const;
  // The places of indexes that have a column of their own, and those among them that are written with the document.
  std::vector<path_info const*> columns() const;
  std::vector<path_info const*> written_columns() const;

  db::dialect dialect;
  collection_info const& info;
  db::values parameters;

 private:
  // An element of a list as a condition or a step takes it.
  std::string element(node const& value);
  std::string set(std::string const& document, std::string_view dotted, std::string const& json) const;
  std::string step(update_step const& what, std::string const& document);
  std::string compared(filter_node const& where);
  std::string joined(filter_node const& where, std::string_view word, std::string_view of_none);
};

// The key of a document as the key column holds it.
db::value key_value(collection_info const& in, node const& id);
node key_node(collection_info const& in, db::row_view const& row, std::size_t column);

}  // namespace slipway::documents::detail
