// Where documents are: a store, or one transaction in it. What is asked of it is data, so that each kind of store
// translates it in its own way; collection.hpp is the typed side that repositories use.
#pragma once

#include <slipway/core/task.hpp>
#include <slipway/documents/description.hpp>
#include <slipway/documents/filter.hpp>
#include <slipway/documents/update.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace slipway::documents {

// A list that is asked for without a limit holds at most so many documents; above it, ask for pages.
inline constexpr std::int64_t max_found = 10'000;
// As JSON; MongoDB's own limit of a document.
inline constexpr std::size_t max_document_bytes = 16 << 20;

struct find_request {
  collection_info const* in = nullptr;
  filter_node where;
  std::vector<sort_key> order;
  std::int64_t skip = 0;
  std::int64_t limit = max_found;
  // Empty: whole documents. Else an object with these dotted paths as keys, where there is something.
  std::vector<path_info const*> only;
};

struct change_request {
  collection_info const* in = nullptr;
  filter_node where;
  update_steps steps;
  // The whole document instead of steps. It has the same id.
  std::optional<node> replacement;
  // With `steps`: what is inserted when no document is found; it holds what the steps would set.
  std::optional<node> otherwise;
};

enum class accumulator : std::uint8_t { count, sum, average, least, greatest };

struct group_request {
  struct value {
    accumulator what;
    path_info const* of = nullptr;  // null: of a count
  };
  struct order_key {
    std::size_t column;  // of the keys, then of the values
    bool descends;
  };
  collection_info const* in = nullptr;
  filter_node where;
  std::vector<path_info const*> keys;
  std::vector<value> values;
  std::vector<order_key> order;
  std::int64_t limit = max_found;
};

enum class change_kind : std::uint8_t { inserted, changed, removed };

struct feed_entry {
  change_kind what;
  node id;
  std::optional<node> document;  // as it was after the change; none of a removed one, or where it is gone by now
  std::string token;
};

struct feed_part {
  std::vector<feed_entry> entries;
  // To go on with: after the last entry; where there is none, how far was looked, which may be further than where it
  // began.
  std::string token;
};

class session {
 public:
  session(session const&) = delete;
  session& operator=(session const&) = delete;
  virtual ~session() = default;

  // Documents as trees, with their `id`. Errors of all of these: db::constraint_error for a unique index
  // ("unique(people.email)"; where the server does not tell which, "unique(people)"), db::input_error for what cannot
  // be stored, db::error for what the server refuses, unavailable_error, cancelled_error.
  virtual task<std::vector<node>> find(find_request what) = 0;
  virtual task<std::int64_t> count(collection_info const& in, filter_node where) = 0;
  // All or none on SQL engines; on MongoDB those before the one that is refused stay, unless it is in a transaction.
  virtual task<> insert(collection_info const& in, std::vector<node> documents) = 0;
  // The document as it is afterwards; nothing when none is found.
  virtual task<std::optional<node>> change_one(change_request what) = 0;
  virtual task<std::int64_t> change_many(collection_info const& in, filter_node where, update_steps steps) = 0;
  virtual task<std::int64_t> remove(collection_info const& in, filter_node where) = 0;
  // Lists of the keys and then the values; null for a key that documents lack.
  virtual task<std::vector<node>> group(group_request what) = 0;
  // What was changed after `token`, oldest first. Empty token: from the beginning of what is kept; MongoDB's change
  // streams have none that could be named, and answer as if it were gone. The fault gone("feed_expired") when what came
  // next is not kept any more, malformed("bad_token") for what is no token. Throws db::error where the server has no
  // feed.
  virtual task<result<feed_part>> read_feed(collection_info const& in, std::string token, std::size_t limit) = 0;
  // The token of now: what is changed from here on comes after it.
  virtual task<std::string> feed_end(collection_info const& in) = 0;
  virtual clock_source const& clock() const noexcept = 0;

 protected:
  session() = default;
};

class store {
 public:
  store(store const&) = delete;
  store& operator=(store const&) = delete;
  virtual ~store() = default;

  // What is done outside of transactions, each call by itself. So `collection<person> people{store}` is one of it.
  virtual session& direct() noexcept = 0;
  operator session&() noexcept { return direct(); }
  // Makes what is missing of collections and their indexes; never drops one. Several processes may do so at once.
  // Throws startup_error(config) for a unique index that present documents contradict.
  virtual task<> prepare(std::vector<collection_info const*> all) = 0;
  // Removes what has expired: documents, and entries of feeds. At most some thousand at a time; the number that was
  // removed.
  virtual task<std::int64_t> sweep(std::vector<collection_info const*> all) = 0;
  virtual task<> ping() = 0;
  // For logs; no password.
  virtual std::string description() const = 0;

  // Runs `work(session&)`, a function that returns a task, and keeps what it did, unless it throws or returns a fault.
  // When it lost against another transaction, it is done again: it must not change anything but documents. Throws
  // db::error where the server has no transactions (a MongoDB that is no replica set).
  template <class F>
  auto transaction(F work) -> std::invoke_result_t<F&, session&> {
    using T = task_value<std::invoke_result_t<F&, session&>>::type;
    if constexpr (std::is_void_v<T>) {
      co_await in_transaction([&work](session& in) { return keep_always(work(in)); });
    } else {
      std::optional<T> value;
      co_await in_transaction([&work, &value](session& in) { return keep_unless_fault(work(in), value); });
      co_return std::move(*value);
    }
  }

 protected:
  store() = default;
  // `work` says whether to keep what was done.
  virtual task<> in_transaction(std::function<task<bool>(session&)> work) = 0;

 private:
  template <class T>
  struct task_value;
  template <class T>
  struct task_value<task<T>> {
    using type = T;
  };
  static task<bool> keep_always(task<> work) {
    co_await std::move(work);
    co_return true;
  }
  template <class T>
  static task<bool> keep_unless_fault(task<T> work, std::optional<T>& value) {
    value.emplace(co_await std::move(work));
    if constexpr (is_result<T>) co_return value->has_value();
    co_return true;
  }
};

namespace detail {

// The steps with the time, the version and the time of the change filled in. Throws std::logic_error when two of them
// meet in one place.
update_steps completed(collection_info const& in, update_steps steps, time_point now);
// What the steps do, on a tree. Throws db::input_error when a sum leaves its range, and where a step needs a list or an
// object and finds something else.
void apply(update_steps const& steps, node& to);
filter_node by_id(node id);
// `id`, which every collection has.
inline constexpr path_info id_place{"id", &meta::describe<uuid>};
bool is_id(path_info const& at) noexcept;
// "people.email", of "unique(people.email)".
std::string index_label(collection_info const& in, index_info const& index);
std::string index_name(collection_info const& in, index_info const& index);

}  // namespace detail

}  // namespace slipway::documents
