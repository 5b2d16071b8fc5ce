// JSON text into a described value: the middle of the reader.
#pragma once

#include <slipway/json/cursor.hpp>
#include <slipway/json/path.hpp>
#include <slipway/json/reader.hpp>

#include <boost/json/fwd.hpp>

namespace slipway::json::detail {

class filler {
 public:
  filler(cursor& in, error_list& errors, read_options const& options, bool rules) noexcept
      : in_{in}, errors_{errors}, options_{options}, rules_{rules} {}

  // False: something was wrong. Either it is in the list of errors and the value was passed over, or the cursor has
  // failed, and then everything ends.
  bool fill(meta::type const& t, void* at, place const& where);

 private:
  bool fill_boolean(void* at, place const& where, meta::type const& t);
  bool fill_integer(meta::type const& t, void* at, place const& where);
  bool fill_number(meta::type const& t, void* at, place const& where);
  bool fill_text(meta::type const& t, void* at, place const& where);
  bool fill_escaped_text(meta::type const& t, void* at, place const& where);
  bool fill_scalar(meta::type const& t, void* at, std::string_view text, place const& where);
  bool fill_list(meta::type const& t, void* at, place const& where);
  bool fill_map(meta::type const& t, void* at, place const& where);
  bool fill_variant(meta::type const& t, void* at, place const& where);
  // `skip` is the name of a member that was dealt with already.
  bool fill_object(meta::type const& t, void* at, place const& where, std::string_view skip);
  bool find_discriminator(std::string_view wanted, shape& what, std::string& name);
  bool check_missing(meta::member const& m, place const& where);
  bool check_repeated(std::vector<std::string>& names, place const& where);
  bool fill_dynamic(boost::json::value& out, place const& where);
  bool fill_dynamic_list(boost::json::value& out, place const& where);
  bool fill_dynamic_object(boost::json::value& out, place const& where);

  bool is_writable(meta::attributes const& about) const noexcept { return options_.own_document || !about.read_only; }
  bool wrong_type(meta::type const& t, place const& where);
  // Reports what is wrong with the value that comes next, and passes over it.
  bool refuse_next(place const& where, std::string_view code, std::string message) {
    errors_.add(where, code, std::move(message));
    in_.skip();
    return false;
  }
  bool too_many(place const& where, std::string_view what) {
    return errors_.add(where, "too_many",
                       "must have at most " + std::to_string(options_.max_items) + " " + std::string{what});
  }

  cursor& in_;
  error_list& errors_;
  read_options const& options_;
  bool rules_;
};

}  // namespace slipway::json::detail
