// Values whose shape is not known beforehand, with the same limits as all others.
#include <slipway/json/fill.hpp>

#include <boost/json/value.hpp>

namespace slipway::json::detail {

bool filler::fill_dynamic(boost::json::value& out, place const& where) {
  switch (in_.peek()) {
    case shape::nothing: return in_.skip();
    case shape::null: out.emplace_null(); return in_.null();
    case shape::boolean: return in_.boolean(out.emplace_bool());
    case shape::number: {
      number v;
      if (!in_.read(v)) return false;
      if (!v.in_range) return errors_.add(where, "out_of_range", "must be a number of ordinary size");
      if (v.what == number::form::integer)
        out.emplace_int64() = v.integer;
      else if (v.what == number::form::unsigned_integer)
        out.emplace_uint64() = v.unsigned_integer;
      else
        out.emplace_double() = v.real;
      return true;
    }
    case shape::text: {
      std::string_view text;
      std::string storage;
      if (!in_.text(text, storage)) return false;
      out.emplace_string().assign(text.data(), text.size());
      return text.find('\0') == std::string_view::npos ||
             errors_.add(where, "bad_text", "must not hold the character U+0000");
    }
    case shape::list: return fill_dynamic_list(out, where);
    case shape::object: return fill_dynamic_object(out, where);
  }
  return in_.skip();
}

bool filler::fill_dynamic_list(boost::json::value& out, place const& where) {
  if (!in_.open()) return false;
  auto& list = out.emplace_array();
  auto good = true, more = true;
  for (std::size_t i = 0;; ++i) {
    if (!in_.next(']', i == 0, more)) return false;
    if (!more) return good;
    if (i < options_.max_items) {
      good = fill_dynamic(list.emplace_back(nullptr), where.element(i)) && good;
    } else {
      if (i == options_.max_items) good = too_many(where, "items");
      in_.skip();
    }
    if (in_.failed()) return false;
  }
}

bool filler::fill_dynamic_object(boost::json::value& out, place const& where) {
  if (!in_.open()) return false;
  auto& map = out.emplace_object();
  auto good = true, more = true;
  std::string storage;
  for (std::size_t i = 0;; ++i) {
    std::string_view name;
    if (!in_.next('}', i == 0, more)) return false;
    if (!more) return good;
    if (!in_.name(name, storage) || !in_.colon()) return false;
    if (name.find('\0') != std::string_view::npos) {
      good = refuse_next(where, "bad_text", "must not have a name that holds the character U+0000");
    } else if (map.size() >= options_.max_items) {
      if (i == options_.max_items) too_many(where, "members");
      good = in_.skip() && false;
    } else {
      auto const here = where.member(name);
      auto const [at, is_new] = map.emplace(boost::json::string_view{name.data(), name.size()}, nullptr);
      good = (is_new ? fill_dynamic(at->value(), here) : refuse_next(here, "duplicate", "stands here twice")) && good;
    }
    if (in_.failed()) return false;
  }
}

}  // namespace slipway::json::detail
