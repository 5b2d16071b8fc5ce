#include <slipway/documents/sql_store.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/documents/sql_schema.hpp>
#include <slipway/documents/sql_session.hpp>
#include <slipway/documents/sweep.hpp>

namespace slipway::documents {
namespace {

// Entries of one feed.
constexpr std::int64_t most_swept = 5'000;

class sql_store final : public store {
 public:
  sql_store(db::database& database, clock_source const& clock) noexcept
      : database_{database}, plain_{database, clock} {}

  session& direct() noexcept override { return plain_; }

  task<> prepare(std::vector<collection_info const*> all) override {
    return detail::prepare_tables(database_, std::move(all));
  }

  task<std::int64_t> sweep(std::vector<collection_info const*> all) override {
    std::int64_t count = 0;
    for (auto const* in : all) {
      count += co_await detail::remove_expired(plain_, *in);
      if (in->has_feed) count += co_await sweep_feed(*in);
    }
    co_return count;
  }

  task<> ping() override { return database_.ping(); }
  std::string description() const override { return "the SQL database"; }

 protected:
  task<> in_transaction(std::function<task<bool>(session&)> work) override {
    // A fault undoes what was done, like an exception, and is not seen outside: the caller has the value already.
    (void)co_await database_.transaction([&](db::transaction& tx) -> task<result<void>> {
      detail::sql_session inside{tx, plain_.clock()};
      if (!co_await work(inside)) co_return fault::conflict("not_kept");
      co_return result<void>{};
    });
  }

 private:
  // Numbers are in the order of time, and the key leads to them: the oldest entries, up to the last of them that is too
  // old.
  task<std::int64_t> sweep_feed(collection_info const& in) {
    auto const before = plain_.clock().now() - in.feed_kept;
    co_return co_await database_.execute(
        "delete from document_changes where collection = $1 and number <= (select coalesce(max(number), 0) from "
        "(select "
        "number, changed_at from document_changes where collection = $1 order by number limit $2) oldest where "
        "changed_at < $3)",
        {in.name, most_swept, before.time_since_epoch().count()});
  }

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
