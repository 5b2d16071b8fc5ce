#include <slipway/factories/factory.hpp>

#include <slipway/core/secret.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <span>

namespace slipway::factories {

using meta::kind;
using meta::rule_kind;

namespace {

constexpr std::int64_t usual_most = 1000;
constexpr std::size_t usual_items = 3;

double bound_of(meta::attributes const& about, rule_kind what, double otherwise) noexcept {
  for (auto const& r : about.rules())
    if (r.what == what) return r.number;
  return otherwise;
}

bool has(meta::attributes const& about, rule_kind what) noexcept {
  return std::ranges::any_of(about.rules(), [what](auto const& r) { return r.what == what; });
}

}  // namespace

void factory::fill(meta::type const& type, void* value) { fill_value(type, value, {}, {}); }

void factory::fill_member(meta::member const& of, void* value) { fill_value(*of.of, of.at(value), *of.about, of.name); }

void factory::fill_value(meta::type const& type, void* value, meta::attributes const& about, std::string_view name) {
  switch (type.what) {
    case kind::boolean: *static_cast<bool*>(value) = below(2) == 0; return;
    case kind::integer: return meta::write_integer(type, value, integer_for(type, about));
    case kind::number:
      if (type.size == sizeof(float))
        *static_cast<float*>(value) = static_cast<float>(number_for(about));
      else
        *static_cast<double*>(value) = number_for(about);
      return;
    case kind::text: *static_cast<std::string*>(value) = text_for(about, name); return;
    case kind::secret_text:
      *static_cast<secret<std::string>*>(value) = secret<std::string>{text_for(about, name)};
      return;
    case kind::enumeration:
      if (!type.enumerators.empty())
        meta::write_integer(type, value, type.enumerators[below(type.enumerators.size())].value);
      return;
    case kind::uuid: *static_cast<uuid*>(value) = id(); return;
    case kind::time: *static_cast<time_point*>(value) = recent(); return;
    case kind::duration:
      *static_cast<std::chrono::milliseconds*>(value) = std::chrono::milliseconds{integer_for(type, about)};
      return;
    case kind::scalar: return fill_scalar(type, value);
    case kind::dynamic: return;
    case kind::optional:
    case kind::change:
      if (below(4) == 0)
        type.as_optional->reset(value);
      else
        fill_value(*type.element, type.as_optional->emplace(value), about, name);
      return;
    case kind::list: return fill_list(type, value, about, name);
    case kind::map: return fill_map(type, value, about, name);
    case kind::variant: {
      auto const which = below(type.as_variant->alternatives.size());
      return fill(*type.as_variant->alternatives[which], type.as_variant->emplace(value, which));
    }
    case kind::object:
      for (auto const& m : type.members) fill_member(m, value);
      return;
  }
}

// A version 7 like those of the service (RFC 9562, section 5.7), which takes the same from the source each time.
uuid factory::id() {
  uuid out;
  random_.fill(std::as_writable_bytes(std::span{out.bytes}));
  auto const ms = std::chrono::floor<std::chrono::milliseconds>(clock_.now()).time_since_epoch().count();
  for (unsigned i = 0; i < 6; ++i) out.bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  out.bytes[6] = static_cast<std::uint8_t>((out.bytes[6] & 0x0f) | 0x70);
  out.bytes[8] = static_cast<std::uint8_t>((out.bytes[8] & 0x3f) | 0x80);
  return out;
}

void factory::fill_list(meta::type const& type, void* value, meta::attributes const& about, std::string_view name) {
  type.as_list->clear(value);
  // The rules are those of the list; its elements have none of their own. A word with a number is another each time.
  for (std::size_t i = 0, count = count_for(about); i < count; ++i) {
    auto* const element = type.as_list->append(value);
    if (type.element->what == kind::text)
      *static_cast<std::string*>(element) = has(about, rule_kind::unique_items) ? word() + std::to_string(i) : word();
    else
      fill_value(*type.element, element, {}, name);
  }
}

void factory::fill_map(meta::type const& type, void* value, meta::attributes const& about, std::string_view name) {
  type.as_map->clear(value);
  for (std::size_t i = 0, count = count_for(about); i < count; ++i)
    fill_value(*type.element, type.as_map->insert(value, word() + std::to_string(i)), {}, name);
}

void factory::fill_scalar(meta::type const& type, void* value) {
  auto const& s = *type.as_scalar;
  switch (s.column) {
    case meta::scalar_column::date: {
      auto const today = std::chrono::floor<std::chrono::days>(clock_.now()).time_since_epoch().count();
      return s.set(value, static_cast<std::int64_t>(today) - static_cast<std::int64_t>(below(3650)));
    }
    case meta::scalar_column::decimal: return s.set(value, static_cast<std::int64_t>(below(100'000)));
    case meta::scalar_column::bytes: s.octets(value) = random_.token(12); return;
    case meta::scalar_column::text: return;  // nobody knows which texts it takes
  }
}

std::int64_t factory::integer_for(meta::type const& type, meta::attributes const& about) {
  auto least = about.within.least, most = about.within.most;
  if (type.what == kind::integer && type.size < 8) {
    auto const above = std::int64_t{1} << (type.is_signed ? type.size * 8 - 1 : type.size * 8);
    least = std::max(least, type.is_signed ? -above : 0);
    most = std::min(most, above - 1);
  }
  auto const from = least <= 0 && most >= 0 ? 0 : least > 0 ? least : std::max(least, most - usual_most);
  auto const to = most - usual_most > from ? from + usual_most : most;
  return from + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(to - from) + 1));
}

double factory::number_for(meta::attributes const& about) {
  auto const least = bound_of(about, rule_kind::minimum, 0);
  auto const most = bound_of(about, rule_kind::maximum, least + static_cast<double>(usual_most));
  return least + (most - least) * static_cast<double>(below(1001)) / 1000;
}

std::size_t factory::count_for(meta::attributes const& about) {
  auto const least = static_cast<std::size_t>(bound_of(about, rule_kind::min_items, 0));
  auto const most = std::min(static_cast<std::size_t>(bound_of(about, rule_kind::max_items, 1e9)), least + usual_items);
  return least + below(most - least + 1);
}

time_point factory::recent() {
  using std::chrono::seconds;
  auto const ago = seconds{static_cast<std::int64_t>(below(30 * 86'400))};
  return std::chrono::floor<std::chrono::microseconds>(clock_.now() - ago);
}

}  // namespace slipway::factories
