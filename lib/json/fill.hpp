// A parsed document into a described value: the middle of the reader. Includes the parser's heavy header, so only
// this library's .cpp files may include it.
#pragma once

#include <slipway/json/path.hpp>
#include <slipway/json/reader.hpp>

#include <boost/json/value.hpp>
#include <simdjson.h>

namespace slipway::json::detail {

class filler {
 public:
  filler(error_list& errors, read_options const& options, bool rules) noexcept : errors_{errors}, options_{options}, rules_{rules} {}

  // False: something was wrong, and is in the list of errors.
  bool fill(meta::type const& t, void* at, simdjson::dom::element e, place const& where);

 private:
  using element = simdjson::dom::element;
  bool fill_integer(meta::type const& t, void* at, element e, place const& where);
  bool fill_number(meta::type const& t, void* at, element e, place const& where);
  bool fill_text(meta::type const& t, void* at, element e, place const& where);
  bool fill_list(meta::type const& t, void* at, element e, place const& where);
  bool fill_map(meta::type const& t, void* at, element e, place const& where);
  bool fill_variant(meta::type const& t, void* at, element e, place const& where);
  // `skip` is the name of a member that was dealt with already.
  bool fill_object(meta::type const& t, void* at, element e, place const& where, std::string_view skip);
  bool check_missing(meta::type const& t, std::size_t index, place const& where);
  bool check_repeated(std::vector<std::string_view>& names, place const& where);
  bool fill_dynamic(boost::json::value& out, element e, place const& where);

  bool is_writable(meta::attributes const& about) const noexcept { return options_.own_document || !about.read_only; }
  bool wrong_type(meta::type const& t, element e, place const& where);

  error_list& errors_;
  read_options const& options_;
  bool rules_;
};

}  // namespace slipway::json::detail
