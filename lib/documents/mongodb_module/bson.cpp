#include "bson.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace slipway::documents::mongodb {
namespace {

void append(bson_t* to, std::string const& key, node const& value);

void append_all(bson_t* to, node const& tree) {
  if (tree.kind == node_kind::list)
    for (std::size_t i = 0; i < tree.items.size(); ++i) append(to, std::to_string(i), tree.items[i]);
  else
    for (auto const& [key, value] : tree.members) append(to, key, value);
}

void append(bson_t* to, std::string const& key, node const& value) {
  auto const size = static_cast<int>(key.size());
  switch (value.kind) {
    case node_kind::null: BSON_APPEND_NULL(to, key.c_str()); return;
    case node_kind::boolean: bson_append_bool(to, key.c_str(), size, value.integer != 0); return;
    case node_kind::integer: bson_append_int64(to, key.c_str(), size, value.integer); return;
    case node_kind::number: bson_append_double(to, key.c_str(), size, value.number); return;
    case node_kind::text:
      bson_append_utf8(to, key.c_str(), size, value.text.data(), static_cast<int>(value.text.size()));
      return;
    case node_kind::uuid:
      bson_append_binary(to, key.c_str(), size, BSON_SUBTYPE_UUID, value.uuid.data(),
                         static_cast<std::uint32_t>(value.uuid.size()));
      return;
    case node_kind::bytes:
      bson_append_binary(to, key.c_str(), size, BSON_SUBTYPE_BINARY,
                         reinterpret_cast<std::uint8_t const*>(value.text.data()),
                         static_cast<std::uint32_t>(value.text.size()));
      return;
    case node_kind::list:
    case node_kind::object: {
      bson_t inside;
      if (value.kind == node_kind::list)
        bson_append_array_begin(to, key.c_str(), size, &inside);
      else
        bson_append_document_begin(to, key.c_str(), size, &inside);
      append_all(&inside, value);
      if (value.kind == node_kind::list)
        bson_append_array_end(to, &inside);
      else
        bson_append_document_end(to, &inside);
      return;
    }
  }
}

node binary_of(bson_iter_t const& at) {
  bson_subtype_t type{};
  std::uint32_t size = 0;
  std::uint8_t const* data = nullptr;
  bson_iter_binary(&at, &type, &size, &data);
  node out{.kind = node_kind::bytes};
  if (type == BSON_SUBTYPE_UUID && size == out.uuid.size()) {
    out.kind = node_kind::uuid;
    std::copy_n(data, size, out.uuid.begin());
  } else {
    out.text.assign(reinterpret_cast<char const*>(data), size);
  }
  return out;
}

node inner_of(bson_iter_t const& at, bool is_list) {
  std::uint32_t size = 0;
  std::uint8_t const* data = nullptr;
  if (is_list)
    bson_iter_array(&at, &size, &data);
  else
    bson_iter_document(&at, &size, &data);
  bson_t inside;
  return bson_init_static(&inside, data, size) ? tree_of(inside, is_list) : node{};
}

node value_of(bson_iter_t const& at) {
  switch (bson_iter_type(&at)) {
    case BSON_TYPE_BOOL: return node::of(bson_iter_bool(&at));
    case BSON_TYPE_INT32: return node::of(std::int64_t{bson_iter_int32(&at)});
    case BSON_TYPE_INT64: return node::of(std::int64_t{bson_iter_int64(&at)});
    case BSON_TYPE_DOUBLE: return node::of(bson_iter_double(&at));
    case BSON_TYPE_DATE_TIME: return node::of(std::int64_t{bson_iter_date_time(&at)} * 1000);
    case BSON_TYPE_UTF8: {
      std::uint32_t size = 0;
      auto const* text = bson_iter_utf8(&at, &size);
      return node::of(std::string{text, size});
    }
    case BSON_TYPE_OID: {
      char text[25];
      bson_oid_to_string(bson_iter_oid(&at), text);
      return node::of(std::string{text});
    }
    case BSON_TYPE_DECIMAL128: {
      bson_decimal128_t number;
      char text[BSON_DECIMAL128_STRING];
      bson_iter_decimal128(&at, &number);
      bson_decimal128_to_string(&number, text);
      return node::of(std::string{text});
    }
    case BSON_TYPE_BINARY: return binary_of(at);
    case BSON_TYPE_ARRAY: return inner_of(at, true);
    case BSON_TYPE_DOCUMENT: return inner_of(at, false);
    default: return {};
  }
}

}  // namespace

bson_document::bson_document(node const& tree) {
  bson_init(&value_);
  append_all(&value_, tree);
}

node bson_document::tree() const { return tree_of(value_); }

node tree_of(bson_t const& document, bool is_list) {
  auto out = is_list ? node::list() : node::object();
  bson_iter_t at;
  if (!bson_iter_init(&at, &document)) return out;
  while (bson_iter_next(&at))
    if (is_list)
      out.items.push_back(value_of(at));
    else
      out.add(bson_iter_key(&at), value_of(at));
  return out;
}

}  // namespace slipway::documents::mongodb
