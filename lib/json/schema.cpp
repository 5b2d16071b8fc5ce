#include <slipway/json/schema.hpp>
#include <slipway/json/schema_writer.hpp>

namespace slipway::json {

using meta::kind;

std::string const& schema_set::name_of(meta::type const& type, meta::type const* variant) {
  for (auto const& e : entries_)
    if (e.type == &type && e.variant == variant) return e.name;
  std::string name{type.name};
  auto const taken = [&] {
    for (auto const& e : entries_)
      if (e.name == name) return true;
    return false;
  };
  for (int n = 2; taken(); ++n) name = std::string{type.name} + "_" + std::to_string(n);
  entries_.push_back({&type, variant, std::move(name)});
  return entries_.back().name;
}

std::string_view schema_set::component(meta::type const& type) {
  if ((type.what != kind::object && type.what != kind::enumeration) || type.name.empty()) return {};
  return name_of(type, nullptr);
}

void schema_set::write_reference(buffer& out, meta::type const& type) {
  schema_writer{*this, flavour_}.write(out, type, {});
}

void schema_set::write_member(buffer& out, meta::type const& type, meta::attributes const& about,
                              std::string_view initial) {
  schema_writer{*this, flavour_, initial}.write(out, type, about);
}

void schema_set::write_components(buffer& out) {
  object_writer all{out};
  for (std::size_t i = 0; i < entries_.size(); ++i) {  // the list grows while its entries are written
    auto const [type, variant, name] = entries_[i];
    schema_writer{*this, flavour_}.write_component(all.key(name), *type, variant);
  }
}

std::string json_schema(meta::type const& type) {
  schema_set set{flavour::openapi_3_1, "#/$defs/"};
  buffer root, components, out;
  set.write_reference(root, type);
  set.write_components(components);
  auto const members = root.view().substr(1, root.size() - 2);  // they stand beside $schema
  out.append(R"({"$schema":"https://json-schema.org/draft/2020-12/schema",)");
  out.append(members);
  if (!members.empty()) out.push(',');
  out.append(R"("$defs":)");
  out.append(components.view());
  out.push('}');
  return out.text();
}

}  // namespace slipway::json
