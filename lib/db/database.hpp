// The one way to a database. `db::connect` gives the object; every shard uses the same one and finds its own
// connections behind it. Statements are parameters and text, or rows and conditions; never text with values in it.
//
//   auto db = db::connect(settings, shards);
//   auto note = co_await ok(db.from<note>().where(col<&note::id> == id && col<&note::owner_id> == who.user()).one());
//   co_await db.transaction([&](db::transaction& tx) -> task<result<order>> { ... });
//
// Errors: errors.hpp; besides, every statement may throw unavailable_error (no connection, queue full) and
// cancelled_error (the operation's deadline passed or its client left). A statement that changes something and is
// cancelled outside a transaction may have been done.
#pragma once

#include <slipway/db/changes.hpp>
#include <slipway/db/copy.hpp>
#include <slipway/db/hooks.hpp>
#include <slipway/db/notifications.hpp>
#include <slipway/db/query.hpp>
#include <slipway/db/row_stream.hpp>
#include <slipway/db/settings.hpp>
#include <slipway/db/table.hpp>
#include <slipway/runtime/shards.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace slipway::db {

class transaction_session;
using transaction = transaction_session;

namespace detail {
template <class T>
struct task_value;
template <class T>
struct task_value<task<T>> {
  using type = T;
};

// What is given to a function whose last parameters are a pack, after which there is no place for the line that calls it.
template <class T>
struct told_here {
  template <class Given>
    requires std::constructible_from<T, Given&&>
  told_here(Given&& given, std::source_location where = std::source_location::current())
      : value(std::forward<Given>(given)), at{where} {}
  T value;
  std::source_location at;
};
}  // namespace detail

// Where statements go: the database, where each is a transaction of its own, or one transaction. Repositories take
// a session, so that the same repository works inside a transaction.
class session {
 public:
  session(session const&) = delete;
  session& operator=(session const&) = delete;

  db::dialect dialect() const noexcept;

  // A statement that reads, by hand; $1 is the first parameter, on every engine. It may be repeated when the
  // connection is lost, so what changes something belongs into `execute` or `query_once`.
  task<rows> query(std::string sql, values parameters = {}, std::source_location at = std::source_location::current());
  // A statement that changes something and answers with rows (RETURNING).
  task<rows> query_once(std::string sql, values parameters = {},
                        std::source_location at = std::source_location::current());
  // The same for a text that is made anew each time: nobody keeps it. It is done once.
  task<rows> query_unkept(std::string sql, values parameters = {},
                          std::source_location at = std::source_location::current());
  // `query` into a described struct, columns to members by name. Throws value_error that names what does not match.
  template <meta::described R>
  task<std::vector<R>> query_as(std::string sql, values parameters = {},
                                std::source_location at = std::source_location::current()) {
    auto const found = co_await query(std::move(sql), std::move(parameters), at);
    co_return found.template as<R>();
  }
  // A statement that changes something: the number of rows.
  task<std::int64_t> execute(std::string sql, values parameters = {},
                             std::source_location at = std::source_location::current());
  // Rows in batches of at most so many: see row_stream.hpp.
  task<row_stream> stream(std::string sql, values parameters = {}, std::size_t batch = 1000,
                          std::source_location at = std::source_location::current());
  // See copy.hpp.
  task<copy_reader> copy_out(std::string sql);
  task<copy_writer> copy_in(std::string sql);
  // Tells whoever listens, once this is committed: see notifications.hpp. At most 8000 bytes.
  task<> notify(std::string channel, std::string payload);
  // Several statements without parameters, as in a migration. Outside a transaction they are done one by one and
  // those before an error stay done, unless the text has its own BEGIN and COMMIT.
  task<> script(std::string sql);

  // Runs `work(transaction&)`, a function that returns a task, and commits. Rolls back when it throws, is cancelled
  // or returns a fault. When the transaction lost against another, it is all done again, after a short random
  // pause, at most `attempts` times: `work` must not change anything but the database. Inside a transaction: a
  // savepoint. A lambda with captures is fine here: it lives until the end.
  template <class F>
  auto transaction(F work, transaction_options options = {}) -> std::invoke_result_t<F&, db::transaction&>;

