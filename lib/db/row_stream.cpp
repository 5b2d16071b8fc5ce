#include <slipway/db/row_stream.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/core.hpp>
#include <slipway/db/database.hpp>

#include <utility>

namespace slipway::db {
namespace {

// Its text has a name in it that never comes again, so it is not kept.
task<rows> run_once(detail::core& shared, link& to, std::string sql, values parameters) {
  auto made = std::make_unique<statement>();
  made->sql = std::move(sql);
  for (auto const& v : parameters) made->signature.push_back(v.kind());
  auto const* what = made.get();
  co_return co_await detail::run{shared, to, detail::statement_ref{what, std::move(made)}, parameters,
                                 std::source_location::current()};
}

}  // namespace

row_stream::row_stream() noexcept = default;
row_stream::row_stream(row_stream&&) noexcept = default;
row_stream& row_stream::operator=(row_stream&&) noexcept = default;
row_stream::~row_stream() = default;

task<row_stream> row_stream::open(session& in, std::string sql, values parameters, std::size_t batch) {
  row_stream out;
  if (in.dialect() != dialect::postgres) {
    out.rest_ = co_await in.query(std::move(sql), std::move(parameters));
    co_return out;
  }
  out.batch_ = batch == 0 ? 1 : batch;
  out.in_ = dynamic_cast<transaction_session*>(&in);
  if (out.in_ == nullptr) {
    out.own_ = co_await in.begin({});
    out.in_ = out.own_.get();
  }
  auto cursor = "slipway_" + std::to_string(in.shared_->random.next64());
  std::exception_ptr error;
  try {
    co_await run_once(*out.in_->shared_, *out.in_->to_, "declare " + cursor + " no scroll cursor for " + sql,
                      std::move(parameters));
    out.cursor_ = std::move(cursor);
    co_return out;
  } catch (...) {
    error = std::current_exception();
  }
  if (out.own_) co_await out.own_->roll_back();
  std::rethrow_exception(error);
}

task<rows> row_stream::next() {
  if (cursor_.empty()) co_return std::move(rest_);
  auto found =
      co_await run_once(*in_->shared_, *in_->to_, "fetch forward " + std::to_string(batch_) + " from " + cursor_, {});
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
  co_await run_once(*in_->shared_, *in_->to_, "close " + cursor, {});
}

}  // namespace slipway::db
