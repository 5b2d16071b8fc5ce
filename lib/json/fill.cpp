#include <slipway/core/assert.hpp>
#include <slipway/json/fill.hpp>
#include <slipway/json/numbers.hpp>
#include <slipway/json/rules.hpp>
#include <slipway/json/scalar.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace slipway::json::detail {

using meta::kind;

namespace {

constexpr std::size_t max_members = 256;
constexpr std::size_t first_items = 4;  // room made when a list gets its first one
constexpr auto repeated = "stands here twice";

std::string_view name_of_shape(shape what) noexcept {
  switch (what) {
    case shape::list: return "a list";
    case shape::object: return "an object";
    case shape::number: return "a number";
    case shape::text: return "a text";
    case shape::boolean: return "true or false";
    case shape::null: return "null";
    case shape::nothing: break;
  }
  return "something else";
}

// Short texts, of which most documents are made, without a call. The size that comes back is not the one that was
// asked for: libstdc++ 12 gives the capacity.
void assign(std::string& to, std::string_view text) {
  to.resize_and_overwrite(text.size(), [text](char* at, std::size_t) {
    put_name(at, text.data(), text.size());
    return text.size();
  });
}

}  // namespace

bool filler::wrong_type(meta::type const& t, place const& where) {
  auto const what = in_.peek();
  if (what == shape::nothing) return in_.skip();
  if (what == shape::null) return refuse_next(where, "null", "must not be null");
  std::string message = "must be ";
  message += name_of_kind(t);
  message += ", not ";
  message += name_of_shape(what);
  return refuse_next(where, "wrong_type", std::move(message));
}

bool filler::fill(meta::type const& t, void* at, place const& where) {
  switch (t.what) {
    case kind::boolean: return fill_boolean(at, where, t);
    case kind::integer: return fill_integer(t, at, where);
    case kind::number: return fill_number(t, at, where);
    case kind::text:
    case kind::secret_text:
    case kind::enumeration:
    case kind::uuid:
    case kind::time:
    case kind::duration:
    case kind::scalar: return fill_text(t, at, where);
    case kind::dynamic: return fill_dynamic(*static_cast<boost::json::value*>(at), where);
    case kind::optional:
      if (in_.at('n')) {
        t.as_optional->reset(at);
        return in_.null();
      }
      [[fallthrough]];
    case kind::change: return fill(*t.element, t.as_optional->emplace(at), where);
    case kind::list: return fill_list(t, at, where);
    case kind::map: return fill_map(t, at, where);
    case kind::variant: return fill_variant(t, at, where);
    case kind::object: return fill_object(t, at, where, {});
  }
  return wrong_type(t, where);
}

bool filler::fill_boolean(void* at, place const& where, meta::type const& t) {
  return in_.peek() == shape::boolean ? in_.boolean(*static_cast<bool*>(at)) : wrong_type(t, where);
}

bool filler::fill_integer(meta::type const& t, void* at, place const& where) {
  if (std::int64_t plain = 0; in_.plain_integer(plain)) [[likely]]
    return store_signed(t, at, plain) || errors_.add(where, "out_of_range", range_of(t));
  auto const what = in_.peek();
  if (what == shape::text && t.size == 8) [[unlikely]] {
    std::string_view text;
    std::string storage;
    if (!in_.text(text, storage)) return false;
    auto problem = read_integer_text(t, at, text);
    return !problem || errors_.add(where, problem.code, std::move(problem.message));
  }
  if (what != shape::number) return wrong_type(t, where);
  number v;
  if (!in_.read(v)) return false;
  if (v.what == number::form::integer)
    return store_signed(t, at, v.integer) || errors_.add(where, "out_of_range", range_of(t));
  if (v.what == number::form::unsigned_integer)
    return store_unsigned(t, at, v.unsigned_integer) || errors_.add(where, "out_of_range", range_of(t));
  // 1.0 and 1e3 are integers; beyond 2^53 nobody knows which integer was meant.
  if (v.in_range && v.real != std::trunc(v.real))
    return errors_.add(where, "wrong_type", "must be an integer, not a fraction");
  auto const exact = v.in_range && std::abs(v.real) <= 9007199254740992.0;
  return (exact && store_signed(t, at, static_cast<std::int64_t>(v.real))) ||
         errors_.add(where, "out_of_range", range_of(t));
}

