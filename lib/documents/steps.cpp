#include <slipway/db/errors.hpp>
#include <slipway/documents/session.hpp>

#include <algorithm>
#include <compare>
#include <stdexcept>

namespace slipway::documents::detail {
namespace {

bool meet(std::string_view a, std::string_view b) noexcept {
  if (a.size() > b.size()) std::swap(a, b);
  return b.starts_with(a) && (a.size() == b.size() || b[a.size()] == '.');
}

node* reach(node& from, std::string_view path) {
  auto* here = &from;
  for (;;) {
    auto const dot = path.find('.');
    auto const name = path.substr(0, dot);
    if (here->is_null()) *here = node::object();
    if (here->kind != node_kind::object)
      throw db::input_error{"'" + std::string{path} + "' leads through a value that is no object"};
    auto* next = here->find(name);
    if (next == nullptr) {
      here->add(std::string{name}, {});
      next = &here->members.back().second;
    }
    if (dot == std::string_view::npos) return next;
    here = next;
    path.remove_prefix(dot + 1);
  }
}

node* parent_of(node& from, std::string_view path, std::string_view& last) {
  auto const dot = path.rfind('.');
  last = dot == std::string_view::npos ? path : path.substr(dot + 1);
  return const_cast<node*>(from.at(dot == std::string_view::npos ? std::string_view{} : path.substr(0, dot)));
}

void increment(node& at, node const& by) {
  if (at.is_null()) {
    at = by;
    return;
  }
  if (at.kind == node_kind::integer && by.kind == node_kind::integer) {
    if (__builtin_add_overflow(at.integer, by.integer, &at.integer))
      throw db::input_error{"the sum leaves the range of 64 bits"};
    return;
  }
  auto const number = [](node const& n) {
    return n.kind == node_kind::integer ? static_cast<double>(n.integer) : n.number;
  };
  at = node::of(number(at) + number(by));
}

std::partial_ordering order(node const& a, node const& b) {
  if (a.kind == node_kind::text && b.kind == node_kind::text) return a.text <=> b.text;
  if (a.kind == node_kind::integer && b.kind == node_kind::integer) return a.integer <=> b.integer;
  auto const number = [](node const& n) {
    return n.kind == node_kind::integer ? static_cast<double>(n.integer) : n.number;
  };
  if ((a.kind == node_kind::number || a.kind == node_kind::integer) &&
      (b.kind == node_kind::number || b.kind == node_kind::integer))
    return number(a) <=> number(b);
  return a.uuid <=> b.uuid;
}

std::vector<node>& list_at(node& at) {
  if (at.is_null()) at = node::list();
  if (at.kind != node_kind::list) throw db::input_error{"the place is no list"};
  return at.items;
}

void apply_one(update_step const& step, node& to) {
  if (step.op == update_op::unset || step.op == update_op::pull) {
    std::string_view last;
    auto* parent = parent_of(to, step.at->dotted, last);
    auto* at = parent != nullptr ? parent->find(last) : nullptr;
    if (at == nullptr) return;
    if (step.op == update_op::unset)
      parent->erase(last);
    else
      std::erase(list_at(*at), step.value);
    return;
  }
  auto& at = *reach(to, step.at->dotted);
  switch (step.op) {
    case update_op::set: at = step.value; break;
    case update_op::increment: increment(at, step.value); break;
    case update_op::push: list_at(at).push_back(step.value); break;
    case update_op::add_to_set:
      if (auto& list = list_at(at); std::find(list.begin(), list.end(), step.value) == list.end())
        list.push_back(step.value);
      break;
    case update_op::least:
      if (at.is_null() || order(step.value, at) < 0) at = step.value;
      break;
    case update_op::greatest:
      if (at.is_null() || order(step.value, at) > 0) at = step.value;
      break;
    case update_op::unset:
    case update_op::pull: break;
  }
}

}  // namespace

update_steps completed(collection_info const& in, update_steps steps, time_point now) {
  auto const time = node::of(std::int64_t{now.time_since_epoch().count()});
  for (auto const* at : steps.now) steps.steps.push_back({update_op::set, at, time});
  steps.now.clear();
  if (in.version != nullptr) steps.steps.push_back({update_op::increment, in.version, node::of(1)});
  if (in.updated_at != nullptr) steps.steps.push_back({update_op::set, in.updated_at, time});
  for (std::size_t i = 0; i < steps.steps.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (meet(steps.steps[i].at->dotted, steps.steps[j].at->dotted))
        throw std::logic_error{"one list of changes changes '" + std::string{steps.steps[i].at->dotted} +
                               "' twice (the version and the times of a document are changed by the store)"};
  return steps;
}

void apply(update_steps const& steps, node& to) {
  for (auto const& step : steps.steps) apply_one(step, to);
}

bool is_id(path_info const& at) noexcept { return at.dotted == id_place.dotted; }

filter_node by_id(node id) {
  filter_node out{.op = filter_op::equal, .at = &id_place};
  out.values.push_back(std::move(id));
  return out;
}

std::string index_label(collection_info const& in, index_info const& index) {
  std::string out;
  for (std::size_t i = 0; i < index.size; ++i)
    out.append(i > 0 ? "," : "").append(in.name).append(".").append(index.parts[i]->dotted);
  return out;
}

std::string index_name(collection_info const& in, index_info const& index) {
  std::string out{"documents_"};
  out += in.name;
  for (std::size_t i = 0; i < index.size; ++i) out.append("_").append(index.parts[i]->dotted);
  std::replace(out.begin(), out.end(), '.', '_');
  if (index.unique) out += "_unique";
  if (out.size() <= 60) return out;
  // PostgreSQL would cut it, and two might become one.
  std::uint32_t hash = 2166136261u;
  for (auto c : out) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return out.substr(0, 50) + "_" + std::to_string(hash % 100'000'000);
}

}  // namespace slipway::documents::detail
