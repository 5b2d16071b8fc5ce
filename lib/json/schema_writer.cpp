#include <slipway/core/assert.hpp>
#include <slipway/json/cursor.hpp>
#include <slipway/json/schema_writer.hpp>

namespace slipway::json {

using detail::limits_of;
using detail::range_sentence;
using detail::schema_limits;
using meta::kind;

namespace {

constexpr std::string_view integer_pattern = "^-?(0|[1-9][0-9]*)$";
constexpr std::string_view unsigned_pattern = "^(0|[1-9][0-9]*)$";

bool is_exact(double v) noexcept {
  return v >= -static_cast<double>(max_exact_integer) && v <= static_cast<double>(max_exact_integer);
}

}  // namespace

void schema_writer::write(buffer& out, meta::type const& declared, meta::attributes const& about) {
  auto const* t = &declared;
  auto nullable = false;
  while (t->what == kind::optional || t->what == kind::change) {
    nullable = nullable || t->what == kind::optional;
    t = t->element;
  }
  object_writer o{out};
  auto const b = limits_of(about);
  if (auto const name = set_.component(*t); !name.empty())
    write_component_reference(o, *t, name, nullable, has_siblings(about) || !initial_.empty());
  else
    write_plain(o, *t, b, nullable);
  write_about(o, *t, b, about);
}

void schema_writer::write_component(buffer& out, meta::type const& t, meta::type const* variant) {
  object_writer o{out};
  if (t.what == kind::enumeration) return write_enumeration(o, t);
  o.add("type", "object");
  {
    auto properties = o.object("properties");
    if (variant != nullptr) {
      auto which = properties.object(variant->as_variant->discriminator);
      which.add("type", "string");
      which.array("enum").add(t.name);
    }
    for (auto const& m : t.members) write(properties.key(m.name), *m.of, *m.about);
  }
  write_required(o, t, variant);
  o.add("additionalProperties", false);
}

bool schema_writer::has_siblings(meta::attributes const& about) noexcept {
  return !about.help.empty() || !about.unit.empty() || !about.example.empty() || about.read_only || about.write_only ||
         about.deprecated;
}

// In 3.0 whatever stands beside $ref is ignored, so there it is wrapped.
void schema_writer::write_component_reference(object_writer& o, meta::type const& t, std::string_view name,
                                              bool nullable, bool siblings) {
  auto const reference = set_.prefix_ + std::string{name};
  if (modern_ && nullable) {
    auto either = o.array("oneOf");
    either.object().add("$ref", reference);
    either.object().add("type", "null");
  } else if (modern_ || (!nullable && !siblings)) {
    o.add("$ref", reference);
  } else {
    if (nullable) o.add("type", t.what == kind::enumeration ? "string" : "object").add("nullable", true);
    auto all = o.array("allOf");
    all.object().add("$ref", reference);
  }
}

void schema_writer::write_type(object_writer& o, std::string_view name, bool nullable) {
  if (!nullable) {
    o.add("type", name);
  } else if (modern_) {
    o.array("type").add(name).add("null");
  } else {
    o.add("type", name).add("nullable", true);
  }
}

void schema_writer::write_plain(object_writer& o, meta::type const& t, schema_limits const& b, bool nullable) {
  switch (t.what) {
    case kind::boolean: return write_type(o, "boolean", nullable);
    case kind::integer: return write_integer(o, t, b, nullable);
    case kind::number:
      write_type(o, "number", nullable);
      o.add("format", t.size == sizeof(float) ? "float" : "double");
      return write_range(o, b.minimum, b.maximum);
    case kind::text: return write_string(o, b, nullable, {});
    case kind::secret_text: return write_string(o, b, nullable, "password");
    case kind::uuid: return write_string(o, {}, nullable, "uuid");
    case kind::time: return write_string(o, {}, nullable, "date-time");
    case kind::scalar: {
      schema_limits with;
      if (!t.as_scalar->pattern.empty()) with.patterns.push_back(t.as_scalar->pattern);
      return write_string(o, with, nullable, t.as_scalar->name);
    }
    case kind::duration: {
      schema_limits with;
      with.patterns.push_back("^[0-9]+(ms|s|m|h|d)$");
      return write_string(o, with, nullable, {});
    }
    case kind::enumeration: return write_enumeration(o, t);  // one without a name
    case kind::dynamic: return;
    case kind::list: return write_list(o, t, b, nullable);
    case kind::map: return write_map(o, t, b, nullable);
    case kind::variant: return write_variant(o, t, nullable);
    case kind::object: return;  // always a component
    case kind::optional:
    case kind::change: return;  // looked through before
  }
}

void schema_writer::write_integer(object_writer& o, meta::type const& t, schema_limits const& b, bool nullable) {
  if (t.size < 8) {
    auto const bits = t.size * 8;
    auto const top = (std::int64_t{1} << (t.is_signed ? bits - 1 : bits)) - 1;
    auto const bottom = t.is_signed ? -top - 1 : 0;
    write_type(o, "integer", nullable);
    auto const is_int32 = t.size == 4 && t.is_signed;
    if (is_int32) o.add("format", "int32");
    auto const say = [&](std::optional<double> rule, std::int64_t natural) {
      return rule || is_int32 ? rule : std::optional{static_cast<double>(natural)};
    };
    return write_range(o, say(b.minimum, bottom), say(b.maximum, top));
  }
  auto const minimum = b.minimum || t.is_signed ? b.minimum : std::optional{0.0};
  // Within these bounds no reader rounds, so the integer is never written as text.
  if (minimum && b.maximum && is_exact(*minimum) && is_exact(*b.maximum)) {
    write_type(o, "integer", nullable);
    o.add("format", "int64");
    return write_range(o, minimum, b.maximum);
  }
  auto const pattern = t.is_signed ? integer_pattern : unsigned_pattern;
  if (modern_) {
    auto types = o.array("type");
    types.add("integer").add("string");
    if (nullable) types.add("null");
    types.close();
    o.add("format", "int64").add("pattern", pattern);
    return write_range(o, minimum, b.maximum);
  }
  auto either = o.array("oneOf");
  {
    auto number = either.object();
    write_type(number, "integer", nullable);
    number.add("format", "int64");
    write_range(number, minimum, b.maximum);
  }
  either.object().add("type", "string").add("pattern", pattern);
}

void schema_writer::write_range(object_writer& o, std::optional<double> minimum, std::optional<double> maximum) {
  if (minimum) o.add("minimum", *minimum);
  if (maximum) o.add("maximum", *maximum);
}

void schema_writer::write_count(object_writer& o, std::string_view name, std::optional<double> n) {
  if (n) o.add(name, static_cast<std::uint64_t>(*n));
}

void schema_writer::write_string(object_writer& o, schema_limits const& b, bool nullable, std::string_view format) {
  write_type(o, "string", nullable);
  if (!b.format.empty()) format = b.format;
  if (!format.empty()) o.add("format", format);
  write_count(o, "minLength", b.min_length);
  write_count(o, "maxLength", b.max_length);
  if (b.patterns.size() == 1) {
    o.add("pattern", b.patterns.front());
  } else if (b.patterns.size() > 1) {
    auto all = o.array("allOf");
    for (auto p : b.patterns) all.object().add("pattern", p);
  }
}

// Rules that are not about items hold for the elements; so they stand there.
void schema_writer::write_element(buffer& out, meta::type const& element, schema_limits const& b) {
  auto const* t = &element;
  auto nullable = false;
  for (; t->what == kind::optional || t->what == kind::change; t = t->element) nullable = true;
  auto inner = b;
  inner.min_items = inner.max_items = std::nullopt;
  inner.unique = false;
  object_writer o{out};
  if (auto const name = set_.component(*t); !name.empty())
    write_component_reference(o, *t, name, nullable, false);
  else
    write_plain(o, *t, inner, nullable);
}

void schema_writer::write_list(object_writer& o, meta::type const& t, schema_limits const& b, bool nullable) {
  write_type(o, "array", nullable);
  write_element(o.key("items"), *t.element, b);
  write_count(o, "minItems", b.min_items);
  write_count(o, "maxItems", b.max_items);
  if (b.unique) o.add("uniqueItems", true);
}

void schema_writer::write_map(object_writer& o, meta::type const& t, schema_limits const& b, bool nullable) {
  write_type(o, "object", nullable);
  write_element(o.key("additionalProperties"), *t.element, b);
  write_count(o, "minProperties", b.min_items);
  write_count(o, "maxProperties", b.max_items);
}

void schema_writer::write_variant(object_writer& o, meta::type const& t, bool nullable) {
  auto const& operations = *t.as_variant;
  if (nullable && !modern_) o.add("type", "object").add("nullable", true);
  {
    auto either = o.array("oneOf");
    for (auto const* a : operations.alternatives) either.object().add("$ref", set_.prefix_ + set_.name_of(*a, &t));
    if (nullable && modern_) either.object().add("type", "null");
  }
  auto discriminator = o.object("discriminator");
  discriminator.add("propertyName", operations.discriminator);
  auto mapping = discriminator.object("mapping");
  for (auto const* a : operations.alternatives) mapping.add(a->name, set_.prefix_ + set_.name_of(*a, &t));
}

void schema_writer::write_enumeration(object_writer& o, meta::type const& t) {
  o.add("type", "string");
  auto names = o.array("enum");
  for (auto const& e : t.enumerators) names.add(e.name);
}

void schema_writer::write_required(object_writer& o, meta::type const& t, meta::type const* variant) {
  auto const is_required = [](meta::member const& m) {
    return m.of->what != kind::optional && m.of->what != kind::change && !m.about->optional && !m.about->read_only;
  };
  auto any = variant != nullptr;
  for (auto const& m : t.members) any = any || is_required(m);
  if (!any) return;  // an empty list is not allowed in 3.0
  auto required = o.array("required");
  if (variant != nullptr) required.add(variant->as_variant->discriminator);
  for (auto const& m : t.members)
    if (is_required(m)) required.add(m.name);
}

void schema_writer::write_about(object_writer& o, meta::type const& t, schema_limits const& b,
                                meta::attributes const& about) {
  std::string text{about.help};
  auto const say = [&](std::string const& sentence) {
    if (!text.empty() && !sentence.empty()) text += text.ends_with('.') ? " " : ". ";
    text += sentence;
  };
  if (!about.unit.empty()) say("Unit: " + std::string{about.unit} + ".");
  if (t.what == kind::duration) say(range_sentence(b));
  if (!text.empty()) o.add("description", text);
  if (!initial_.empty()) o.add_raw("default", initial_);
  if (about.read_only) o.add("readOnly", true);
  if (about.write_only) o.add("writeOnly", true);
  if (about.deprecated) o.add("deprecated", true);
  if (about.example.empty()) return;
  if (!bug(detail::is_json(about.example, 32), "the example of a member is not JSON")) return;
  if (modern_)
    o.array("examples").add_raw(about.example);
  else
    o.add_raw("example", about.example);
}

}  // namespace slipway::json