  template <stored T>
  selection<T> from() {
    return {*shared_, *to_};
  }
  template <stored T, class Id>
  task<result<T>> find(Id const& id, std::source_location at = std::source_location::current()) {
    static_assert(info_of<T>.key != no_column, "the table has no primary key");
    return find_in<T>(*shared_, *to_, value{id}, at);
  }
  // Loads relations of rows that were read before, as `with` does: load<&user::notes>(users).
  template <auto... Path, stored T>
  task<> load(std::vector<T>& list, std::source_location at = std::source_location::current()) {
    return load_rows<T, Path...>(list.data(), list.size(), at);
  }
  template <auto... Path, stored T>
  task<> load(T& row, std::source_location at = std::source_location::current()) {
    return load_rows<T, Path...>(&row, 1, at);
  }

  // The row as it is stored now: with its id (made when nil), timestamps and version. A result<T> where a hook of the
  // table may refuse it.
  template <stored T>
  auto insert(T row, std::source_location at = std::source_location::current()) {
    if constexpr (creating<T>.none())
      return insert_into(*shared_, *to_, std::move(row), detail::on_conflict::fail, {}, at);
    else
      return insert_hooked(*this, std::move(row), at);
  }
  // False: a row that is there already forbids it, and nothing was done. No hooks run.
  template <stored T>
  task<bool> insert_or_ignore(T row, std::source_location at = std::source_location::current()) {
    return insert_unless(*shared_, *to_, std::move(row), at);
  }
  // Inserts, or overwrites the row that has the same values in these unique columns, except for its key, its time
  // of creation: `upsert(setting, col<&setting::name>)`. The row as it is stored now. No hooks run.
  template <auto First, auto... More, stored T = column_of<First>::row>
  task<T> upsert(std::type_identity_t<detail::told_here<T>> row, column_of<First> unique, column_of<More>... with) {
    return insert_into(*shared_, *to_, std::move(row.value), detail::on_conflict::replace,
                       std::string{static_cast<char>(unique.index), static_cast<char>(with.index)...}, row.at);
  }
  // All or none, a few hundred rows to a statement. A result where a hook of the table may refuse a row.
  template <stored T>
  auto insert_many(std::vector<T> list, std::source_location at = std::source_location::current()) {
    if constexpr (creating<T>.may_refuse)
      return insert_list_hooked(*this, std::move(list), at);
    else
      return insert_list(*this, std::move(list), at);
  }
  // The row with this key gets all these values. Where the table has a version, the fault
  // precondition_failed("version_conflict") when somebody changed the row since it was read. not_found when it is gone.
  template <stored T>
  task<result<T>> update(T row, std::source_location at = std::source_location::current()) {
    return change_one(*this, detail::row_change::update, std::move(row), {}, at);
  }
  // The same for a row for which `provided` holds; another is not_found.
  template <stored T>
  task<result<T>> update(T row, condition<T> provided, std::source_location at = std::source_location::current()) {
    return change_one(*this, detail::row_change::update, std::move(row), std::move(provided).take(), at);
  }
  // Marks the row of a table with soft delete, or removes that of another; the row as it is stored now, or was. Faults
  // as of `update`.
  template <stored T>
  task<result<T>> remove(T row, std::source_location at = std::source_location::current()) {
    constexpr auto what =
        info_of<T>.deleted_at != no_column ? detail::row_change::soft_remove : detail::row_change::purge;
    return change_one(*this, what, std::move(row), {}, at);
  }
  // Removes the row for good, marked or not.
  template <stored T>
  task<result<T>> purge(T row, std::source_location at = std::source_location::current()) {
    return change_one(*this, detail::row_change::purge, std::move(row), {}, at);
  }
  // Each row by its key, in one statement for thousands of them: `update_many(rows, col<&note::pinned>)`, or all
  // columns as in `update`. The number of rows that were changed: less than all when some are gone. Where the table
  // has a version, all or none: the fault precondition_failed("version_conflict") when somebody changed or removed one
  // since it was read. A key must not come twice. Sorted by their keys, rows are locked in an order in which two such
  // changes do not wait for each other.
  // No hooks run.
  template <stored T>
  task<result<std::int64_t>> update_many(std::vector<T> list,
                                         std::source_location at = std::source_location::current()) {
    return update_list(*this, std::move(list), detail::columns_to_update(info_of<T>), at);
  }
  template <auto First, auto... More, stored T = column_of<First>::row>
  task<result<std::int64_t>> update_many(std::type_identity_t<detail::told_here<std::vector<T>>> list,
                                         column_of<First> only, column_of<More>... also) {
    static_assert(
        column_of<First>::index != info_of<T>.sharded_by && ((column_of<More>::index != info_of<T>.sharded_by) && ...),
        "this column decides where a sharded row lies: a row that is there cannot change it");
    static_assert((std::same_as<typename column_of<More>::row, T> && ...), "a column of another table");
    return update_list(*this, std::move(list.value),
                       std::string{static_cast<char>(only.index), static_cast<char>(also.index)...}, list.at);
  }
  // Changes by condition: `update<note>().set(col<&note::pinned>, true).where(...).run()`.
  template <stored T>
  change_of<T> update() {
    return {*shared_, *to_, detail::change_state::kind::update};
  }
  // Marks the rows of a table with soft delete; removes those of other tables.
  template <stored T>
  change_of<T> remove() {
    return {*shared_, *to_,
            info_of<T>.deleted_at != no_column ? detail::change_state::kind::soft_remove
                                               : detail::change_state::kind::purge};
  }
  // Removes rows for good, marked or not.
  template <stored T>
  change_of<T> purge() {
    return {*shared_, *to_, detail::change_state::kind::purge};
  }
  // Unmarks.
  template <stored T>
  change_of<T> restore() {
    static_assert(info_of<T>.deleted_at != no_column, "the table has no soft delete");
    return {*shared_, *to_, detail::change_state::kind::restore};
  }

