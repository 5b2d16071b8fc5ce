// Pages that continue after their last document. A cursor holds the values that the last one has in the order, as JSON
// in base64url.
#include <slipway/core/encoding.hpp>
#include <slipway/core/id.hpp>
#include <slipway/documents/query.hpp>

#include <stdexcept>

namespace slipway::documents::detail {
namespace {

bool fits(meta::type const& t, node const& value) {
  switch (t.what) {
    case meta::kind::boolean: return value.kind == node_kind::boolean;
    case meta::kind::integer:
    case meta::kind::duration:
    case meta::kind::time: return value.kind == node_kind::integer;
    case meta::kind::number: return value.kind == node_kind::number || value.kind == node_kind::integer;
    case meta::kind::scalar:
      if (t.as_scalar->column == meta::scalar_column::decimal) return value.kind == node_kind::integer;
      return value.kind == node_kind::text;
    default: return value.kind == node_kind::text || value.kind == node_kind::uuid;
  }
}

// A UUID is text in JSON.
bool take_uuid(node& value) {
  auto const parsed = value.kind == node_kind::text ? uuid::parse(value.text) : std::nullopt;
  if (parsed) value = node::of(parsed->bytes);
  return parsed.has_value();
}

filter_node compare(filter_op op, path_info const* at, node const& value) {
  filter_node out{.op = op, .at = at};
  if (op != filter_op::exists && op != filter_op::missing) out.values.push_back(value);
  return out;
}

// What comes after a value in this order; nothing does when it is the last that can be.
std::optional<filter_node> after(sort_key const& key, node const& value) {
  if (!key.descends) return compare(value.is_null() ? filter_op::exists : filter_op::greater, key.at, value);
  if (value.is_null()) return std::nullopt;
  filter_node out{.op = filter_op::any_of};
  out.inside.push_back(compare(filter_op::less, key.at, value));
  out.inside.push_back(compare(filter_op::missing, key.at, value));
  return out;
}

std::string cursor_of(find_request const& what, node const& last) {
  auto out = node::list();
  for (auto const& key : what.order) {
    auto const* value = last.at(key.at->dotted);
    out.items.push_back(value != nullptr ? *value : node{});
  }
  return base64url(as_byte_span(to_json(out)));
}

result<std::vector<node>> read_cursor(find_request const& what, std::string_view cursor) {
  auto const bad = [] { return std::unexpected{fault::malformed("bad_cursor")}; };
  auto const text = from_base64url(cursor);
  if (!text) return bad();
  node found;
  try {
    found = from_json(*text);
  } catch (std::exception const&) {
    return bad();
  }
  if (found.kind != node_kind::list || found.items.size() != what.order.size()) return bad();
  for (std::size_t i = 0; i < found.items.size(); ++i) {
    auto const& place = *what.order[i].at;
    auto& value = found.items[i];
    auto const is_key = is_id(place);
    if (value.is_null() && !is_key) continue;
    if ((is_key ? what.in->key == key_kind::uuid : place.of->what == meta::kind::uuid) && !take_uuid(value))
      return bad();
    if (is_key ? value.kind != (what.in->key == key_kind::uuid ? node_kind::uuid : node_kind::text)
               : !fits(*place.of, value))
      return bad();
  }
  return std::move(found.items);
}

filter_node continuing(find_request const& what, std::vector<node> const& last) {
  filter_node any{.op = filter_op::any_of};
  for (std::size_t i = 0; i < last.size(); ++i) {
    auto beyond = after(what.order[i], last[i]);
    if (!beyond) continue;
    filter_node all{.op = filter_op::all_of};
    for (std::size_t j = 0; j < i; ++j)
      all.inside.push_back(
          compare(last[j].is_null() ? filter_op::missing : filter_op::equal, what.order[j].at, last[j]));
    all.inside.push_back(std::move(*beyond));
    any.inside.push_back(std::move(all));
  }
  return any;
}

}  // namespace

task<std::vector<node>> find_list(session& in, find_request what, bool bounded) {
  if (!bounded) what.limit = max_found + 1;
  auto found = co_await in.find(std::move(what));
  if (!bounded && found.size() > static_cast<std::size_t>(max_found))
    throw std::length_error{"more than 10000 documents: say a limit, or ask for pages"};
  co_return found;
}

task<result<page<node>>> fetch_page(session& in, find_request what, std::string cursor, std::size_t limit) {
  auto const by_key = [](sort_key const& key) { return is_id(*key.at); };
  if (std::find_if(what.order.begin(), what.order.end(), by_key) == what.order.end())
    what.order.push_back({&id_place, !what.order.empty() && what.order.back().descends});
  if (!cursor.empty()) {
    auto const last = co_await ok(read_cursor(what, cursor));
    filter_node both{.op = filter_op::all_of};
    both.inside.push_back(std::move(what.where));
    both.inside.push_back(continuing(what, last));
    what.where = std::move(both);
  }
  what.limit = static_cast<std::int64_t>(limit) + 1;  // one more tells whether there is a next page
  auto const order = what.order;
  page<node> out{.items = co_await in.find(std::move(what))};
  if (out.items.size() > limit && limit > 0) {
    out.items.resize(limit);
    find_request sorted;
    sorted.order = order;
    out.next = cursor_of(sorted, out.items.back());
  }
  co_return std::move(out);
}

}  // namespace slipway::documents::detail
