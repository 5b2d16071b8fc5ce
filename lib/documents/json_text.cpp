#include <slipway/core/encoding.hpp>
#include <slipway/core/id.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/documents/encoding.hpp>
#include <slipway/documents/session.hpp>
#include <slipway/json/buffer.hpp>
#include <slipway/json/value.hpp>
#include <slipway/json/writer.hpp>

namespace slipway::documents {
namespace {

void write(json::buffer& out, node const& tree) {
  switch (tree.kind) {
    case node_kind::null: return out.append("null");
    case node_kind::boolean: return out.append(tree.integer != 0 ? "true" : "false");
    case node_kind::integer: return out.append(std::to_string(tree.integer));
    case node_kind::number: return json::write_number(out, tree.number);
    case node_kind::text: return json::write_text(out, tree.text);
    case node_kind::uuid: return json::write_text(out, uuid{tree.uuid}.text());
    case node_kind::bytes: return json::write_text(out, base64(as_byte_span(tree.text)));
    case node_kind::list: {
      out.push('[');
      for (std::size_t i = 0; i < tree.items.size(); ++i) {
        if (i > 0) out.push(',');
        write(out, tree.items[i]);
      }
      return out.push(']');
    }
    case node_kind::object: {
      out.push('{');
      for (std::size_t i = 0; i < tree.members.size(); ++i) {
        if (i > 0) out.push(',');
        json::write_text(out, tree.members[i].first);
        out.push(':');
        write(out, tree.members[i].second);
      }
      return out.push('}');
    }
  }
}

node read(json::value const& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return {};
    case boost::json::kind::bool_: return node::of(value.get_bool());
    case boost::json::kind::int64: return node::of(std::int64_t{value.get_int64()});
    case boost::json::kind::uint64: return node::of(static_cast<double>(value.get_uint64()));
    case boost::json::kind::double_: return node::of(value.get_double());
    case boost::json::kind::string: return node::of(std::string_view{value.get_string()});
    case boost::json::kind::array: {
      auto out = node::list();
      out.items.reserve(value.get_array().size());
      for (auto const& each : value.get_array()) out.items.push_back(read(each));
      return out;
    }
    case boost::json::kind::object: {
      auto out = node::object();
      out.members.reserve(value.get_object().size());
      for (auto const& each : value.get_object()) out.add(std::string{each.key()}, read(each.value()));
      return out;
    }
  }
  return {};
}

}  // namespace

std::string to_json(node const& tree) {
  json::buffer out;
  write(out, tree);
  if (out.size() > max_document_bytes) throw db::input_error{"a document is larger than 16 MiB"};
  return out.text();
}

node from_json(std::string_view text) {
  // What a store gave is bounded by what it took.
  auto found =
      json::parse(text, {.max_bytes = 2 * max_document_bytes, .max_depth = 64, .max_items = max_document_bytes});
  if (!found) throw db::value_error{"a stored document is no JSON: " + found.error().more().detail};
  return read(*found);
}

}  // namespace slipway::documents
