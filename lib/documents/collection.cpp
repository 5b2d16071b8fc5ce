#include <slipway/core/encoding.hpp>
#include <slipway/core/id.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/documents/collection.hpp>

#include <algorithm>
#include <stdexcept>

namespace slipway::documents::detail {
namespace {

node time_node(time_point t) { return node::of(std::int64_t{t.time_since_epoch().count()}); }

void put(node& document, path_info const* at, node value) {
  if (at == nullptr) return;
  apply({.steps = {{update_op::set, at, std::move(value)}}, .now = {}}, document);
}

bool is_nil(node const& id) { return id.kind == node_kind::uuid && uuid{id.uuid}.is_nil(); }

node id_of_tree(node const& document) {
  auto const* id = document.find("id");
  return id != nullptr ? *id : node{};
}

// A missing id of text is a mistake of the program: nobody can guess one.
void need_id(node const& document) {
  auto const id = id_of_tree(document);
  if (id.is_null() || is_nil(id) || (id.kind == node_kind::text && id.text.empty()))
    throw db::input_error{"a document needs its id here"};
}

}  // namespace

node to_insert(collection_info const& in, clock_source const& clock, node document) {
  if (auto* id = document.find("id"); id != nullptr && is_nil(*id)) *id = node::of(make_uuid7(clock).bytes);
  need_id(document);
  auto const now = clock.now();
  if (in.version != nullptr) put(document, in.version, node::of(1));
  if (in.created_at != nullptr) {
    auto const* given = document.at(in.created_at->dotted);
    if (given == nullptr || given->integer == 0) put(document, in.created_at, time_node(now));
  }
  put(document, in.updated_at, time_node(now));
  return document;
}

change_request replacing(collection_info const& in, clock_source const& clock, node document) {
  need_id(document);
  change_request out{.in = &in, .where = by_id(id_of_tree(document))};
  if (in.version != nullptr) {
    auto const* version = document.at(in.version->dotted);
    auto const seen = version != nullptr ? version->integer : 0;
    filter_node same{.op = filter_op::equal, .at = in.version};
    same.values.push_back(node::of(seen));
    filter_node both{.op = filter_op::all_of};
    both.inside.push_back(std::move(out.where));
    both.inside.push_back(std::move(same));
    out.where = std::move(both);
    put(document, in.version, node::of(seen + 1));
  }
  put(document, in.updated_at, time_node(clock.now()));
  out.replacement = std::move(document);
  return out;
}

change_request upserting(collection_info const& in, clock_source const& clock, node document) {
  need_id(document);
  change_request out{.in = &in, .where = by_id(id_of_tree(document))};
  // Each member by itself, so that the version and the time of creation of what is there stay.
  for (auto const& member : in.members) {
    auto const* path = &member;
    auto const same = [path](path_info const* other) { return other != nullptr && other->dotted == path->dotted; };
    if (is_id(member) || same(in.version) || same(in.created_at) || same(in.updated_at)) continue;
    if (auto const* value = document.find(path->dotted))
      out.steps.steps.push_back({update_op::set, path, *value});
    else
      out.steps.steps.push_back({update_op::unset, path, {}});
  }
  out.steps = completed(in, std::move(out.steps), clock.now());
  out.otherwise = to_insert(in, clock, std::move(document));
  return out;
}

task<node> insert_one(session& in, collection_info const& info, node document) {
  auto made = to_insert(info, in.clock(), std::move(document));
  std::vector<node> one;
  one.push_back(made);
  co_await in.insert(info, std::move(one));
  co_return made;
}

task<std::vector<node>> insert_all(session& in, collection_info const& info, std::vector<node> documents) {
  for (auto& each : documents) each = to_insert(info, in.clock(), std::move(each));
  if (!documents.empty()) co_await in.insert(info, documents);
  co_return documents;
}

task<result<node>> replace_one(session& in, collection_info const& info, node document) {
  auto const id = id_of_tree(document);
  auto done = co_await in.change_one(replacing(info, in.clock(), std::move(document)));
  if (done) co_return std::move(*done);
  if (info.version != nullptr && co_await in.count(info, by_id(id)) > 0)
    co_return fault::precondition_failed("version_conflict");
  co_return fault::not_found();
}

task<node> upsert_one(session& in, collection_info const& info, node document) {
  // Two that insert the same id at once: one of them finds the other's document the second time.
  for (int attempt = 1;; ++attempt) {
    try {
      auto done = co_await in.change_one(upserting(info, in.clock(), document));
      if (done) co_return std::move(*done);
    } catch (db::constraint_error const& e) {
      auto const own_id = "unique(" + std::string{info.name} + ".id)",
                 unknown = "unique(" + std::string{info.name} + ")";
      if (attempt == 3 || !(e.is(own_id) || e.is(unknown))) throw;
    }
  }
}

task<result<node>> update_one(session& in, collection_info const& info, node id, update_steps steps) {
  change_request what{.in = &info, .where = by_id(std::move(id))};
  what.steps = completed(info, std::move(steps), in.clock().now());
  auto done = co_await in.change_one(std::move(what));
  if (!done) co_return fault::not_found();
  co_return std::move(*done);
}

task<result<node>> find_one(session& in, find_request what) {
  auto found = co_await in.find(std::move(what));
  if (found.empty()) co_return fault::not_found();
  co_return std::move(found.front());
}

}  // namespace slipway::documents::detail
