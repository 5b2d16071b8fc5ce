// JSON Schema of described types, for OpenAPI 3.1 (JSON Schema 2020-12) and OpenAPI 3.0.
//
//   json::schema_set schemas{json::flavour::openapi_3_1};
//   schemas.write_reference(out, meta::describe<note>);   // {"$ref":"#/components/schemas/note"}
//   ...
//   schemas.write_components(out);                        // {"note":{...},"role":{...}}: all that was referred to
//
// Structs and enumerations with a name become components; two types of one name are told apart by a number
// ("page", "page_2"), in the order in which they were first seen. Rules become keywords, flags become readOnly,
// writeOnly and deprecated, help becomes the description.
#pragma once

#include <slipway/json/buffer.hpp>
#include <slipway/meta/description.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace slipway::json {

enum class flavour : std::uint8_t { openapi_3_1, openapi_3_0 };

class schema_set {
 public:
  explicit schema_set(flavour f, std::string prefix = "#/components/schemas/")
      : flavour_{f}, prefix_{std::move(prefix)} {}

  // The schema of a value: a reference where the type is a component, else the schema itself.
  void write_reference(buffer& out, meta::type const& type);
  // The schema of a member or parameter, with its rules, help and example; `initial`, where it is not empty, is the JSON
  // text of its default.
  void write_member(buffer& out, meta::type const& type, meta::attributes const& about, std::string_view initial = {});
  // Every component that was referred to so far, and all that these refer to: one object by name.
  void write_components(buffer& out);

  // The component's name; empty for a type that is none.
  std::string_view component(meta::type const& type);

 private:
  struct entry {
    meta::type const* type;
    meta::type const* variant;  // not null: the alternative of a variant, with its discriminator
    std::string name;
  };
  friend class schema_writer;
  std::string const& name_of(meta::type const& type, meta::type const* variant);

  flavour flavour_;
  std::string prefix_;
  std::deque<entry> entries_;  // names stay where they are when more come
};

// One document for one type, self-contained ($defs): JSON Schema 2020-12.
std::string json_schema(meta::type const& type);

}  // namespace slipway::json
