// One collection of documents, on whichever store: `collection<person> people{store}`. Inside a transaction,
// `collection<person> people{tx}`. It holds no more than the session, so make it where it is needed.
//
//   auto const ann = co_await people.insert({.name = "Ann", .email = "ann@example.com"});
//   auto const old = co_await people.where(col<&person::age> >= 65).order_by(desc<&person::age>).limit(10).all();
//   co_await ok(people.update(ann.id, changes<person>().inc(col<&person::visits>, 1)));
#pragma once

#include <slipway/core/fault.hpp>
#include <slipway/core/page.hpp>
#include <slipway/documents/query.hpp>
#include <slipway/documents/session.hpp>
#include <slipway/runtime/shard.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slipway::documents {

// One change of a document, from a feed.
template <document T>
struct changed {
  change_kind what;
  decltype(T::id) id;
  std::optional<T> document;
  std::string token;  // to go on after this one
};

namespace detail {

// The document as it is to be inserted: with its id (made when nil), version and times.
node to_insert(collection_info const& in, clock_source const& clock, node document);
// The steps that make any document of this id be like this one.
change_request upserting(collection_info const& in, clock_source const& clock, node document);
change_request replacing(collection_info const& in, clock_source const& clock, node document);

task<node> insert_one(session& in, collection_info const& info, node document);
task<std::vector<node>> insert_all(session& in, collection_info const& info, std::vector<node> documents);
task<result<node>> replace_one(session& in, collection_info const& info, node document);
task<node> upsert_one(session& in, collection_info const& info, node document);
task<result<node>> update_one(session& in, collection_info const& info, node id, update_steps steps);
task<result<node>> find_one(session& in, find_request what);

}  // namespace detail

template <document T>
class collection {
 public:
  using id_type = decltype(T::id);

  explicit collection(session& in) noexcept : in_{&in} {}

  task<result<T>> find(id_type id) {
    find_request what{.in = &info_of<T>, .where = detail::by_id(encode(id)), .limit = 1};
    return decoded(detail::find_one(*in_, std::move(what)));
  }
  // Those that meet all conditions.
  query<T> where(filter<T> condition) { return query<T>{*in_}.where(std::move(condition)); }
  query<T> all() { return query<T>{*in_}; }

  // The document as it is stored: with its id, made when it has none, its version and times.
  task<T> insert(T document) { return decoded(detail::insert_one(*in_, info_of<T>, encode(document))); }
  // All or none on SQL engines and in transactions.
  task<std::vector<T>> insert_many(std::vector<T> documents) { return inserted(*in_, std::move(documents)); }
  // The document with this id becomes this one. not_found when there is none; where the collection has a version,
  // precondition_failed("version_conflict") when somebody changed it since it was read.
  task<result<T>> replace(T document) { return decoded(detail::replace_one(*in_, info_of<T>, encode(document))); }
  // Inserts it, or replaces the one with this id, whatever its version; its time of creation stays.
  task<T> upsert(T document) { return decoded(detail::upsert_one(*in_, info_of<T>, encode(document))); }
  // The document as it is afterwards, or not_found. For many: `where(...).update(...)`.
  task<result<T>> update(id_type id, changes<T> what) {
    return decoded(detail::update_one(*in_, info_of<T>, encode(id), std::move(what).take()));
  }
  // not_found when there was none. For many: `where(...).remove()`.
  task<result<void>> remove(id_type id) { return removed(*in_, encode(id)); }

  // The next changes after `token`, oldest first, at most `limit`; at once, and maybe none. To wait for them:
  // `follow`. gone("feed_expired") when what came next is not kept any more: take `feed_end()`, read the collection,
  // and go on from there. Empty token: from the beginning of what is kept; on MongoDB that is always gone. A token ages
  // while nothing changes, too: who finds nothing for days with `feed` takes a `feed_end()` that was asked before.
  // malformed("bad_token") for what is no token.
  task<result<std::vector<changed<T>>>> feed(std::string token, std::size_t limit = 100) {
    static_assert(collection_of<T>.info().has_feed, "the collection has no feed: declare it with .feed()");
    return entries(*in_, std::move(token), limit);
  }
  // The same, but waits until there is at least one, however long; throws cancelled_error with the operation. Empty
  // token: from now on.
  task<result<std::vector<changed<T>>>> follow(std::string token, std::size_t limit = 100,
                                               std::chrono::milliseconds look_every = std::chrono::milliseconds{250}) {
    static_assert(collection_of<T>.info().has_feed, "the collection has no feed: declare it with .feed()");
    return waited(*in_, std::move(token), limit, look_every);
  }
  task<std::string> feed_end() { return in_->feed_end(info_of<T>); }

 private:
  static task<T> decoded(task<node> work) {
    auto const found = co_await std::move(work);
    co_return decode<T>(found);
  }
  static task<result<T>> decoded(task<result<node>> work) {
    auto const found = co_await ok(std::move(work));
    co_return decode<T>(found);
  }
  static task<std::vector<T>> inserted(session& in, std::vector<T> documents) {
    std::vector<node> trees;
    trees.reserve(documents.size());
    for (auto const& each : documents) trees.push_back(encode(each));
    auto const stored = co_await detail::insert_all(in, info_of<T>, std::move(trees));
    for (std::size_t i = 0; i < stored.size(); ++i) documents[i] = decode<T>(stored[i]);
    co_return documents;
  }
  static task<result<void>> removed(session& in, node id) {
    if (co_await in.remove(info_of<T>, detail::by_id(std::move(id))) == 0) co_return fault::not_found();
    co_return result<void>{};
  }
  static task<result<std::vector<changed<T>>>> entries(session& in, std::string token, std::size_t limit) {
    auto found = co_await ok(in.read_feed(info_of<T>, std::move(token), limit));
    co_return opened(std::move(found));
  }
  static std::vector<changed<T>> opened(feed_part found) {
    std::vector<changed<T>> out;
    out.reserve(found.entries.size());
    for (auto& each : found.entries) {
      auto& made = out.emplace_back(changed<T>{each.what, decode<id_type>(each.id), {}, std::move(each.token)});
      if (each.document) made.document = decode<T>(*each.document);
    }
    return out;
  }
  static task<result<std::vector<changed<T>>>> waited(session& in, std::string token, std::size_t limit,
                                                      std::chrono::milliseconds look_every) {
    if (token.empty()) token = co_await in.feed_end(info_of<T>);
    for (;;) {
      auto found = co_await ok(in.read_feed(info_of<T>, token, limit));
      if (!found.entries.empty()) co_return opened(std::move(found));
      token = std::move(found.token);
      co_await sleep_for(look_every);
    }
  }

  session* in_;
};

}  // namespace slipway::documents
