// COPY on a connection, outside the pipeline: pieces in and out, each waited for.
#include <slipway/core/errors.hpp>
#include <slipway/db/postgres_connection.hpp>

#include <libpq-fe.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace slipway::db::detail {

namespace asio = boost::asio;

namespace {

// Rows are put together up to this, so that a stream of small ones is not a stream of small steps.
constexpr std::size_t piece_size = 64 << 10;

}  // namespace

bool pg_connection::begin_copy(copy_state state) {
  auto& front = flight_.front();
  PQclear(std::exchange(front.result, nullptr));
  copying_ = state;
  if (auto* op = std::exchange(front.op, nullptr)) {
    op->stage = nowhere;
    complete(*op);
  }
  return false;  // the rest of the answer comes after the data
}

bool pg_connection::submit_step(copy_step& step) {
  hook(step);
  step.stage = stepping;
  step_ = &step;
  front_since_ = home_.coarse_now();
  switch (advance(step)) {
    case progress::waits: return true;
    case progress::lost:  // told later: the coroutine is just about to wait
      asio::post(home_.io(), [self = shared_from_this()] {
        if (self->pg_ != nullptr) self->lost(PQerrorMessage(self->pg_));
      });
      return true;
    case progress::done: break;
  }
  step_ = nullptr;
  step.stage = nowhere;
  context::drop(step);
  return false;
}

void pg_connection::advance_copy() {
  switch (advance(*step_)) {
    case progress::waits: return;
    case progress::lost: return lost(PQerrorMessage(pg_));
    case progress::done: break;
  }
  auto& step = *std::exchange(step_, nullptr);
  step.stage = nowhere;
  complete(step);
}

pg_connection::progress pg_connection::advance(copy_step& step) {
  using does = copy_step::kind;
  if (step.does == does::read) return read_piece(step);
  if (!step.is_sent) {
    auto const sent = step.does == does::write
                          ? PQputCopyData(pg_, step.data.data(), static_cast<int>(step.data.size()))
                          : PQputCopyEnd(pg_, nullptr);
    if (sent < 0) return progress::lost;
    step.is_sent = sent == 1;
  }
  auto const left = PQflush(pg_);
  if (left < 0) return progress::lost;
  front_since_ = home_.coarse_now();
  if (left == 1 || !step.is_sent) return wait_writable() ? progress::waits : progress::lost;
  if (step.does == does::write) return progress::done;
  end_copy(step);
  return progress::waits;
}

// There is no more data: what the server says now is the answer.
void pg_connection::end_copy(copy_step& step) {
  copying_ = copy_state::none;
  step_ = nullptr;
  step.stage = flying;
  step.position = first_position_;
  flight_.front().op = &step;
  asio::post(home_.io(), [self = shared_from_this()] {  // it may be here already
    if (self->pg_ == nullptr || self->reading_) return;
    self->reading_ = true;
    self->read_answers();
    self->reading_ = false;
    if (self->pg_ != nullptr) self->flush();  // whoever was answered may have asked for more
  });
}

pg_connection::progress pg_connection::read_piece(copy_step& step) {
  int got = std::exchange(drained_, false) ? -1 : 0;
  while (got != -1 && step.piece.size() < piece_size) {
    char* row = nullptr;
    got = PQgetCopyData(pg_, &row, 1);
    if (got <= 0) break;
    step.piece.append(row, static_cast<std::size_t>(got));
    PQfreemem(row);
  }
  if (!step.piece.empty()) {
    drained_ = got == -1;  // libpq tells the end once
    front_since_ = home_.coarse_now();
    return progress::done;
  }
  if (got == -2) return progress::lost;
  if (got == -1) end_copy(step);
  if (std::exchange(paused_, false)) read_soon();
  return progress::waits;
}

}  // namespace slipway::db::detail
