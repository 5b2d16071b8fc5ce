#include <slipway/db/mysql_connection.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/asio_call.hpp>
#include <slipway/db/mysql_answer.hpp>

#include <boost/mysql/error_categories.hpp>

#include <algorithm>
#include <cstdlib>

namespace slipway::db::detail {

namespace mysql = boost::mysql;
using steady = std::chrono::steady_clock;

namespace {

// Of one connection; a server has 16,382 by default for all.
constexpr std::size_t max_prepared = 200;

// The server has dropped a prepared statement, or its tables have changed too much.
struct out_of_date {};

}  // namespace

bool is_from_server(boost::system::error_code error) noexcept {
  return error.category() == mysql::get_common_server_category() ||
         error.category() == mysql::get_mysql_server_category() ||
         error.category() == mysql::get_mariadb_server_category();
}

void my_flight::hook() noexcept {
  op->owner = this;
  if (op->of == nullptr) return;
  op->fire = [](context::hook& h, cancel_reason why) {
    static_cast<my_flight*>(static_cast<operation&>(h).owner)->cancel(why);
  };
  op->of->add(*op);
}

void my_flight::cancel(cancel_reason why) {
  auto* const gone = std::exchange(op, nullptr);
  abandoned_at = steady::now();
  if (auto* first = std::exchange(waiting, nullptr)) first->fire();  // this flight may be over now
  context::drop(*gone);
  gone->error = std::make_exception_ptr(cancelled_error{why});
  gone->waiting.resume();
}

void my_flight::succeed(rows answer) noexcept {
  auto* const done = std::exchange(op, nullptr);
  context::drop(*done);
  done->answer = std::move(answer);
  done->waiting.resume();
}

void my_flight::fail(std::exception_ptr error) noexcept {
  auto* const done = std::exchange(op, nullptr);
  context::drop(*done);
  done->error = std::move(error);
  done->waiting.resume();
}

my_connection::my_connection(my_target& target, shard& home)
    : target_{target}, home_{home}, wire_{home.io().get_executor(), target.tls} {
  wire_.set_meta_mode(mysql::metadata_mode::full);  // with the names of the columns
}

my_connection::~my_connection() { close("the connection was given up"); }

void my_connection::close(std::string why, bool by_us) noexcept {
  if (open_) {
    closed_because_ = std::move(why);
    closed_by_us_ = by_us;
  }
  open_ = false;
  silent_at = steady::time_point::max();
  if (names_) names_->end();
  boost::system::error_code ignored;
  ignored = wire_.stream().lowest_layer().close(ignored);
}

std::string my_connection::what_of(boost::system::error_code error) const {
  auto const told = diagnostics_.server_message();
  if (!told.empty() && is_from_server(error))
    return std::string{told.data(), told.size()} + " (" + std::to_string(error.value()) + ")";
  return error.message();
}

std::optional<my_connection::server_error> my_connection::check(boost::system::error_code error, bool was_asked) {
  silent_at = steady::time_point::max();
  last_used = steady::now();
  if (!error) [[likely]]
    return std::nullopt;
  if (is_from_server(error)) {
    auto const told = diagnostics_.server_message();
    return server_error{error.value(), std::string{told.data(), told.size()}};
  }
  auto why = closed_because_.empty() ? error.message() : closed_because_;
  close(why);
  throw my_lost{std::move(why), was_asked, closed_by_us_};
}

task<rows> my_connection::text(std::string sql, steady::duration limit) {
  if (!open_) throw my_lost{.why = closed_because_};
  auto made = std::make_unique<my_answer>();
  silent_at = limit == steady::duration::max() ? steady::time_point::max() : steady::now() + limit;
  auto const error = co_await asio_call{[&](auto done) {
    wire_.async_execute(mysql::string_view{sql.data(), sql.size()}, made->found, diagnostics_, std::move(done));
  }};
  if (auto failed = check(error, true)) std::rethrow_exception(co_await explain(std::move(*failed), sql));
  co_return rows_of(std::move(made));
}

task<bool> my_connection::try_text(std::string sql, steady::duration limit) {
  bool done = true;
  try {
    co_await text(std::move(sql), limit);
  } catch (...) {
    done = false;
  }
  co_return done;
}

task<rows> my_connection::unlimited(std::string sql) {
  auto const soon = target_.settings.connect_timeout;
  co_await text("set session " + time_limit(std::chrono::milliseconds{0}), soon);
  rows found;
  std::exception_ptr error;
  try {
    found = co_await text(std::move(sql), steady::duration::max());
  } catch (my_lost const&) {
    throw;
  } catch (...) {
    error = std::current_exception();
  }
  co_await text("set session " + time_limit(target_.settings.statement_timeout), soon);
  if (error) std::rethrow_exception(error);
  co_return found;
}

task<bool> my_connection::ping() {
  if (!open_) co_return false;
  silent_at = steady::now() + target_.settings.connect_timeout;
  auto const error = co_await asio_call{[&](auto done) { wire_.async_ping(diagnostics_, std::move(done)); }};
  try {
    co_return !check(error);
  } catch (my_lost const&) {
    co_return false;
  }
}

task<> my_connection::quit() {
  if (!open_) co_return;
  silent_at = steady::now() + std::chrono::seconds{1};
  co_await asio_call{[&](auto done) { wire_.async_close(diagnostics_, std::move(done)); }};
  close("the connection was retired");
}

task<> my_connection::prepare(prepared& entry, std::string const& sql) {
  entry.text = rewrite_placeholders(sql);
  silent_at = steady::now() + target_.settings.statement_timeout + std::chrono::seconds{2};  // a table may be locked
  auto const [error, handle] = co_await call_for<mysql::statement>([&](auto done) {
    wire_.async_prepare_statement(mysql::string_view{entry.text.sql.data(), entry.text.sql.size()}, diagnostics_,
                                  std::move(done));
  });
  auto failed = check(error);
  if (!failed) {
    entry.handle = handle;
    co_return;
  }
  entry.only_as_text = failed->number == 1295 && entry.text.order.empty();  // "not supported in the prepared protocol"
  if (!entry.only_as_text) std::rethrow_exception(co_await explain(std::move(*failed), sql));
}

// Closes the statements that were not used for the longest time until there are at most so many.
task<> my_connection::make_room(std::size_t most) {
  while (prepared_count_ > most) {
    std::unique_ptr<prepared>* oldest = nullptr;
    for (auto& each : by_number_)
      if (each && (oldest == nullptr || each->used < (*oldest)->used)) oldest = &each;
    auto const old = std::move(*oldest);
    --prepared_count_;
    if (!old->handle.valid()) continue;
    auto const error =
        co_await asio_call{[&](auto done) { wire_.async_close_statement(old->handle, diagnostics_, std::move(done)); }};
    check(error);
  }
}

task<my_connection::prepared*> my_connection::entry_of(statement const& what) {
  auto const number = what.id;
  if (by_number_.size() <= number) by_number_.resize(number + 16);
  if (!by_number_[number]) {
    auto const sql = what.sql;  // `what` may go with whoever asked
    co_await make_room(max_prepared - 1);
    auto made = std::make_unique<prepared>();
    co_await prepare(*made, sql);
    by_number_[number] = std::move(made);
    ++prepared_count_;
  }
  auto* const entry = by_number_[number].get();
  entry->used = ++uses_;
  ++entry->uses;
  co_return entry;
}

task<rows> my_connection::execute_prepared(prepared& entry, my_flight& of) {
  if (entry.only_as_text) co_return co_await text(entry.text.sql, target_.settings.statement_timeout);
  auto made = std::make_unique<my_answer>();
  made->id_step = id_step_;
  std::vector<mysql::field_view> fields;
  encode(entry.text, *of.op->parameters, max_packet_, fields);
  silent_at = steady::now() + target_.settings.statement_timeout + std::chrono::seconds{2};
  // The message is put together before this suspends, so the parameters may go meanwhile.
  auto const error = co_await asio_call{[&](auto done) {
    wire_.async_execute(entry.handle.bind(fields.begin(), fields.end()), made->found, diagnostics_, std::move(done));
  }};
  if (auto failed = check(error, true)) {
    if (failed->number == 1243 || failed->number == 1615) throw out_of_date{};
    auto const sql = entry.text.sql;
    std::rethrow_exception(co_await explain(std::move(*failed), sql));
  }
  co_return rows_of(std::move(made));
}

task<rows> my_connection::execute(my_flight& of) {
  if (!open_) throw my_lost{.why = closed_because_};
  if (doomed_) std::rethrow_exception(doomed_);
  auto const& what = *of.op->what;
  auto const number = what.id;
  while (number != 0) {
    auto* const entry = co_await entry_of(what);
    if (of.op == nullptr) co_return rows{};
    auto const is_new = entry->uses == 1;
    try {
      co_return co_await execute_prepared(*entry, of);
    } catch (out_of_date const&) {  // nothing was done
      if (is_new) throw unavailable_error{"MySQL: the server forgets a prepared statement at once"};
    }
    auto const old = std::move(by_number_[number]);
    --prepared_count_;
    // After 1615 the server still has it.
    if (old->handle.valid())
      check(co_await asio_call{
          [&](auto done) { wire_.async_close_statement(old->handle, diagnostics_, std::move(done)); }});
    if (of.op == nullptr) co_return rows{};
  }
  prepared once;
  co_await prepare(once, std::string{what.sql});
  rows found;
  std::exception_ptr error;
  if (of.op != nullptr) {
    try {
      found = co_await execute_prepared(once, of);
    } catch (my_lost const&) {
      throw;
    } catch (out_of_date const&) {
      error = std::make_exception_ptr(unavailable_error{"MySQL: the tables change faster than a statement is run"});
    } catch (...) {
      error = std::current_exception();
    }
  }
  if (once.handle.valid() && open_) {
    auto const closed =
        co_await asio_call{[&](auto done) { wire_.async_close_statement(once.handle, diagnostics_, std::move(done)); }};
    try {
      check(closed);
    } catch (my_lost const&) {  // the answer is here: who uses the connection next finds it closed
    }
  }
  if (error) std::rethrow_exception(error);
  co_return found;
}

task<std::exception_ptr> my_connection::explain(server_error failed, std::string sql) {
  auto const code = std::to_string(failed.number);
  auto found = violation_of(failed.number, failed.message);
  if (!found) {
    auto error = error_of(failed.number, failed.message);
    if (ends_transaction(failed.number)) doomed_ = error;
    co_return error;
  }
  if (found->table.empty()) found->table = changed_table(sql);
  std::string name;
  switch (found->kind) {
    case constraint_kind::unique: name = "unique(" + co_await name_of_key(*found) + ")"; break;
    case constraint_kind::foreign_key:
      name = found->name.empty() ? "foreign_key" : "foreign_key(" + found->name + ")";
      break;
    case constraint_kind::check: name = "check(" + found->name + ")"; break;
    case constraint_kind::not_null: name = "not_null(" + found->table + "." + found->name + ")"; break;
  }
  // The message of a unique key is left out: it repeats values.
  auto const what =
      "MySQL: " + (found->kind == constraint_kind::unique ? "duplicate entry for " + name : failed.message) + " (" +
      code + ")";
  co_return std::make_exception_ptr(constraint_error{found->kind, std::move(name), what, code});
}

// The columns behind a key, from the schema: users.email or notes.owner_id,notes.title; of a key over expressions, or
// one that several tables have when the statement does not tell which, its name. Without the column by which
// lib/migrations makes a key of a part of the rows.
task<std::string> my_connection::name_of_key(my_violation found) {
  auto const known = keys_.find({found.table, found.name});
  if (known != keys_.end()) co_return known->second;
  statement ask;
  ask.sql =
      "select s.table_name, group_concat(case when s.column_name is null or s.sub_part is not null then '' else "
      "concat(s.table_name, '.', s.column_name) end order by s.seq_in_index separator ','), "
      "sum(s.column_name is null or s.sub_part is not null) from information_schema.statistics s left join "
      "information_schema.columns c on c.table_schema = s.table_schema and c.table_name = s.table_name and "
      "c.column_name = s.column_name where s.table_schema = database() and s.index_name = $1 and s.non_unique = 0 and "
      "coalesce(c.generation_expression, '') not like '%case when %null%then 1 end%' group by s.table_name";
  values parameters{found.name};
  operation asked;
  asked.what = &ask;
  asked.parameters = &parameters;
  my_flight flight_of_ours{.op = &asked};
  std::string out = found.name;
  try {
    auto const tables = co_await execute(flight_of_ours);
    for (auto const& row : tables)
      if ((tables.size() == 1 || row.get<std::string>(0) == found.table) && row.get<int>(2) == 0)
        out = row.get<std::string>(1);
  } catch (db::error const&) {
    co_return out;  // a name that is less good than it could be
  }
  if (keys_.size() < 1000) keys_[{found.table, found.name}] = out;
  co_return out;
}

}  // namespace slipway::db::detail
