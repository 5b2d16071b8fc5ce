#include <slipway/core/time.hpp>
#include <slipway/json/buffer.hpp>
#include <slipway/json/numbers.hpp>
#include <slipway/json/scalar.hpp>
#include <slipway/json/text.hpp>
#include <slipway/json/writer.hpp>

#include <charconv>
#include <cmath>

namespace slipway::json {
namespace {

using meta::kind;

scalar_problem text_problem(std::string_view text) {
  if (!is_utf8(text)) return {"bad_text", "must be UTF-8"};
  if (text.find('\0') != std::string_view::npos) return {"bad_text", "must not hold the character U+0000"};
  return {};
}

scalar_problem read_boolean(void* value, std::string_view text) {
  if (text != "true" && text != "false") return {"wrong_type", "must be true or false"};
  *static_cast<bool*>(value) = text == "true";
  return {};
}

scalar_problem read_float(meta::type const& t, void* value, std::string_view text) {
  if (!detail::is_number(text)) return {"wrong_type", "must be a number"};
  double parsed = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error != std::errc{} || !detail::store_number(t, value, parsed))
    return {"out_of_range", "must be a number of ordinary size"};
  return {};
}

}  // namespace

bool is_scalar(meta::type const& type) noexcept {
  switch (type.what) {
    case kind::optional:
    case kind::change: return is_scalar(*type.element);
    case kind::dynamic:
    case kind::list:
    case kind::map:
    case kind::variant:
    case kind::object: return false;
    default: return true;
  }
}

scalar_problem read_scalar(meta::type const& t, void* value, std::string_view text) {
  switch (t.what) {
    case kind::boolean: return read_boolean(value, text);
    case kind::integer: return detail::read_integer_text(t, value, text);
    case kind::number: return read_float(t, value, text);
    case kind::text:
      if (auto problem = text_problem(text)) return problem;
      static_cast<std::string*>(value)->assign(text);
      return {};
    case kind::secret_text:
      if (auto problem = text_problem(text)) return problem;
      *static_cast<secret<std::string>*>(value) = secret<std::string>{std::string{text}};
      return {};
    case kind::enumeration:
      for (auto const& e : t.enumerators)
        if (e.name == text) {
          meta::write_integer(t, value, e.value);
          return {};
        }
      return {"not_in_enum", detail::names_of(t)};
    case kind::uuid:
      if (auto const parsed = uuid::parse(text)) {
        *static_cast<uuid*>(value) = *parsed;
        return {};
      }
      return {"bad_format", "must be a UUID such as 0190a6b2-7c3d-7e4f-8a5b-6c7d8e9fa0b1"};
    case kind::time:
      if (auto const parsed = from_rfc3339(text)) {
        *static_cast<time_point*>(value) = *parsed;
        return {};
      }
      return {"bad_format", "must be an RFC 3339 time such as 2026-01-31T12:00:00Z"};
    case kind::duration:
      if (auto const parsed = parse_duration(text)) {
        *static_cast<std::chrono::milliseconds*>(value) = *parsed;
        return {};
      }
      return {"bad_format", "must be a duration with its unit, such as 250ms, 30s, 15m, 12h or 7d"};
    case kind::scalar:
      if (t.as_scalar->read(value, text)) return {};
      return {"bad_format", "must be " + std::string{t.as_scalar->expects}};
    case kind::optional:
    case kind::change: {
      auto const was_empty = t.as_optional->get(value) == nullptr;
      auto problem =
          read_scalar(*t.element, was_empty ? t.as_optional->emplace(value) : t.as_optional->get(value), text);
      if (problem && was_empty) t.as_optional->reset(value);
      return problem;
    }
    default: return {"wrong_type", "cannot be given as text"};
  }
}

std::string write_scalar(meta::type const& t, void const* value) {
  switch (t.what) {
    case kind::text: return *static_cast<std::string const*>(value);
    case kind::secret_text: return "***";
    case kind::enumeration: return std::string{meta::enumerator_name(t, value)};
    case kind::scalar: {
      std::string text;
      t.as_scalar->write(value, text);
      return text;
    }
    case kind::optional:
    case kind::change: {
      auto const* inner = t.as_optional->get(const_cast<void*>(value));
      return inner == nullptr ? std::string{} : write_scalar(*t.element, inner);
    }
    default: break;
  }
  // Everything else reads as its JSON, without the quotes around it.
  buffer out;
  write_value(out, t, value);
  auto text = out.view();
  if (text.size() >= 2 && text.starts_with('"')) text = text.substr(1, text.size() - 2);
  return std::string{text};
}

std::string_view name_of_kind(meta::type const& type) noexcept {
  switch (type.what) {
    case kind::boolean: return "true or false";
    case kind::integer: return "an integer";
    case kind::number: return "a number";
    case kind::text:
    case kind::secret_text: return "a text";
    case kind::enumeration: return "one of the known names";
    case kind::uuid: return "a UUID";
    case kind::time: return "an RFC 3339 time";
    case kind::duration: return "a duration such as 30s";
    case kind::scalar: return "a text in its format";
    case kind::dynamic: return "any value";
    case kind::optional:
    case kind::change: return name_of_kind(*type.element);
    case kind::list: return "a list";
    case kind::map:
    case kind::variant:
    case kind::object: return "an object";
  }
  return "a value";
}

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    auto const n = detail::sequence_length(text.data() + i, text.size() - i);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

}  // namespace slipway::json
