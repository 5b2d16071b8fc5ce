// COPY on a connection, outside the pipeline: pieces in and out, each waited for.
#include <slipway/core/errors.hpp>
#include <slipway/db/postgres_connection.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <new>
#include <string>
#include <utility>

namespace slipway::db::detail {

namespace asio = boost::asio;

namespace {

// Rows are put together up to this, so that a stream of small ones is not a stream of small steps.
constexpr std::size_t piece_size = 64 << 10;

}  // namespace

// The rest of the answer comes after the data.
void pg_connection::begin_copy(copy_state state) {
  incoming_.reset();
  copying_ = state;
  if (auto* op = std::exchange(flight_.front().op, nullptr)) {
    op->stage = nowhere;
    complete(*op);
  }
}

bool pg_connection::submit_step(copy_step& step) {
  hook(step);
  step.stage = stepping;
  step_ = &step;
  front_since_ = home_.coarse_now();
  if (advance(step) == progress::waits) return true;
  step_ = nullptr;
  step.stage = nowhere;
  context::drop(step);
  return false;
}

void pg_connection::advance_copy() {
  if (advance(*step_) == progress::waits) return;
  auto& step = *std::exchange(step_, nullptr);
  step.stage = nowhere;
  complete(step);
}

// The server may have one for each row that comes in, and its answer comes after the last of them.
void pg_connection::pass_over_notices() {
  pg_message next;
  while (stream_.in.next(next) == pg_inbox::found::message) {
    if (next.type == 'N' || next.type == 'S' || next.type == 'A') continue;
    if (next.type == 'E') note_goodbye(*pg_answer::failure(next.body));
    return stream_.in.put_back(next);
  }
}

pg_connection::progress pg_connection::advance(copy_step& step) {
  using does = copy_step::kind;
  if (step.does == does::read) return read_piece(step);
  if (!std::exchange(step.is_sent, true)) {
    try {
      step.does == does::write ? stream_.out.copy_data(step.data) : stream_.out.copy_done();
    } catch (std::bad_alloc const&) {
      return give_up("there is no memory for what is copied");
    }
  }
  front_since_ = home_.coarse_now();
  switch (stream_.write()) {
    case pg_stream::result::done: break;
    case pg_stream::result::waits:
      return wait_writable() ? progress::waits : give_up("the kernel watches no more sockets");
    case pg_stream::result::lost: return give_up({});
  }
  if (step.does == does::write) return progress::done;
  end_copy(step);
  return progress::waits;
}

// The end comes when what the server has said before it is read: whoever is about to wait is told then.
pg_connection::progress pg_connection::give_up(std::string why) {
  stream_.give_up(std::move(why));
  read_soon();
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
  using found = pg_inbox::found;
  auto is_over = std::exchange(drained_, false);
  pg_message next;
  while (!is_over && step.piece.size() < piece_size) {
    auto const what = stream_.in.next(next);
    if (what == found::nonsense) return give_up(no_message);
    if (what == found::nothing) break;
    if (next.type == 'd') step.piece.append(next.body);
    is_over = next.type == 'c' || next.type == 'E';
    if (next.type == 'E') stream_.in.put_back(next);
  }
  if (!step.piece.empty()) {
    drained_ = is_over;
    front_since_ = home_.coarse_now();
    return progress::done;
  }
  if (is_over) end_copy(step);
  if (std::exchange(paused_, false)) read_soon();
  return progress::waits;
}

}  // namespace slipway::db::detail
