#include <slipway/core/assert.hpp>
#include <slipway/core/time.hpp>
#include <slipway/json/fill.hpp>
#include <slipway/json/numbers.hpp>
#include <slipway/json/rules.hpp>
#include <slipway/json/scalar.hpp>
#include <slipway/json/text.hpp>

#include <algorithm>
#include <bitset>
#include <cmath>
#include <cstring>

namespace slipway::json::detail {

using meta::kind;
using simdjson::dom::element_type;

namespace {

constexpr std::size_t max_members = 256;
constexpr auto repeated = "stands here twice";

std::string_view name_of_element(simdjson::dom::element e) noexcept {
  switch (e.type()) {
    case element_type::ARRAY: return "a list";
    case element_type::OBJECT: return "an object";
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE: return "a number";
    case element_type::STRING: return "a text";
    case element_type::BOOL: return "true or false";
    case element_type::NULL_VALUE: return "null";
  }
  return "something else";
}

bool holds_nul(std::string_view text) noexcept {
  return !text.empty() && std::memchr(text.data(), 0, text.size()) != nullptr;
}

std::string_view text_of(simdjson::dom::element e) noexcept { return e.get_string().value_unsafe(); }

}  // namespace

bool filler::wrong_type(meta::type const& t, element e, place const& where) {
  if (e.type() == element_type::NULL_VALUE) return errors_.add(where, "null", "must not be null");
  std::string message = "must be ";
  message += name_of_kind(t);
  message += ", not ";
  message += name_of_element(e);
  return errors_.add(where, "wrong_type", std::move(message));
}

bool filler::fill(meta::type const& t, void* at, element e, place const& where) {
  switch (t.what) {
    case kind::boolean: return e.get_bool().get(*static_cast<bool*>(at)) == simdjson::SUCCESS || wrong_type(t, e, where);
    case kind::integer: return fill_integer(t, at, e, where);
    case kind::number: return fill_number(t, at, e, where);
    case kind::text:
    case kind::secret_text:
    case kind::enumeration:
    case kind::uuid:
    case kind::time:
    case kind::duration: return fill_text(t, at, e, where);
    case kind::dynamic: return fill_dynamic(*static_cast<boost::json::value*>(at), e, where);
    case kind::optional:
      if (e.is_null()) {
        t.as_optional->reset(at);
        return true;
      }
      [[fallthrough]];
    case kind::change: return fill(*t.element, t.as_optional->emplace(at), e, where);
    case kind::list: return fill_list(t, at, e, where);
    case kind::map: return fill_map(t, at, e, where);
    case kind::variant: return fill_variant(t, at, e, where);
    case kind::object: return fill_object(t, at, e, where, {});
  }
  return wrong_type(t, e, where);
}

bool filler::fill_integer(meta::type const& t, void* at, element e, place const& where) {
  switch (e.type()) {
    case element_type::INT64:
      return store_signed(t, at, e.get_int64().value_unsafe()) || errors_.add(where, "out_of_range", range_of(t));
    case element_type::UINT64:
      return store_unsigned(t, at, e.get_uint64().value_unsafe()) || errors_.add(where, "out_of_range", range_of(t));
    case element_type::DOUBLE: {
      // 1.0 and 1e3 are integers; beyond 2^53 nobody knows which integer was meant.
      auto const v = e.get_double().value_unsafe();
      if (v != std::trunc(v)) return errors_.add(where, "wrong_type", "must be an integer, not a fraction");
      if (std::abs(v) > 9007199254740992.0 || !store_signed(t, at, static_cast<std::int64_t>(v))) return errors_.add(where, "out_of_range", range_of(t));
      return true;
    }
    case element_type::STRING:
      if (t.size == 8) {
        auto problem = read_integer_text(t, at, text_of(e));
        return !problem || errors_.add(where, problem.code, std::move(problem.message));
      }
      [[fallthrough]];
    default: return wrong_type(t, e, where);
  }
}

bool filler::fill_number(meta::type const& t, void* at, element e, place const& where) {
  double v = 0;
  if (e.get_double().get(v) != simdjson::SUCCESS) return wrong_type(t, e, where);
  return store_number(t, at, v) || errors_.add(where, "out_of_range", "must be a number of ordinary size");
}

bool filler::fill_text(meta::type const& t, void* at, element e, place const& where) {
  std::string_view text;
  if (e.get_string().get(text) != simdjson::SUCCESS) return wrong_type(t, e, where);
  if (t.what == kind::text || t.what == kind::secret_text) {
    if (holds_nul(text)) return errors_.add(where, "bad_text", "must not hold the character U+0000");
    if (t.what == kind::text) static_cast<std::string*>(at)->assign(text);
    else *static_cast<secret<std::string>*>(at) = secret<std::string>{std::string{text}};
    return true;
  }
  auto problem = read_scalar(t, at, text);
  return !problem || errors_.add(where, problem.code, std::move(problem.message));
}

bool filler::fill_list(meta::type const& t, void* at, element e, place const& where) {
  simdjson::dom::array array;
  if (e.get_array().get(array) != simdjson::SUCCESS) return wrong_type(t, e, where);
  if (array.size() > options_.max_items) return errors_.add(where, "too_many", "must have at most " + std::to_string(options_.max_items) + " items");
  t.as_list->clear(at);
  t.as_list->reserve(at, array.size());
  auto good = true;
  std::size_t i = 0;
  for (auto item : array) good = fill(*t.element, t.as_list->append(at), item, where.element(i++)) && good;
  return good;
}

bool filler::fill_map(meta::type const& t, void* at, element e, place const& where) {
  simdjson::dom::object object;
  if (e.get_object().get(object) != simdjson::SUCCESS) return wrong_type(t, e, where);
  if (object.size() > options_.max_items) return errors_.add(where, "too_many", "must have at most " + std::to_string(options_.max_items) + " members");
  auto good = true;
  std::vector<std::string_view> names;
  names.reserve(object.size());
  for (auto field : object) {
    auto const here = where.member(field.key);
    names.push_back(field.key);
    if (holds_nul(field.key)) good = errors_.add(where, "bad_text", "must not have a name that holds the character U+0000");
    else good = fill(*t.element, t.as_map->insert(at, field.key), field.value, here) && good;
  }
  return check_repeated(names, where) && good;
}

bool filler::fill_variant(meta::type const& t, void* at, element e, place const& where) {
  simdjson::dom::object object;
  if (e.get_object().get(object) != simdjson::SUCCESS) return wrong_type(t, e, where);
  auto const& operations = *t.as_variant;
  auto const here = where.member(operations.discriminator);
  element which;
  if (object.at_key(operations.discriminator).get(which) != simdjson::SUCCESS) return errors_.add(here, "required", "is required");
  std::string_view name;
  if (which.get_string().get(name) != simdjson::SUCCESS) return errors_.add(here, "wrong_type", "must be a text, not " + std::string{name_of_element(which)});
  std::string known;
  for (std::size_t i = 0; i < operations.alternatives.size(); ++i) {
    auto const& alternative = *operations.alternatives[i];
    if (alternative.name == name) return fill_object(alternative, operations.emplace(at, i), e, where, operations.discriminator);
    known += (i == 0 ? "" : ", ") + std::string{alternative.name};
  }
  return errors_.add(here, "not_in_enum", "must be one of " + known);
}

bool filler::fill_object(meta::type const& t, void* at, element e, place const& where, std::string_view skip) {
  simdjson::dom::object object;
  if (e.get_object().get(object) != simdjson::SUCCESS) return wrong_type(t, e, where);
  must(t.members.size() <= max_members, "a described struct has at most 256 members");
  std::bitset<max_members> seen;
  std::vector<std::string_view> others;
  auto const size = t.members.size();
  std::size_t next = 0, found = 0;
  auto good = true;
  for (auto field : object) {
    auto const key = field.key;
    // Most documents have the members in the order of their description.
    auto index = next;
    if (index >= size || !same_name(t.members[index].name, key)) {
      auto const* m = t.find(key);
      index = m == nullptr ? size : static_cast<std::size_t>(m - t.members.data());
    }
    if (index == size || !is_writable(*t.members[index].about)) {
      others.push_back(key);
      if (key == skip || options_.unknown == unknown_members::ignore) continue;
      good = errors_.add(where.member(key), "unknown", "is not a member that can be set here");
      continue;
    }
    auto const& m = t.members[index];
    next = index + 1;
    auto const here = where.member(m.name);
    if (seen[index]) {
      good = errors_.add(here, "duplicate", repeated);
      continue;
    }
    seen[index] = true;
    ++found;
    auto* value = m.at(at);
    auto fine = fill(*m.of, value, field.value, here);
    if (fine && rules_ && m.about->rule_count != 0) fine = check(*m.about, *m.of, value, errors_, here);
    good = fine && good;
  }
  if (found != size)
    for (std::size_t i = 0; i < size; ++i)
      if (!seen[i]) good = check_missing(t, i, where) && good;
  return (others.size() < 2 || check_repeated(others, where)) && good;
}

bool filler::check_missing(meta::type const& t, std::size_t index, place const& where) {
  auto const& m = t.members[index];
  auto const& about = *m.about;
  auto const may_be_absent = m.of->what == kind::optional || m.of->what == kind::change || about.optional || about.read_only ||
                             (about.write_only && options_.own_document);
  return may_be_absent || errors_.add(where.member(m.name), "required", "is required");
}

bool filler::check_repeated(std::vector<std::string_view>& names, place const& where) {
  std::sort(names.begin(), names.end());
  auto good = true;
  for (auto at = std::adjacent_find(names.begin(), names.end()); at != names.end(); at = std::adjacent_find(at, names.end())) {
    auto const name = *at;
    good = errors_.add(where.member(name), "duplicate", repeated);
    while (at != names.end() && *at == name) ++at;
  }
  return good;
}

bool filler::fill_dynamic(boost::json::value& out, element e, place const& where) {
  switch (e.type()) {
    case element_type::NULL_VALUE: out.emplace_null(); return true;
    case element_type::BOOL: out.emplace_bool() = e.get_bool().value_unsafe(); return true;
    case element_type::INT64: out.emplace_int64() = e.get_int64().value_unsafe(); return true;
    case element_type::UINT64: out.emplace_uint64() = e.get_uint64().value_unsafe(); return true;
    case element_type::DOUBLE: out.emplace_double() = e.get_double().value_unsafe(); return true;
    case element_type::STRING: {
      auto const text = text_of(e);
      out.emplace_string().assign(text.data(), text.size());
      return !holds_nul(text) || errors_.add(where, "bad_text", "must not hold the character U+0000");
    }
    case element_type::ARRAY: {
      auto const array = e.get_array().value_unsafe();
      if (array.size() > options_.max_items) return errors_.add(where, "too_many", "must have at most " + std::to_string(options_.max_items) + " items");
      auto& list = out.emplace_array();
      list.reserve(array.size());
      auto good = true;
      for (auto item : array) {
        auto const here = where.element(list.size());
        good = fill_dynamic(list.emplace_back(nullptr), item, here) && good;
      }
      return good;
    }
    case element_type::OBJECT: {
      auto const object = e.get_object().value_unsafe();
      if (object.size() > options_.max_items) return errors_.add(where, "too_many", "must have at most " + std::to_string(options_.max_items) + " members");
      auto& map = out.emplace_object();
      auto good = true;
      for (auto field : object) {
        auto const here = where.member(field.key);
        if (holds_nul(field.key)) good = errors_.add(where, "bad_text", "must not have a name that holds the character U+0000");
        auto const [place_of, is_new] = map.emplace(boost::json::string_view{field.key.data(), field.key.size()}, nullptr);
        if (!is_new) good = errors_.add(here, "duplicate", repeated);
        else good = fill_dynamic(place_of->value(), field.value, here) && good;
      }
      return good;
    }
  }
  return wrong_type({.what = kind::dynamic, .size = 0}, e, where);
}

}  // namespace slipway::json::detail
