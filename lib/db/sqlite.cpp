// The SQLite engine. Reads run on the shard that asks, on a connection of its own: a point read takes a few
// microseconds there, less than a hop to another thread costs. A read that outlasts its small budget is stopped and
// done again on a reading pool, and starts there the next time, so that it holds up no other request of the shard.
#include <slipway/core/counter.hpp>
#include <slipway/core/directory.hpp>
#include <slipway/core/random.hpp>
#include <slipway/db/engines.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/sqlite_connection.hpp>
#include <slipway/db/sqlite_file.hpp>
#include <slipway/db/sqlite_writer.hpp>
#include <slipway/runtime/blocking_pool.hpp>

#include <sqlite3.h>

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <mutex>
#include <optional>

namespace slipway::db::detail {
namespace {

using steady = std::chrono::steady_clock;

// How long a read may hold up its shard.
constexpr std::chrono::milliseconds inline_budget{5};

// "sqlite::memory:" is a file in memory (/dev/shm) that goes with the object: so it behaves in everything like a
// file, readers beside the writer included, which SQLite's own shared memory databases do not.
class memory_directory {
 public:
  memory_directory() {
    std::error_code error;
    auto root = std::filesystem::path{"/dev/shm"};
    if (!std::filesystem::is_directory(root, error)) root = std::filesystem::temp_directory_path(error);
    remove_leftovers(root);
    path_ = root / ("slipway-sqlite-" + std::to_string(::getpid()) + "-" + system_random().token(9));
    if (!std::filesystem::create_directory(path_, error))
      refuse_sqlite_file(path_.string(), 0, error.value(), error.message());
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, error);
  }
  memory_directory(memory_directory const&) = delete;
  memory_directory& operator=(memory_directory const&) = delete;
  ~memory_directory() {
    std::error_code ignored;  // whatever is left is removed by the next process
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file() const { return (path_ / "memory.db").string(); }

 private:
  // Of processes that were killed.
  static void remove_leftovers(std::filesystem::path const& root) {
    std::error_code error;
    for (std::filesystem::directory_iterator at{root, error}, end; !error && at != end; at.increment(error)) {
      auto const name = at->path().filename().string();
      if (!name.starts_with("slipway-sqlite-")) continue;
      auto const pid = std::atoi(name.c_str() + 15);
      if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) {
        std::error_code ignored;
        std::filesystem::remove_all(at->path(), ignored);
      }
    }
  }
  std::filesystem::path path_;
};

struct reader {
  std::unique_ptr<sqlite_connection> connection;
  shard::ticker tick;
  counter queries, errors;
};

class sqlite_engine;

class sqlite_transaction final : public exclusive {
 public:
  sqlite_transaction(sqlite_engine& of, std::uint64_t number) noexcept : of_{of}, number_{number} {}
  ~sqlite_transaction() override;
  bool start(operation& op) noexcept override;
  task<> script(std::string text) override;
  task<> commit() override;
  task<> rollback() override;

 private:
  sqlite_engine& of_;
  std::uint64_t number_;
  bool open_ = true;
};

class sqlite_engine final : public engine {
 public:
  sqlite_engine(settings const& s, shards& on)
      : settings_{s}, shards_{on}, readers_{on.size()}, slow_{"sqlite-read", {.threads = 2, .queue = s.queue}} {
    if (auto file = sqlite_file(s.url)) {
      path_ = std::move(*file);
      check_path(s.create);
    } else {
      path_ = memory_.emplace().file();
    }
    auto const makes = memory_ || s.create;
    writer_ = std::make_unique<sqlite_writer>(
        path_, s, makes ? sqlite_connection::access::makes : sqlite_connection::access::writes);
    try {
      on.on_each([this](shard& each) { open_reader(each); });
    } catch (...) {
      close_readers();
      throw;
    }
  }
  ~sqlite_engine() override { close_readers(); }

  db::dialect kind() const noexcept override { return db::dialect::sqlite; }
  std::string description() const override {
    return std::string{"SQLite "} + sqlite3_libversion() + (memory_ ? ", in memory" : ", " + path_);
  }

  bool start(operation& op) noexcept override {
    if (!op.what->reads) {
      start_detached(write(op, sqlite_writer::role::alone, 0), op.of);
      return true;
    }
    auto& mine = readers_.local();
    mine.queries.add();
    try {
      auto& p = mine.connection->prepare(*op.what, shard::current().index());
      if (p.slow) {
        start_detached(read_aside(op), op.of);
        return true;
      }
      try {
        op.answer = mine.connection->execute(p, *op.parameters, {.deadline = steady::now() + inline_budget});
      } catch (sqlite_stopped const&) {
        p.slow = true;
        start_detached(read_aside(op), op.of);
        return true;
      }
    } catch (sqlite_busy const&) {
      start_detached(read_aside(op), op.of);  // where waiting for the lock disturbs nobody
      return true;
    } catch (...) {
      mine.errors.add();
      op.error = std::current_exception();
    }
    return false;
  }