 protected:
  session(detail::core& shared, link& to) noexcept : shared_{&shared}, to_{&to} {}
  ~session() = default;

  detail::core* shared_;
  link* to_;

 private:
  // The most frequent of all queries has a way of its own.
  template <class T>
  static task<result<T>> find_in(detail::core& shared, link& to, value key, std::source_location at) {
    auto text = detail::statement_by_key(shared, info_of<T>, key.kind());
    values parameters;
    parameters.reserve(1);
    parameters.push_back(std::move(key));
    auto const found = co_await detail::run{shared, to, std::move(text), parameters, at};
    if (found.empty()) co_return fault::not_found();
    T row{};
    detail::read_row(shared, info_of<T>, &row, found, 0);
    co_return std::move(row);
  }
  template <class T>
  static constexpr detail::hooks_of creating{info_of<T>, row_event::before_create, row_event::after_create};

  template <class T>
  static task<T> insert_into(detail::core& shared, link& to, T row, detail::on_conflict conflict, std::string columns,
                             std::source_location at) {
    co_await detail::insert_row(shared, to, info_of<T>, &row, conflict, std::move(columns), at);
    co_return std::move(row);
  }
  template <class T>
  static task<bool> insert_unless(detail::core& shared, link& to, T row, std::source_location at) {
    co_return co_await detail::insert_row(shared, to, info_of<T>, &row, detail::on_conflict::ignore, {}, at);
  }
  template <class T>
  static auto insert_hooked(session& in, T row, std::source_location at)
      -> task<std::conditional_t<creating<T>.may_refuse, result<T>, T>> {
    auto done = co_await detail::create_row(in, info_of<T>, &row, at);
    if constexpr (creating<T>.may_refuse)
      if (!done) co_return std::move(done.error());
    co_return std::move(row);
  }
  template <class T>
  static void* row_of(void* list, std::size_t i) {
    return &(*static_cast<std::vector<T>*>(list))[i];
  }
  template <class T>
  static task<std::vector<T>> insert_list(session& in, std::vector<T> list, std::source_location at) {
    co_await detail::create_rows(in, info_of<T>, list.size(), &row_of<T>, &list, at);
    co_return std::move(list);
  }
  template <class T>
  static task<result<std::vector<T>>> insert_list_hooked(session& in, std::vector<T> list, std::source_location at) {
    co_await ok(detail::create_rows(in, info_of<T>, list.size(), &row_of<T>, &list, at));
    co_return std::move(list);
  }
  template <class T>
  static task<result<T>> change_one(session& in, detail::row_change what, T row, untyped_condition provided,
                                    std::source_location at) {
    co_await ok(detail::change_row(in, info_of<T>, what, &row, provided, at));
    co_return std::move(row);
  }
  template <class T, auto... Path>
  task<> load_rows(T* first, std::size_t count, std::source_location at) {
    detail::select_state plan{*shared_, *to_, info_of<T>};
    (void)std::type_identity<detail::last_target<T, Path...>>{};
    relation const* const path[] = {detail::relation_of<Path>()...};
    plan.load(path);
    co_await detail::load_related(*shared_, *to_, info_of<T>, first, sizeof(T), count, *plan.loads, at);
  }

  template <class T>
  static task<result<std::int64_t>> update_list(session& in, std::vector<T> list, std::string sets,
                                                std::source_location at);

  friend struct detail::session_parts;
  friend row_stream;
  virtual task<std::unique_ptr<db::transaction>> begin(transaction_options options) = 0;
  // Then the outermost transaction is repeated as a whole.
  virtual bool is_nested() const noexcept = 0;
};

