#include <slipway/core/time.hpp>
#include <slipway/json/schema_limits.hpp>

namespace slipway::json::detail {

schema_limits limits_of(meta::attributes const& about) {
  schema_limits b;
  for (auto const& r : about.rules()) switch (r.what) {
      case meta::rule_kind::min_length: b.min_length = r.number; break;
      case meta::rule_kind::max_length: b.max_length = r.number; break;
      case meta::rule_kind::not_blank: b.patterns.push_back("\\S"); break;
      case meta::rule_kind::minimum: b.minimum = r.number; break;
      case meta::rule_kind::maximum: b.maximum = r.number; break;
      case meta::rule_kind::min_items: b.min_items = r.number; break;
      case meta::rule_kind::max_items: b.max_items = r.number; break;
      case meta::rule_kind::unique_items: b.unique = true; break;
      case meta::rule_kind::email: b.format = "email"; break;
      case meta::rule_kind::url:
        b.format = "uri";
        b.patterns.push_back("^[hH][tT][tT][pP][sS]?://");
        break;
      case meta::rule_kind::format:
        b.format = r.text;
        if (!r.pattern.empty()) b.patterns.push_back(r.pattern);
        break;
    }
  return b;
}

std::string range_sentence(schema_limits const& b) {
  auto const shown = [](double ms) {
    return format_duration(std::chrono::milliseconds{static_cast<std::int64_t>(ms)});
  };
  if (b.minimum && b.maximum) return "From " + shown(*b.minimum) + " to " + shown(*b.maximum) + ".";
  if (b.minimum) return "At least " + shown(*b.minimum) + ".";
  if (b.maximum) return "At most " + shown(*b.maximum) + ".";
  return {};
}

}  // namespace slipway::json::detail
