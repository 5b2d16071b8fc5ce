#include <slipway/redis/pipeline.hpp>

namespace slipway::redis {

void pipeline::push(request& r) noexcept {
  r.where = request::place::queued;
  backlog_.push(r);
}

void pipeline::fill(std::string& out, std::size_t enough) {
  while (out.size() < enough) {
    auto* const r = backlog_.first();
    if (r == nullptr) return;
    flight_.push_back({r, static_cast<std::uint32_t>(r->parts.size())});
    backlog_.remove(*r);
    r->position = first_position_ + flight_.size() - 1;
    r->where = request::place::flying;
    r->sent = true;
    for (auto const& each : r->parts) each.write_to(out);
  }
}

void pipeline::fill_own(std::string& out, command const& c) {
  flight_.push_back({nullptr, 1});
  c.write_to(out);
}

bool pipeline::feed(std::string_view bytes) {
  // hiredis moves what is left to the front of its buffer after each kilobyte that it has read.
  constexpr std::size_t piece = 8 << 10;
  while (!bytes.empty()) {
    parser_.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      reply answer;
      auto const state = parser_.next(answer);
      if (state == reply_parser::state::need_more) break;
      if (state == reply_parser::state::broken) {
        problem_ = parser_.problem();
        return false;
      }
      if (flight_.empty()) {
        problem_ = "an answer that nobody asked for: " +
                   (answer.text.empty() ? std::string{to_string(answer.what)} : answer.text.substr(0, 200));
        return false;
      }
      take(std::move(answer));
      if (closed_) return true;
    }
  }
  return true;
}

void pipeline::take(reply&& answer) {
  auto& front = flight_.front();
  auto* const r = front.who;
  if (--front.answers != 0) {
    if (r != nullptr && answer.is_error() && r->early_error.empty()) r->early_error = std::move(answer.text);
    return;
  }
  flight_.pop_front();
  ++first_position_;
  if (r == nullptr) return;
  r->answer = std::move(answer);
  complete(*r);
}

void pipeline::give_up(request& r) noexcept {
  if (r.where == request::place::queued)
    backlog_.remove(r);
  else if (r.where == request::place::flying)
    flight_[r.position - first_position_].who = nullptr;
  r.where = request::place::nowhere;
}

request_list pipeline::take_all() noexcept {
  closed_ = true;
  request_list all;
  for (auto& each : flight_)
    if (each.who != nullptr) all.push(*each.who);
  flight_.clear();
  while (auto* r = backlog_.pop()) all.push(*r);
  for (auto* r = all.first(); r != nullptr; r = r->next) r->where = request::place::nowhere;
  return all;
}

request* pipeline::late(request::clock::time_point now) noexcept {
  for (auto const& each : flight_)
    if (each.who != nullptr && each.who->give_up <= now) return each.who;
  for (auto* r = backlog_.first(); r != nullptr; r = r->next)
    if (r->give_up <= now) return r;
  return nullptr;
}

}  // namespace slipway::redis