// One transaction; made by `session::transaction`, and called db::transaction everywhere else: a class of that name
// could not have the function.
class transaction_session final : public session {
 public:
  transaction_session(detail::core& shared, std::unique_ptr<exclusive> connection) noexcept;
  // A savepoint in another transaction.
  transaction_session(detail::core& shared, exclusive& outer, unsigned depth) noexcept;
  ~transaction_session();

 private:
  friend session;
  friend row_stream;
  task<std::unique_ptr<db::transaction>> begin(transaction_options options) override;
  bool is_nested() const noexcept override { return own_ == nullptr; }
  task<> commit();
  // Waits until all is undone, whatever the state of the context. Nothing happens when it is over already.
  task<> roll_back();

  std::unique_ptr<exclusive> own_;
  exclusive* connection_;
  unsigned depth_ = 0;
  bool open_ = true;
};

class database final : public session {
 public:
  explicit database(std::unique_ptr<detail::core> shared) noexcept;
  ~database();

  // On a connection of its own, which stays with the calling shard: see notifications.hpp. `queue` is how many may
  // wait to be heard.
  task<std::unique_ptr<listener>> listen(std::vector<std::string> channels, std::size_t queue = 1024);
  // A sign of life, for health checks. Throws unavailable_error with the reason.
  task<> ping();
  db::usage use() const noexcept;
  // The servers behind it and how far each is; none without `database.replicas`. From any thread.
  replication_status replication() const;
  // "PostgreSQL 15.20 at 127.0.0.1:5432, database app" or "SQLite 3.40.1, var/app.db": for logs; no password.
  std::string const& description() const noexcept;

 private:
  task<std::unique_ptr<db::transaction>> begin(transaction_options options) override;
  bool is_nested() const noexcept override { return false; }

  std::unique_ptr<detail::core> own_;
};

// Opens the database on every shard. Throws startup_error with what to do: unavailable when the server does not
// answer after `connect_attempts`, config for a wrong URL, permission, cannot_create or data for SQLite's file. No
// message shows the password. Not from a shard's thread.
database connect(settings const& s, shards& on);

// Turns the violation of a constraint that the caller's input can cause into a fault:
//   co_return co_await db::or_fault(db_.insert(row), "unique(users.email)", fault::conflict("email_taken"));
template <class T>
task<result<T>> or_fault(task<T> work, std::string constraint, fault otherwise) {
  try {
    co_return co_await std::move(work);
  } catch (constraint_error const& violated) {
    if (!violated.is(constraint)) throw;
  }
  co_return std::move(otherwise);
}

template <class F>
auto session::transaction(F work, transaction_options options) -> std::invoke_result_t<F&, db::transaction&> {
  using T = detail::task_value<std::invoke_result_t<F&, db::transaction&>>::type;
  for (unsigned attempt = 1;; ++attempt) {
    std::unique_ptr<db::transaction> inside;
    std::exception_ptr error;
    try {
      inside = co_await begin(options);
      if constexpr (std::is_void_v<T>) {
        co_await work(*inside);
        co_await inside->commit();
        co_return;
      } else {
        T value = co_await work(*inside);
        bool keep = true;
        if constexpr (is_result<T>) keep = value.has_value();
        if (keep)
          co_await inside->commit();
        else
          co_await inside->roll_back();
        co_return std::move(value);
      }
    } catch (...) {
      error = std::current_exception();
    }
    if (inside) co_await inside->roll_back();
    if (is_nested() || attempt >= options.attempts || !detail::may_repeat(error)) std::rethrow_exception(error);
    co_await sleep_for(detail::pause_before_attempt(*shared_, attempt));
  }
}

template <class T>
task<result<std::int64_t>> session::update_list(session& in, std::vector<T> list, std::string sets,
                                                std::source_location at) {
  if (info_of<T>.version == no_column && detail::fits_one_statement(*in.shared_, info_of<T>, list.size()))
    co_return co_await detail::update_rows(*in.shared_, *in.to_, info_of<T>, std::move(sets), list.size(), &row_of<T>,
                                           &list, at);
  co_return co_await in.transaction([&](db::transaction& tx) -> task<result<std::int64_t>> {
    auto const changed =
        co_await detail::update_rows(*tx.shared_, *tx.to_, info_of<T>, sets, list.size(), &row_of<T>, &list, at);
    if (info_of<T>.version != no_column && changed != static_cast<std::int64_t>(list.size()))
      co_return fault::precondition_failed("version_conflict");
    co_return changed;
  });
}

}  // namespace slipway::db
