// What goes into a connection's pipeline.
#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/postgres_connection.hpp>
#include <slipway/db/postgres_wire.hpp>

#include <utility>

namespace slipway::db::detail {
namespace {

constexpr unsigned most_batches = 2;  // one that is worked on, and the next

}  // namespace

pg_connection::prepared& pg_connection::entry_of(statement const& what) {
  if (what.id < by_number_.size() && by_number_[what.id] != nullptr) [[likely]]
    return *by_number_[what.id];
  if (by_number_.size() <= what.id) by_number_.resize(what.id + 16);
  auto& entry = by_number_[what.id];
  entry = std::make_unique<prepared>();
  entry->name = "s" + std::to_string(next_name_++);
  entry->has_lasting_columns = has_lasting_columns(what.sql);
  return *entry;
}

// The next use prepares it anew, under another name.
void pg_connection::forget_prepared(statement const& what) {
  if (what.id == 0) return;
  auto& entry = entry_of(what);
  if (!entry.is_ready) return;
  entry.is_ready = entry.is_sent = false;
  entry.name = "s" + std::to_string(next_name_++);
}

void pg_connection::fly(slot s) {
  if (flight_.empty()) front_since_ = home_.coarse_now();
  s.end = stream_.out.written();
  flight_.push(s);
}

void pg_connection::sync() {
  stream_.out.sync();
  flight_.push({.what = kind::sync});
  ++batches_;
}

void pg_connection::send_preparation(statement const& what, prepared& entry) {
  std::vector<pg_type_id> types;
  for (auto const each : what.signature) types.push_back(type_of(each));
  stream_.out.prepare(entry.name, what.sql, types);
  entry.is_sent = true;
  fly({.what = kind::preparation, .entry = &entry});
  sync();
}

void pg_connection::send(operation& op, bool& batch_is_open) {
  auto const& what = *op.what;
  if (not_begun_ != nullptr) [[unlikely]] {  // it would be done outside a transaction
    op.stage = nowhere;
    return fail(op, not_begun_);
  }
  auto* const entry = what.id != 0 ? &entry_of(what) : nullptr;
  auto const alone = shared_ ? !what.reads || op.repeats != 0 : !op.joins_next;
  auto const waits = entry != nullptr && !entry->is_ready;
  if (batch_is_open && (waits || (alone && shared_))) {
    batch_is_open = false;
    sync();
  }
  try {
    flight_.make_room(2);
    if (waits) {
      if (!entry->is_sent) send_preparation(what, *entry);
      op.stage = preparing;
      return entry->waiting.push(op);
    }
    if (entry != nullptr)
      stream_.out.run(entry->name, *op.parameters, !entry->has_lasting_columns);
    else
      stream_.out.run_text(what.sql, *op.parameters);
  } catch (...) {  // nothing of it was written
    op.stage = nowhere;
    return fail(op, std::current_exception());
  }
  op.stage = flying;
  op.position = first_position_ + flight_.size();
  fly({.what = kind::statement, .op = &op, .entry = entry});
  batch_is_open = !alone;
  if (alone) sync();
}

void pg_connection::flush() {
  if (pg_ == nullptr || in_script_ || pending_.empty()) return;
  // The server has enough to do: what is asked for until it answers goes with the next batch, in fewer packets.
  if (shared_ && batches_ >= most_batches) return;
  auto const keep = shared_from_this();
  bool batch_is_open = false;
  while (pg_ != nullptr) {
    auto* op = pending_.pop();
    if (op == nullptr) break;
    send(*op, batch_is_open);
  }
  if (pg_ == nullptr) return;
  if (batch_is_open) sync();
  write_out();
}

// Now or when there is room. Where nothing can be written any more, what the server has said before its end is read
// first: a change may have been answered.
void pg_connection::write_out() {
  auto const sent = stream_.write();
  if (sent == pg_stream::result::done || (sent == pg_stream::result::waits && wait_writable())) return;
  stream_.give_up("the kernel watches no more sockets");  // unless another reason is known
  read_soon();
}

void pg_connection::submit_script(operation& op) { send_text(op, kind::script); }
void pg_connection::submit_copy(operation& op) { send_text(op, kind::copy); }

void pg_connection::send_text(operation& op, kind what) {
  hook(op);
  try {
    if (!flight_.empty()) throw unavailable_error{"PostgreSQL: the text cannot be sent: others are being answered"};
    stream_.out.query(op.what->sql);
  } catch (...) {
    dirty_ = true;
    return fail(op, std::current_exception());
  }
  in_script_ = true;
  op.stage = flying;
  op.position = first_position_;
  fly({.what = what, .op = &op});
  write_out();
}

}  // namespace slipway::db::detail
