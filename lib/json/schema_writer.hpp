// Writes the schemas of a schema_set in one of the two dialects. The set's own.
#pragma once

#include <slipway/json/object_writer.hpp>
#include <slipway/json/schema.hpp>
#include <slipway/json/schema_limits.hpp>

#include <optional>
#include <string_view>

namespace slipway::json {

class schema_writer {
 public:
  // `initial`: the default of what is written, as JSON text; empty: none is said.
  schema_writer(schema_set& set, flavour f, std::string_view initial = {}) noexcept
      : set_{set}, modern_{f == flavour::openapi_3_1}, initial_{initial} {}
  void write(buffer& out, meta::type const& declared, meta::attributes const& about);
  void write_component(buffer& out, meta::type const& t, meta::type const* variant);

 private:
  static bool has_siblings(meta::attributes const& about) noexcept;
  void write_component_reference(object_writer& o, meta::type const& t, std::string_view name, bool nullable,
                                 bool siblings);
  void write_type(object_writer& o, std::string_view name, bool nullable);
  void write_plain(object_writer& o, meta::type const& t, detail::schema_limits const& b, bool nullable);
  void write_integer(object_writer& o, meta::type const& t, detail::schema_limits const& b, bool nullable);
  void write_range(object_writer& o, std::optional<double> minimum, std::optional<double> maximum);
  void write_count(object_writer& o, std::string_view name, std::optional<double> n);
  void write_string(object_writer& o, detail::schema_limits const& b, bool nullable, std::string_view format);
  void write_element(buffer& out, meta::type const& element, detail::schema_limits const& b);
  void write_list(object_writer& o, meta::type const& t, detail::schema_limits const& b, bool nullable);
  void write_map(object_writer& o, meta::type const& t, detail::schema_limits const& b, bool nullable);
  void write_variant(object_writer& o, meta::type const& t, bool nullable);
  void write_enumeration(object_writer& o, meta::type const& t);
  void write_required(object_writer& o, meta::type const& t, meta::type const* variant);
  void write_about(object_writer& o, meta::type const& t, detail::schema_limits const& b,
                   meta::attributes const& about);
  schema_set& set_;
  bool modern_;
  std::string_view initial_;
};

}  // namespace slipway::json
