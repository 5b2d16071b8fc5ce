#include <slipway/documents/mongodb_text.hpp>

#include <slipway/db/errors.hpp>

#include <algorithm>
#include <string_view>

namespace slipway::documents::mongodb {
namespace {

node one(std::string name, node value) {
  auto out = node::object();
  out.add(std::move(name), std::move(value));
  return out;
}

node nothing() { return one("_id", one("$in", node::list())); }

// Every character of it is an ordinary one.
std::string as_pattern(std::string_view prefix) {
  std::string out{"^"};
  for (auto c : prefix) {
    if (std::string_view{"\\^$.|?*+()[]{}"}.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

node all_of(std::vector<filter_node> const& inside) {
  auto out = node::list();
  for (auto const& each : inside) out.items.push_back(filter_of(each));
  return out;
}

node compared(filter_node const& where, char const* op) {
  return one(field_of(*where.at), one(op, where.values.front()));
}

char const* operator_of(update_op op) {
  switch (op) {
    case update_op::set: return "$set";
    case update_op::unset: return "$unset";
    case update_op::increment: return "$inc";
    case update_op::push: return "$push";
    case update_op::pull: return "$pull";
    case update_op::add_to_set: return "$addToSet";
    case update_op::least: return "$min";
    case update_op::greatest: return "$max";
  }
  return "";
}

std::string key_name(std::size_t i) { return "k" + std::to_string(i); }
std::string value_name(std::size_t i) { return "v" + std::to_string(i); }

node accumulated(group_request::value const& value) {
  auto const of = value.of != nullptr ? node::of("$" + field_of(*value.of)) : node{};
  switch (value.what) {
    case accumulator::count: return one("$count", node::object());
    case accumulator::sum: return one("$sum", of);
    case accumulator::average: return one("$avg", of);
    case accumulator::least: return one("$min", of);
    case accumulator::greatest: return one("$max", of);
  }
  return {};
}

}  // namespace

std::string field_of(path_info const& at) {
  return documents::detail::is_id(at) ? std::string{"_id"} : std::string{at.dotted};
}

node filter_of(filter_node const& where) {
  switch (where.op) {
    case filter_op::everything: return node::object();
    case filter_op::equal:
    case filter_op::contains: return compared(where, "$eq");
    case filter_op::not_equal: return compared(where, "$ne");
    case filter_op::less: return compared(where, "$lt");
    case filter_op::less_equal: return compared(where, "$lte");
    case filter_op::greater: return compared(where, "$gt");
    case filter_op::greater_equal: return compared(where, "$gte");
    case filter_op::in: return one(field_of(*where.at), one("$in", node::list(where.values)));
    case filter_op::exists: return one(field_of(*where.at), one("$exists", node::of(true)));
    case filter_op::missing: return one(field_of(*where.at), one("$exists", node::of(false)));
    case filter_op::starts_with:
      return one(field_of(*where.at), one("$regex", node::of(as_pattern(where.values.front().text))));
    case filter_op::all_of: return where.inside.empty() ? node::object() : one("$and", all_of(where.inside));
    case filter_op::any_of: return where.inside.empty() ? nothing() : one("$or", all_of(where.inside));
    case filter_op::none_of: return where.inside.empty() ? node::object() : one("$nor", all_of(where.inside));
  }
  return node::object();
}

node sort_of(std::vector<sort_key> const& order) {
  auto out = node::object();
  for (auto const& key : order) out.add(field_of(*key.at), node::of(key.descends ? -1 : 1));
  return out;
}

node update_of(update_steps const& steps) {
  auto out = node::object();
  for (auto const& step : steps.steps) {
    auto const* name = operator_of(step.op);
    auto* group = out.find(name);
    if (group == nullptr) group = &out.add(name, node::object()).members.back().second;
    group->add(std::string{step.at->dotted}, step.op == update_op::unset ? node::of("") : step.value);
  }
  return out;
}

node on_insert(update_steps const& steps, node const& otherwise) {
  auto out = node::object();
  for (auto const& [name, value] : otherwise.members) {
    auto const meets = [&name](update_step const& s) {
      return s.at->dotted.starts_with(name) && (s.at->dotted.size() == name.size() || s.at->dotted[name.size()] == '.');
    };
    if (name != "id" && std::ranges::none_of(steps.steps, meets)) out.add(name, value);
  }
  return out;
}

node pipeline_of(group_request const& what) {
  auto id = what.keys.empty() ? node{} : node::object();
  for (std::size_t i = 0; i < what.keys.size(); ++i) id.add(key_name(i), node::of("$" + field_of(*what.keys[i])));
  auto group = node::object();
  group.add("_id", std::move(id));
  for (std::size_t i = 0; i < what.values.size(); ++i) group.add(value_name(i), accumulated(what.values[i]));
  auto out = node::list();
  out.items.push_back(one("$match", filter_of(what.where)));
  out.items.push_back(one("$group", std::move(group)));
  if (!what.order.empty()) {
    auto sort = node::object();
    for (auto const& key : what.order)
      sort.add(
          key.column < what.keys.size() ? "_id." + key_name(key.column) : value_name(key.column - what.keys.size()),
          node::of(key.descends ? -1 : 1));
    out.items.push_back(one("$sort", std::move(sort)));
  }
  out.items.push_back(one("$limit", node::of(what.limit)));
  return out;
}

node group_of(group_request const& what, node const& document) {
  auto out = node::list();
  auto const take = [&out](node const* found) { out.items.push_back(found != nullptr ? *found : node{}); };
  for (std::size_t i = 0; i < what.keys.size(); ++i) take(document.at("_id." + key_name(i)));
  for (std::size_t i = 0; i < what.values.size(); ++i) take(document.find(value_name(i)));
  return out;
}

node index_of(collection_info const& in, index_info const& index, bool partial) {
  auto key = node::object(), there = node::object();
  for (std::size_t i = 0; i < index.size; ++i) {
    key.add(field_of(*index.parts[i]), node::of(1));
    there.add(field_of(*index.parts[i]), one("$exists", node::of(true)));
  }
  auto out = node::object();
  out.add("key", std::move(key)).add("name", node::of(documents::detail::index_name(in, index)));
  if (index.unique) out.add("unique", node::of(true));
  // To MongoDB, two documents that lack the member have the same: nothing.
  if (index.unique && partial) out.add("partialFilterExpression", std::move(there));
  return out;
}

node stored(node document) {
  if (auto const at = std::ranges::find(document.members, "id", &node::member::first); at != document.members.end())
    at->first = "_id";
  return document;
}

node restored(node document) {
  if (auto const at = std::ranges::find(document.members, "_id", &node::member::first); at != document.members.end())
    at->first = "id";
  return document;
}

}  // namespace slipway::documents::mongodb
