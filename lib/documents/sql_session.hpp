// Documents in tables of an SQL database, one table for each collection: each has its own indexes, statistics and
// locks, and can be looked at, dumped and dropped by itself. For the .cpp files of this folder.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/db/database.hpp>
#include <slipway/documents/session.hpp>
#include <slipway/documents/sql_text.hpp>

namespace slipway::documents::detail {

class sql_session final : public session {
 public:
  sql_session(db::session& db, clock_source const& clock) noexcept : db_{db}, clock_{clock} {}

  task<std::vector<node>> find(find_request what) override;
  task<std::int64_t> count(collection_info const& in, filter_node where) override;
  task<> insert(collection_info const& in, std::vector<node> documents) override;
  task<std::optional<node>> change_one(change_request what) override;
  task<std::int64_t> change_many(collection_info const& in, filter_node where, update_steps steps) override;
  task<std::int64_t> remove(collection_info const& in, filter_node where) override;
  task<std::vector<node>> group(group_request what) override;
  task<result<feed_part>> read_feed(collection_info const& in, std::string token, std::size_t limit) override;
  task<std::string> feed_end(collection_info const& in) override;
  clock_source const& clock() const noexcept override { return clock_; }

 private:
  // What happens to one document, for its feed.
  struct happening {
    change_kind what;
    node id;
    std::optional<node> document;
  };
  // Whether a change is made here, on the locked document, instead of by one statement.
  bool by_hand(collection_info const& in) const noexcept {
    return in.has_feed || !words::changes_documents[db_.dialect()];
  }
  task<std::vector<node>> lock(collection_info const& in, filter_node where, std::optional<node> after,
                               std::size_t limit);
  task<> store(collection_info const& in, node document);
  task<> insert_rows(collection_info const& in, std::vector<node> const& documents);
  task<std::optional<node>> change_locked(change_request what);
  task<std::int64_t> change_all_locked(collection_info const& in, filter_node where, update_steps steps);
  task<std::int64_t> remove_locked(collection_info const& in, filter_node where);
  // The number of the last change; others who change the collection wait until this transaction is over, so that
  // numbers are in the order in which changes can be seen.
  task<std::int64_t> lock_feed(collection_info const& in);
  task<> record(collection_info const& in, std::int64_t last, std::vector<happening> all);

  db::session& db_;
  clock_source const& clock_;
};

// Gives what a database refused the names of documents: "unique(people.email)".
[[noreturn]] void rethrow_named(collection_info const& in, std::exception_ptr error);

}  // namespace slipway::documents::detail
