#include <slipway/core/time.hpp>
#include <slipway/json/buffer.hpp>
#include <slipway/json/rules.hpp>
#include <slipway/json/validate.hpp>
#include <slipway/json/writer.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace slipway::json {
namespace detail {
namespace {

using meta::kind;
using meta::rule;
using meta::rule_kind;

bool about_items(rule const& r) noexcept {
  return r.what == rule_kind::min_items || r.what == rule_kind::max_items || r.what == rule_kind::unique_items;
}

std::string counted(double n, std::string_view what) {
  auto out = std::to_string(static_cast<std::uint64_t>(n));
  out += ' ';
  out += what;
  if (n != 1) out += 's';
  return out;
}

std::string shown(double n, kind what) {
  if (what == kind::duration) return format_duration(std::chrono::milliseconds{static_cast<std::int64_t>(n)});
  buffer out;
  write_number(out, n);
  return out.text();
}

bool is_blank(std::string_view text) noexcept {
  for (auto c : text)
    if (c != ' ' && (c < '\t' || c > '\r')) return false;
  return true;
}

bool check_text(rule const& r, std::string_view text, error_list& errors, place const& where) {
  switch (r.what) {
    case rule_kind::min_length:
      if (static_cast<double>(text.size()) >= r.number * 4 || static_cast<double>(count_code_points(text)) >= r.number)
        return true;
      return errors.add(where, "too_short", "must have at least " + counted(r.number, "character"));
    case rule_kind::max_length:
      if (static_cast<double>(text.size()) <= r.number || static_cast<double>(count_code_points(text)) <= r.number)
        return true;
      return errors.add(where, "too_long", "must have at most " + counted(r.number, "character"));
    case rule_kind::not_blank: return !is_blank(text) || errors.add(where, "blank", "must not be blank");
    case rule_kind::email:
      return is_email(text) || errors.add(where, "bad_email", "must be an e-mail address such as name@example.com");
    case rule_kind::url:
      return is_url(text) || errors.add(where, "bad_url", "must be an address such as https://example.com/path");
    case rule_kind::format:
      return r.check == nullptr || r.check(text) ||
             errors.add(where, r.text, "does not have the form " + std::string{r.text});
    default: return true;  // a rule for another kind of value
  }
}

// A code point has at most four bytes, so most texts need no count.
bool is_within(meta::limits const& l, std::string_view text) noexcept {
  return text.size() <= l.longest && (text.size() / 4 >= l.shortest || count_code_points(text) >= l.shortest);
}

// The rules for text whose length is known to be right.
bool check_form(std::span<rule const> rules, std::string_view text, error_list& errors, place const& where) {
  auto good = true;
  for (auto const& r : rules)
    if (r.what != rule_kind::min_length && r.what != rule_kind::max_length)
      good = check_text(r, text, errors, where) && good;
  return good;
}

bool check_number(rule const& r, double value, kind what, error_list& errors, place const& where) {
  if (r.what == rule_kind::minimum && !(value >= r.number))
    return errors.add(where, "out_of_range", "must be at least " + shown(r.number, what));
  if (r.what == rule_kind::maximum && !(value <= r.number))
    return errors.add(where, "out_of_range", "must be at most " + shown(r.number, what));
  return true;
}

bool all_different(meta::type const& list, void const* value) {
  auto const size = list.as_list->size(value);
  if (size < 2) return true;
  // A list's elements stand side by side.
  auto const* const first = static_cast<char const*>(list.as_list->at(const_cast<void*>(value), 0));
  auto const at = [&](std::size_t i) -> void const* { return first + i * list.element->size; };
  if (list.element->what == kind::text || list.element->what == kind::secret_text) {
    auto const is_secret = list.element->what == kind::secret_text;
    auto const text = [&](std::size_t i) -> std::string_view {
      return is_secret ? static_cast<secret<std::string> const*>(at(i))->reveal()
                       : *static_cast<std::string const*>(at(i));
    };
    constexpr std::size_t few = 16;  // so few are compared in place faster than they are sorted
    if (size <= few) {
      for (std::size_t i = 1; i < size; ++i)
        for (std::size_t j = 0; j < i; ++j)
          if (text(i) == text(j)) return false;
      return true;
    }
    std::set<std::string_view> seen;
    for (std::size_t i = 0; i < size; ++i)
      if (!seen.insert(text(i)).second) return false;
    return true;
  }
  // Everything else is the same when its text is the same.
  std::set<std::string> seen;
  for (std::size_t i = 0; i < size; ++i) {
    buffer out;
    write_value(out, *list.element, at(i));
    if (!seen.insert(out.text()).second) return false;
  }
  return true;
}

bool check_items(rule const& r, meta::type const& t, void const* value, error_list& errors, place const& where) {
  auto const size = static_cast<double>(t.what == kind::list ? t.as_list->size(value) : t.as_map->size(value));
  switch (r.what) {
    case rule_kind::min_items:
      return size >= r.number || errors.add(where, "too_few", "must have at least " + counted(r.number, "item"));
    case rule_kind::max_items:
      return size <= r.number || errors.add(where, "too_many", "must have at most " + counted(r.number, "item"));
    default:
      return t.what != kind::list || all_different(t, value) ||
             errors.add(where, "not_unique", "must not have an item twice");
  }
}

bool check_one(rule const& r, meta::type const& t, void const* value, error_list& errors, place const& where);
bool check_all(std::span<rule const> rules, meta::type const& t, void const* value, error_list& errors,
               place const& where);

bool check_elements(rule const& r, meta::type const& t, void const* value, error_list& errors, place const& where) {
  if (t.what == kind::list) {
    auto good = true;
    for (std::size_t i = 0, size = t.as_list->size(value); i < size; ++i)
      good = check_one(r, *t.element, t.as_list->at(const_cast<void*>(value), i), errors, where.element(i)) && good;
    return good;
  }
  struct state {
    rule const& r;
    meta::type const& of;
    error_list& errors;
    place const& where;
    bool good = true;
  } s{r, *t.element, errors, where};
  t.as_map->each(value, &s, [](void* opaque, std::string_view key, void const* element) {
    auto& me = *static_cast<state*>(opaque);
    me.good = check_one(me.r, me.of, element, me.errors, me.where.member(key)) && me.good;
  });
  return s.good;
}

bool check_one(rule const& r, meta::type const& t, void const* value, error_list& errors, place const& where) {
  return check_all({&r, 1}, t, value, errors, where);
}

double number_of(meta::type const& t, void const* value) noexcept {
  if (t.what == kind::duration)
    return static_cast<double>(static_cast<std::chrono::milliseconds const*>(value)->count());
  if (t.what == kind::number)
    return t.size == sizeof(float) ? static_cast<double>(*static_cast<float const*>(value))
                                   : *static_cast<double const*>(value);
  auto const v = meta::read_integer(t, value);
  return t.is_signed || t.size < 8 ? static_cast<double>(v) : static_cast<double>(static_cast<std::uint64_t>(v));
}

bool check_all(std::span<rule const> rules, meta::type const& t, void const* value, error_list& errors,
               place const& where) {
  auto good = true;
  switch (t.what) {
    case kind::text:
    case kind::secret_text: {
      std::string_view const text = t.what == kind::text ? *static_cast<std::string const*>(value)
                                                         : static_cast<secret<std::string> const*>(value)->reveal();
      for (auto const& r : rules) good = check_text(r, text, errors, where) && good;
      return good;
    }
    case kind::integer:
    case kind::number:
    case kind::duration: {
      auto const v = number_of(t, value);
      for (auto const& r : rules) good = check_number(r, v, t.what, errors, where) && good;
      return good;
    }
    case kind::optional:
    case kind::change: {
      auto const* inner = t.as_optional->get(const_cast<void*>(value));
      return inner == nullptr || check_all(rules, *t.element, inner, errors, where);
    }
    case kind::list:
    case kind::map:
      for (auto const& r : rules)
        good =
            (about_items(r) ? check_items(r, t, value, errors, where) : check_elements(r, t, value, errors, where)) &&
            good;
      return good;
    default: return true;  // other kinds have no rules
  }
}

void walk(meta::type const& t, void const* value, error_list& errors, place const& where) {
  switch (t.what) {
    case kind::object:
      for (auto const& m : t.members) {
        auto const here = where.member(m.name);
        auto const* inner = m.at_const(value);
        check(*m.about, *m.of, inner, errors, here);
        walk(*m.of, inner, errors, here);
      }
      return;
    case kind::optional:
    case kind::change:
      if (auto const* inner = t.as_optional->get(const_cast<void*>(value))) walk(*t.element, inner, errors, where);
      return;
    case kind::list:
      for (std::size_t i = 0, size = t.as_list->size(value); i < size && !errors.full(); ++i)
        walk(*t.element, t.as_list->at(const_cast<void*>(value), i), errors, where.element(i));
      return;
    case kind::map: {
      struct state {
        meta::type const& of;
        error_list& errors;
        place const& where;
      } s{*t.element, errors, where};
      t.as_map->each(value, &s, [](void* opaque, std::string_view key, void const* element) {
        auto& me = *static_cast<state*>(opaque);
        walk(me.of, element, me.errors, me.where.member(key));
      });
      return;
    }
    case kind::variant:
      if (auto const index = t.as_variant->index(value); index < t.as_variant->alternatives.size())
        walk(*t.as_variant->alternatives[index], t.as_variant->get(const_cast<void*>(value)), errors, where);
      return;
    default: return;
  }
}

}  // namespace

bool check(meta::attributes const& about, meta::type const& type, void const* value, error_list& errors,
           place const& where) {
  auto const& within = about.within;
  if (type.what == kind::text) {
    auto const& text = *static_cast<std::string const*>(value);
    if (is_within(within, text)) [[likely]]
      return within.only_lengths || check_form(about.rules(), text, errors, where);
  } else if (type.what == kind::integer && (type.is_signed || type.size < 8)) {
    if (auto const v = meta::read_integer(type, value); v >= within.least && v <= within.most) [[likely]]
      return true;
  }
  return check_all(about.rules(), type, value, errors, where);
}

}  // namespace detail

namespace {
constexpr std::size_t max_errors = 50;
}

void validate(meta::type const& type, void const* value, std::vector<field_error>& errors, std::string_view pointer) {
  detail::error_list list{errors, errors.size() + max_errors};
  detail::walk(type, value, list, {.name = pointer});
}

bool check_rules(meta::attributes const& about, meta::type const& type, void const* value,
                 std::vector<field_error>& errors, std::string_view pointer) {
  detail::error_list list{errors, errors.size() + max_errors};
  return detail::check(about, type, value, list, {.name = pointer});
}

}  // namespace slipway::json