bool filler::fill_number(meta::type const& t, void* at, place const& where) {
  if (in_.peek() != shape::number) return wrong_type(t, where);
  number v;
  if (!in_.read(v)) return false;
  auto const real = v.what == number::form::integer            ? static_cast<double>(v.integer)
                    : v.what == number::form::unsigned_integer ? static_cast<double>(v.unsigned_integer)
                                                               : v.real;
  return (v.in_range && store_number(t, at, real)) ||
         errors_.add(where, "out_of_range", "must be a number of ordinary size");
}

bool filler::fill_text(meta::type const& t, void* at, place const& where) {
  if (!in_.at('"')) return wrong_type(t, where);
  std::string_view text;
  if (!in_.plain_text(text)) [[unlikely]]
    return fill_escaped_text(t, at, where);
  if (t.what == kind::text)
    assign(*static_cast<std::string*>(at), text);
  else if (t.what == kind::secret_text)
    *static_cast<secret<std::string>*>(at) = secret<std::string>{std::string{text}};
  else
    return fill_scalar(t, at, text, where);
  return true;
}

bool filler::fill_scalar(meta::type const& t, void* at, std::string_view text, place const& where) {
  auto problem = read_scalar(t, at, text);
  return !problem || errors_.add(where, problem.code, std::move(problem.message));
}

bool filler::fill_escaped_text(meta::type const& t, void* at, place const& where) {
  std::string_view text;
  std::string storage;
  if (!in_.text(text, storage)) return false;
  if (t.what != kind::text && t.what != kind::secret_text) return fill_scalar(t, at, text, where);
  auto const good = text.find('\0') == std::string_view::npos;  // a NUL can only come from an escape
  if (t.what == kind::text)
    *static_cast<std::string*>(at) = std::move(storage);
  else
    *static_cast<secret<std::string>*>(at) = secret<std::string>{std::string{text}},
    wipe(storage.data(), storage.size());
  return good || errors_.add(where, "bad_text", "must not hold the character U+0000");
}

bool filler::fill_list(meta::type const& t, void* at, place const& where) {
  if (!in_.at('[')) return wrong_type(t, where);
  if (!in_.open()) return false;
  auto const& operations = *t.as_list;
  operations.clear(at);
  auto good = true, more = true;
  for (std::size_t i = 0;; ++i) {
    if (!in_.next(']', i == 0, more)) return false;
    if (!more) return good;
    if (i == 0) operations.reserve(at, std::min(first_items, options_.max_items));
    if (i < options_.max_items) {
      good = fill(*t.element, operations.append(at), where.element(i)) && good;
    } else {
      if (i == options_.max_items) good = too_many(where, "items");
      in_.skip();
    }
    if (in_.failed()) return false;
  }
}

bool filler::fill_map(meta::type const& t, void* at, place const& where) {
  if (!in_.at('{')) return wrong_type(t, where);
  if (!in_.open()) return false;
  auto good = true, more = true;
  std::string storage;
  for (std::size_t i = 0;; ++i) {
    std::string_view name;
    if (!in_.next('}', i == 0, more)) return false;
    if (!more) return good;
    if (!in_.name(name, storage) || !in_.colon()) return false;
    auto const here = where.member(name);
    auto const size = t.as_map->size(at);
    if (name.find('\0') != std::string_view::npos) {
      good = refuse_next(where, "bad_text", "must not have a name that holds the character U+0000");
    } else if (size >= options_.max_items) {
      if (i == options_.max_items) too_many(where, "members");
      good = in_.skip() && false;
    } else {
      auto* value = t.as_map->insert(at, name);
      if (t.as_map->size(at) == size)
        good = refuse_next(here, "duplicate", repeated);
      else
        good = fill(*t.element, value, here) && good;
    }
    if (in_.failed()) return false;
  }
}

// Looks through the object that comes next for the member that says which alternative it is.
bool filler::find_discriminator(std::string_view wanted, shape& what, std::string& name) {
  if (!in_.open()) return false;
  auto more = true;
  std::string storage;
  for (auto first = true;; first = false) {
    std::string_view key, text;
    if (!in_.next('}', first, more)) return false;
    if (!more) return true;
    if (!in_.name(key, storage) || !in_.colon()) return false;
    auto const found = what == shape::nothing && key == wanted;
    if (found) what = in_.peek();
    if (found && what == shape::text) {
      if (!in_.text(text, storage)) return false;
      name = text;
    } else if (!in_.skip()) {
      return false;
    }
  }
}

