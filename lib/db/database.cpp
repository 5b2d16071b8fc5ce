#include <slipway/db/database.hpp>

#include <slipway/core/ascii.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/db/core.hpp>

#include <algorithm>
#include <cctype>

namespace slipway::db {
namespace {

task<rows> run_text(detail::core& shared, link& to, std::string sql, values parameters, bool reads,
                    std::source_location at) {
  auto text = shared.text(std::move(sql), parameters, reads);
  co_return co_await detail::run{shared, to, std::move(text), parameters, at};
}

// Whether a statement written by hand may share a Sync with others and may be repeated. A `with` may hide a change.
bool only_reads(std::string_view sql) noexcept {
  while (!sql.empty() && (std::isspace(static_cast<unsigned char>(sql.front())) || sql.front() == '('))
    sql.remove_prefix(1);
  return std::ranges::any_of(std::initializer_list<std::string_view>{"select", "values", "show"},
                             [sql](std::string_view word) {
                               return sql.size() > word.size() && equal_in_any_case(sql.substr(0, word.size()), word);
                             });
}

}  // namespace

dialect session::dialect() const noexcept { return shared_->kind; }

task<rows> session::query(std::string sql, values parameters, std::source_location at) {
  auto const reads = only_reads(sql);
  return run_text(*shared_, *to_, std::move(sql), std::move(parameters), reads, at);
}

task<rows> session::query_once(std::string sql, values parameters, std::source_location at) {
  return run_text(*shared_, *to_, std::move(sql), std::move(parameters), false, at);
}

task<rows> session::query_unkept(std::string sql, values parameters, std::source_location at) {
  auto made = detail::statement_ref::unkept(detail::make_statement(std::move(sql), parameters));
  co_return co_await detail::run{*shared_, *to_, std::move(made), parameters, at};
}

task<std::int64_t> session::execute(std::string sql, values parameters, std::source_location at) {
  auto const done = co_await run_text(*shared_, *to_, std::move(sql), std::move(parameters), false, at);
  co_return done.affected();
}

task<> session::script(std::string sql) { return to_->script(std::move(sql)); }

task<row_stream> session::stream(std::string sql, values parameters, std::size_t batch, std::source_location at) {
  return row_stream::open(*this, std::move(sql), std::move(parameters), batch, at);
}

task<copy_reader> session::copy_out(std::string sql) {
  co_return copy_reader{co_await to_->copy(std::move(sql), link::copy_direction::out)};
}

task<copy_writer> session::copy_in(std::string sql) {
  co_return copy_writer{co_await to_->copy(std::move(sql), link::copy_direction::in)};
}

task<> session::notify(std::string channel, std::string payload) {
  if (dialect() != dialect::postgres) throw error{"LISTEN and NOTIFY are PostgreSQL's alone"};
  co_await execute("select pg_notify($1, $2)", {std::move(channel), std::move(payload)});
}

transaction_session::transaction_session(detail::core& shared, std::unique_ptr<exclusive> connection) noexcept
    : session{shared, *connection}, own_{std::move(connection)}, connection_{own_.get()} {}

transaction_session::transaction_session(detail::core& shared, exclusive& outer, unsigned depth) noexcept
    : session{shared, outer}, connection_{&outer}, depth_{depth} {}

transaction_session::~transaction_session() = default;

task<std::unique_ptr<db::transaction>> transaction_session::begin(transaction_options) {
  auto const depth = depth_ + 1;
  co_await execute("savepoint s" + std::to_string(depth));
  co_return std::make_unique<db::transaction>(*shared_, *connection_, depth);
}

task<> transaction_session::commit() {
  open_ = false;
  if (own_) co_return co_await own_->commit();
  co_await execute("release savepoint s" + std::to_string(depth_));
}

task<> transaction_session::roll_back() {
  if (!std::exchange(open_, false) && !own_) co_return;
  if (own_) co_return co_await own_->rollback();
  // When this fails, the operation was cancelled or the connection is lost: then the whole transaction is undone
  // when its error arrives at the outermost level.
  try {
    auto const name = "s" + std::to_string(depth_);
    co_await execute("rollback to savepoint " + name);
    co_await execute("release savepoint " + name);
  } catch (cancelled_error const&) {
  } catch (unavailable_error const&) {
  } catch (error const&) {}
}

database::database(std::unique_ptr<detail::core> shared) noexcept
    : session{*shared, *shared->database}, own_{std::move(shared)} {}
database::~database() = default;

task<std::unique_ptr<db::transaction>> database::begin(transaction_options options) {
  auto connection = co_await own_->database->begin(options);
  co_return std::make_unique<db::transaction>(*own_, std::move(connection));
}

task<std::unique_ptr<listener>> database::listen(std::vector<std::string> channels, std::size_t queue) {
  return own_->database->listen(std::move(channels), queue);
}
task<> database::ping() { return own_->database->ping(); }
usage database::use() const noexcept { return own_->database->use(); }
replication_status database::replication() const { return own_->database->replication(); }
std::string const& database::description() const noexcept { return own_->description; }

}  // namespace slipway::db
