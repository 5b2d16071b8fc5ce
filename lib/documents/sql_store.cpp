#include <slipway/documents/sql_store.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/documents/sql_schema.hpp>
#include <slipway/documents/sql_session.hpp>
#include <slipway/documents/sweep.hpp>

namespace slipway::documents {
namespace {

class sql_store final : public store {
 public:
  sql_store(db::database& database, clock_source const& clock) noexcept
      : database_{database}, plain_{database, clock} {}

  task<std::vector<node>> find(find_request what) override { return plain_.find(std::move(what)); }
  task<std::int64_t> count(collection_info const& in, filter_node where) override {
    return plain_.count(in, std::move(where));
  }
  task<> insert(collection_info const& in, std::vector<node> documents) override {
    return plain_.insert(in, std::move(documents));
  }
  task<std::optional<node>> change_one(change_request what) override { return plain_.change_one(std::move(what)); }
  task<std::int64_t> change_many(collection_info const& in, filter_node where, update_steps steps) override {
    return plain_.change_many(in, std::move(where), std::move(steps));
  }
  task<std::int64_t> remove(collection_info const& in, filter_node where) override {
    return plain_.remove(in, std::move(where));
  }
  task<std::vector<node>> group(group_request what) override { return plain_.group(std::move(what)); }
  task<result<std::vector<feed_entry>>> read_feed(collection_info const& in, std::string token,
                                                  std::size_t limit) override {
    return plain_.read_feed(in, std::move(token), limit);
  }
  task<std::string> feed_end(collection_info const& in) override { return plain_.feed_end(in); }
  clock_source const& clock() const noexcept override { return plain_.clock(); }

  task<> prepare(std::vector<collection_info const*> all) override {
    return detail::prepare_tables(database_, std::move(all));
  }

  task<std::int64_t> sweep(std::vector<collection_info const*> all) override {
    std::int64_t count = 0;
    for (auto const* in : all) {
      count += co_await detail::remove_expired(*this, *in);
      if (!in->has_feed) continue;
      auto const before = clock().now() - in->feed_kept;
      count += co_await database_.execute("delete from document_changes where collection = $1 and changed_at < $2",
                                          {in->name, before.time_since_epoch().count()});
    }
    co_return count;
  }

  task<> ping() override { return database_.ping(); }
  std::string description() const override { return "the SQL database"; }

 protected:
  task<> in_transaction(std::function<task<bool>(session&)> work) override {
    // A fault undoes what was done, like an exception, and is not seen outside: the caller has the value already.
    (void)co_await database_.transaction([&](db::transaction& tx) -> task<result<void>> {
      detail::sql_session inside{tx, clock()};
      if (!co_await work(inside)) co_return fault::conflict("not_kept");
      co_return result<void>{};
    });
  }

 private:
  db::database& database_;
  detail::sql_session plain_;
};

}  // namespace

std::unique_ptr<store> make_sql_store(db::database& database, clock_source const& clock) {
  return std::make_unique<sql_store>(database, clock);
}

std::unique_ptr<session> documents_in(db::transaction& open, clock_source const& clock) {
  return std::make_unique<detail::sql_session>(open, clock);
}

}  // namespace slipway::documents