  // One statement on the writer. Whoever awaits the operation may be resumed before this returns.
  task<> write(operation& op, sqlite_writer::role as, std::uint64_t transaction) {
    auto const home = shard::current().index();
    try {
      co_await sqlite_writer::call{*writer_, as, transaction, [&op, home](sqlite_connection& c, stop_rule const& stop) {
                                     op.answer = c.execute(c.prepare(*op.what, home), *op.parameters, stop);
                                   }};
    } catch (...) {
      op.error = std::current_exception();
    }
    op.waiting.resume();
  }

  task<> script(std::string text) override {
    co_await sqlite_writer::call{*writer_, sqlite_writer::role::alone, 0,
                                 [&text](sqlite_connection& c, stop_rule const& stop) {
                                   try {
                                     c.script(text, stop);
                                   } catch (...) {
                                     if (c.in_transaction()) c.simple("rollback");  // the text's own
                                     throw;
                                   }
                                   if (c.in_transaction()) {
                                     c.simple("rollback");
                                     throw db::error{"SQLite: the script left a transaction open; it was rolled back"};
                                   }
                                 }};
  }

  task<std::unique_ptr<exclusive>> begin(transaction_options) override {
    auto const number = writer_->next_transaction();
    co_await sqlite_writer::call{
        *writer_, sqlite_writer::role::begin, number,
        [](sqlite_connection& c, stop_rule const& stop) { c.simple("begin immediate", stop); }};
    co_return std::make_unique<sqlite_transaction>(*this, number);
  }

  task<> ping() override {
    static statement const look{.sql = "select count(*) from sqlite_schema", .reads = true};
    try {
      auto& mine = *readers_.local().connection;
      mine.require_in_place();
      mine.execute(mine.prepare(look, shard::current().index()), {},
                   {.deadline = steady::now() + settings_.connect_timeout});
    } catch (sqlite_stopped const&) {
      throw unavailable_error{"SQLite: " + path_ + " does not answer in time"};
    } catch (sqlite_busy const&) {
      throw unavailable_error{"SQLite: " + path_ + " is locked by another process"};
    }
    co_return;
  }

  db::usage use() const noexcept override {
    db::usage u;
    writer_->add_to(u);
    for (unsigned i = 0; i < readers_.size(); ++i) {
      u.queries += readers_[i].queries.read();
      u.errors += readers_[i].errors.read();
    }
    u.open += readers_.size();
    u.connects = u.open;
    return u;
  }

  sqlite_writer& writer() noexcept { return *writer_; }

 private:
  void check_path(bool create) {
    auto const parent = std::filesystem::path{path_}.parent_path();
    if (create && !parent.empty())
      if (auto const why = slipway::make_directory(parent)) refuse_sqlite_file(parent.string(), 0, why.value(), "");
    std::error_code error;
    if (!create && std::filesystem::status(path_, error).type() == std::filesystem::file_type::not_found)
      throw startup_error{exit_code::data, "database.url: there is no database at " + path_ +
                                               ". `slipway migrate up` makes it, and so does `serve` with "
                                               "migrations.at_start; or name the one that is there."};
    if (std::filesystem::is_directory(path_, error)) refuse_sqlite_file(path_, 0, EISDIR, "");
  }

  void open_reader(shard& on) {
    auto& mine = readers_.of(on);
    mine.connection = std::make_unique<sqlite_connection>(path_, sqlite_connection::access::reads);
    mine.connection->wait_for_locks(std::chrono::milliseconds{0});
    mine.tick = on.on_tick([this, &on] { writer_->expire(on); });
  }

  void close_readers() {
    shards_.on_each([this](shard& each) {
      readers_.of(each).tick = {};
      readers_.of(each).connection.reset();
    });
  }

  // Cancels a read on the pool with its operation.
  struct stop_hook : context::hook {
    explicit stop_hook(context* operation) {
      fire = [](context::hook& h, cancel_reason reason) {
        auto& me = static_cast<stop_hook&>(h);
        me.why = reason;
        me.stop.store(true, std::memory_order_relaxed);
      };
      if (operation == nullptr) return;
      deadline = operation->deadline;
      operation->add(*this);
    }
    ~stop_hook() { context::drop(*this); }
    std::atomic<bool> stop{false};
    cancel_reason why = cancel_reason::none;
    steady::time_point deadline = steady::time_point::max();
  };