bool filler::fill_variant(meta::type const& t, void* at, place const& where) {
  if (!in_.at('{')) return wrong_type(t, where);
  auto const& operations = *t.as_variant;
  auto const here = where.member(operations.discriminator);
  auto const start = in_.here();
  auto what = shape::nothing;
  std::string name, known;
  if (!find_discriminator(operations.discriminator, what, name)) return false;
  if (what == shape::nothing) return errors_.add(here, "required", "is required");
  if (what != shape::text)
    return errors_.add(here, "wrong_type", "must be a text, not " + std::string{name_of_shape(what)});
  for (std::size_t i = 0; i < operations.alternatives.size(); ++i) {
    auto const& alternative = *operations.alternatives[i];
    if (alternative.name == name) {
      in_.return_to(start);
      return fill_object(alternative, operations.emplace(at, i), where, operations.discriminator);
    }
    known += (i == 0 ? "" : ", ") + std::string{alternative.name};
  }
  return errors_.add(here, "not_in_enum", "must be one of " + known);
}

bool filler::fill_object(meta::type const& t, void* at, place const& where, std::string_view skip) {
  if (!in_.at('{')) return wrong_type(t, where);
  if (!in_.open()) return false;
  auto const size = t.members.size();
  must(size <= max_members, "a described struct has at most 256 members");
  std::array<std::uint64_t, max_members / 64> seen{};
  auto const* const members = t.members.data();
  std::vector<std::string> others;
  std::string storage;
  std::size_t expected = 0, found = 0;
  auto good = true, more = true;
  for (auto first = true;; first = false) {
    if (!in_.next('}', first, more)) return false;
    if (!more) break;
    auto index = expected;
    std::string_view key;
    // Most documents have the members in the order of their description, perhaps without some.
    while (index < size && !in_.take(members[index].label)) ++index;
    if (index == size) [[unlikely]] {
      if (!in_.name(key, storage) || !in_.colon()) return false;
      auto const* m = t.find(key);
      index = m == nullptr ? size : static_cast<std::size_t>(m - members);
    } else {
      key = members[index].name;
    }
    if (index == size || !is_writable(*members[index].about)) [[unlikely]] {
      others.emplace_back(key);
      if (key == skip || options_.unknown == unknown_members::ignore)
        in_.skip();
      else
        good = refuse_next(where.member(key), "unknown", "is not a member that can be set here");
    } else {
      auto const& m = members[index];
      auto const here = where.member(m.name);
      expected = index + 1;
      auto const bit = std::uint64_t{1} << index % 64;
      if ((seen[index / 64] & bit) != 0) [[unlikely]] {
        good = refuse_next(here, "duplicate", repeated);
      } else {
        seen[index / 64] |= bit;
        ++found;
        auto* value = m.at(at);
        auto fine = m.of->what == kind::text ? fill_text(*m.of, value, here) : fill(*m.of, value, here);
        if (fine && rules_ && m.about->rule_count != 0) fine = check(*m.about, *m.of, value, errors_, here);
        good = fine && good;
      }
    }
    if (in_.failed()) [[unlikely]]
      return false;
  }
  if (found != size)
    for (std::size_t i = 0; i < size; ++i)
      if ((seen[i / 64] >> i % 64 & 1) == 0) good = check_missing(t.members[i], where) && good;
  return (others.size() < 2 || check_repeated(others, where)) && good;
}

bool filler::check_missing(meta::member const& m, place const& where) {
  auto const& about = *m.about;
  auto const may_be_absent = m.of->what == kind::optional || m.of->what == kind::change || about.optional ||
                             about.read_only || (about.write_only && options_.own_document);
  return may_be_absent || errors_.add(where.member(m.name), "required", "is required");
}

bool filler::check_repeated(std::vector<std::string>& names, place const& where) {
  std::sort(names.begin(), names.end());
  auto good = true;
  for (auto at = std::adjacent_find(names.begin(), names.end()); at != names.end();
       at = std::adjacent_find(at, names.end())) {
    auto const& name = *at;
    good = errors_.add(where.member(name), "duplicate", repeated);
    while (at != names.end() && *at == name) ++at;
  }
  return good;
}

}  // namespace slipway::json::detail
