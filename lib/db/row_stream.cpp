#include <slipway/db/row_stream.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/core.hpp>
#include <slipway/db/database.hpp>

#include <utility>

namespace slipway::db {
namespace {

// What a cursor is of, behind its statements: its own name says nothing to whoever reads which ones were slow.
std::string beginning_of(std::string_view sql) {
  std::string out{sql.substr(0, 200)};
  for (auto& c : out)
    if (c == '*') c = ' ';  // the comment must not end before its end
  return " /* " + out + " */";
}

}  // namespace

row_stream::row_stream() noexcept = default;
row_stream::row_stream(row_stream&&) noexcept = default;
row_stream& row_stream::operator=(row_stream&&) noexcept = default;
row_stream::~row_stream() = default;

task<row_stream> row_stream::open(session& in, std::string sql, values parameters, std::size_t batch,
                                  std::source_location at) {
  row_stream out;
  if (in.dialect() != dialect::postgres) {
    out.rest_ = co_await in.query(std::move(sql), std::move(parameters), at);
    co_return out;
  }
  out.at_ = at;
  out.query_ = beginning_of(sql);
  out.batch_ = batch == 0 ? 1 : batch;
  out.in_ = dynamic_cast<transaction_session*>(&in);
  if (out.in_ == nullptr) {
    out.own_ = co_await in.begin({});
    out.in_ = out.own_.get();
  }
  auto cursor = "slipway_" + std::to_string(in.shared_->random.next64());
  std::exception_ptr error;
  try {
    co_await out.run("declare " + cursor + " no scroll cursor for " + sql, std::move(parameters));
    out.cursor_ = std::move(cursor);
    co_return out;
  } catch (...) {
    error = std::current_exception();
  }
  if (out.own_) co_await out.own_->roll_back();
  std::rethrow_exception(error);
}

// The text has a name in it that never comes again, so it is not kept. It reads, as the query itself would: who only
// reads has written nothing that must be seen later.
task<rows> row_stream::run(std::string sql, values parameters, bool continues) {
  auto made = detail::statement_ref::unkept(detail::make_statement(std::move(sql), parameters, true));
  co_return co_await detail::run{*in_->shared_, *in_->to_, std::move(made), parameters, at_, 1, continues};
}

task<rows> row_stream::next() {
  if (cursor_.empty()) co_return std::move(rest_);
  auto found = co_await run("fetch forward " + std::to_string(batch_) + " from " + cursor_ + query_, {}, true);
  if (found.size() < batch_) co_await close();
  co_return found;
}

task<> row_stream::close() {
  rest_ = {};
  if (cursor_.empty()) co_return;
  auto const cursor = std::exchange(cursor_, {});
  if (own_) {
    auto const over = std::move(own_);
    co_return co_await over->commit();
  }
  co_await run("close " + cursor + query_, {});
}

}  // namespace slipway::db