  task<> read_aside(operation& op) {
    auto const home = shard::current().index();
    {
      stop_hook hook{op.of};
      auto const began = steady::now();
      try {
        auto read = [this, &op, &hook, home] {
          auto connection = take_spare();
          op.answer =
              connection->execute(connection->prepare(*op.what, home), *op.parameters,
                                  {.deadline = std::min(hook.deadline, steady::now() + settings_.statement_timeout),
                                   .cancelled = &hook.stop});
          give_back(std::move(connection));
        };
        co_await slow_.run(read);
        if (steady::now() - began < inline_budget) readers_.local().connection->prepare(*op.what, home).slow = false;
      } catch (sqlite_stopped const&) {
        auto const why = hook.why != cancel_reason::none  ? hook.why
                         : hook.deadline <= steady::now() ? cancel_reason::deadline
                                                          : cancel_reason::none;
        op.error = why != cancel_reason::none
                       ? std::make_exception_ptr(cancelled_error{why})
                       : std::make_exception_ptr(unavailable_error{"SQLite: the statement ran longer than " +
                                                                   std::to_string(settings_.statement_timeout.count()) +
                                                                   " ms (database.statement_timeout)"});
      } catch (sqlite_busy const&) {
        op.error = std::make_exception_ptr(unavailable_error{"SQLite: " + path_ + " is locked by another process"});
      } catch (startup_error const& refused) {
        op.error = std::make_exception_ptr(unavailable_error{refused.what()});
      } catch (...) {
        op.error = std::current_exception();
      }
    }
    if (op.error) readers_.local().errors.add();
    op.waiting.resume();
  }

  std::unique_ptr<sqlite_connection> take_spare() {
    {
      std::lock_guard lock{spare_mutex_};
      if (!spare_.empty()) {
        auto connection = std::move(spare_.back());
        spare_.pop_back();
        return connection;
      }
    }
    return std::make_unique<sqlite_connection>(path_, sqlite_connection::access::reads);
  }
  void give_back(std::unique_ptr<sqlite_connection> connection) {
    std::lock_guard lock{spare_mutex_};
    spare_.push_back(std::move(connection));
  }

  settings const settings_;
  shards& shards_;
  std::optional<memory_directory> memory_;
  std::string path_;
  std::unique_ptr<sqlite_writer> writer_;
  per_shard<reader> readers_;
  std::mutex spare_mutex_;
  std::vector<std::unique_ptr<sqlite_connection>> spare_;
  blocking_pool slow_;
};

sqlite_transaction::~sqlite_transaction() {
  if (open_) of_.writer().abandon(number_);
}

bool sqlite_transaction::start(operation& op) noexcept {
  start_detached(of_.write(op, sqlite_writer::role::inside, number_), op.of);
  return true;
}

task<> sqlite_transaction::script(std::string text) {
  co_await sqlite_writer::call{of_.writer(), sqlite_writer::role::inside, number_,
                               [&text](sqlite_connection& c, stop_rule const& stop) { c.script(text, stop); }};
}

task<> sqlite_transaction::commit() {
  open_ = false;
  co_await sqlite_writer::call{of_.writer(), sqlite_writer::role::end, number_,
                               [](sqlite_connection& c, stop_rule const&) {
                                 if (!c.in_transaction())
                                   throw db::error{"SQLite: the transaction was rolled back after an error before"};
                                 try {
                                   c.require_in_place();
                                   c.simple("commit");
                                 } catch (...) {
                                   if (c.in_transaction()) c.simple("rollback");
                                   throw;
                                 }
                               }};
}

task<> sqlite_transaction::rollback() {
  if (!std::exchange(open_, false)) co_return;
  co_await sqlite_writer::call{of_.writer(), sqlite_writer::role::end, number_,
                               [](sqlite_connection& c, stop_rule const&) {
                                 if (c.in_transaction()) c.simple("rollback");
                               }};
}

}  // namespace

std::unique_ptr<engine> make_sqlite(settings const& s, shards& on) { return std::make_unique<sqlite_engine>(s, on); }

}  // namespace slipway::db::detail

namespace slipway::db {

std::optional<std::string> sqlite_file(std::string_view url) {
  constexpr std::string_view scheme{"sqlite:"};
  if (!url.starts_with(scheme)) return {};
  url.remove_prefix(scheme.size());
  if (url.empty())
    throw startup_error{exit_code::config, "database.url: the file's name is missing. Write sqlite:var/app.db"};
  if (url == ":memory:") return {};
  return std::string{url};
}

}  // namespace slipway::db
