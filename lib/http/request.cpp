// From the bytes to the handler, and from the handler to the head of the response.
#include <slipway/core/assert.hpp>
#include <slipway/http/forwarded.hpp>
#include <slipway/http/waits.hpp>

#include <algorithm>

namespace slipway::http {
namespace {

// Bodies up to here are copied behind their head, so that one write takes both and all that is pipelined.
constexpr std::size_t largest_copied = 32'768;
// An unread body up to here is read and dropped to keep the connection; beyond, closing is cheaper.
constexpr std::uint64_t largest_discarded = 65'536;
// Room behind a head for the body that is still to come.
constexpr std::size_t piece_room = 32'768;

task<> run_layers(route const& r, std::size_t from, exchange& x) {
  if (from == r.layers.size()) {
    co_await r.handle(x);
    co_return;
  }
  handler const next = [&r, from](exchange& inner) { return run_layers(r, from + 1, inner); };
  co_await r.layers[from]->around(x, next);
}

std::string_view without_port(std::string_view host) noexcept {
  auto const bracket = host.rfind(']');
  auto const colon = host.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return host;
  return host.substr(0, colon);
}

}  // namespace

connection::step connection::begin_request() {
  auto& w = *work_;
  auto& x = w.x;
  if (w.unread() == 0) return step::need_more;
  auto const& limits = home_.core().limits;
  auto const [outcome, length] = parse_head(w.unread_view(), limits, w.fields, x.request, w.how);
  if (outcome == head_outcome::incomplete) return step::need_more;
  if (outcome != head_outcome::complete) [[unlikely]] {
    home_.count.malformed.add();
    auto const why = outcome == head_outcome::malformed
                         ? why_malformed(w.unread_view(), limits, w.fields, x.request, w.how)
                         : std::string_view{};
    return refuse_head(status_of(outcome), why);
  }
  w.begin += length;
  w.floor = w.begin;
  x.bytes_in = length;
  home_.count.requests.add();
  if (w.how.has_body()) [[unlikely]] {
    bool const all_here = !w.how.chunked && w.unread() >= w.how.content_length;
    if (!all_here && w.in.capacity() - w.in.size() < piece_room) {
      // The head must not move once somebody holds views of it, so room is made now, and it is read again.
      auto const start = w.begin - length;
      w.in.room(piece_room);
      parse_head(w.in.view().substr(start), limits, w.fields, x.request, w.how);
    }
  }
  return route_request();
}

// The head is not understood: there is no request that a handler could look at, and no telling where the next begins.
connection::step connection::refuse_head(int status, std::string_view why) {
  auto& w = *work_;
  auto& r = w.x.request;
  w.how = {};
  r.method_text = r.target = r.path = r.query = r.host = {};
  r.fields = {};
  r.peer = {peer_text_, peer_hash_, io_.is_secure()};
  w.x.bytes_in = w.unread();
  w.x.started_ticks = static_cast<std::uint64_t>(now_.time_since_epoch().count());
  body_ = body_state::none;
  closing_ = linger_ = true;
  w.begin = w.in.size();
  auto const& layers = home_.core().parts.layers;
  auto const blind = std::ranges::find_if_not(layers, [](auto* layer) { return layer->sees_unreadable(); });
  return pass(std::span{layers.begin(), blind}) ? fail(status, why) : step::answer;
}

// False: a layer has answered by itself, or has failed, and its error is the answer.
bool connection::pass(std::span<middleware* const> layers) {
  layers_run_ = 0;
  try {
    for (auto* layer : layers) {
      ++layers_run_;
      if (!layer->before(work_->x)) return false;
    }
    return true;
  } catch (...) {
    handle_exception();
    return false;
  }
}

connection::step connection::route_request() {
  auto& x = work_->x;
  auto& core = home_.core();
  auto& r = x.request;
  if (now_ == worker::time{}) [[unlikely]]
    resumed();
  x.started_ticks = static_cast<std::uint64_t>(now_.time_since_epoch().count());
  r.peer = {peer_text_, peer_hash_, io_.is_secure()};
  if (trusted_) [[unlikely]]
    believe_proxy();
  auto const match = core.parts.table.find(r, x.memory);
  x.route = match.found;
  if (match.found != nullptr && match.found->time_limit.count() != 0)
    x.operation.deadline = now_ + match.found->time_limit;
  body_ = !work_->how.has_body() ? body_state::none : work_->how.chunked ? body_state::chunked : body_state::counted;
  body_left_ = work_->how.content_length;
  body_size_ = 0;

  if (!pass(core.parts.layers)) return step::answer;
  if (!may_just_run()) [[unlikely]]
    if (auto const status = status_before_handler(match.allow); status != 0) return answer_early(status, match.allow);
  return body_ == body_state::none ? step::run : begin_body();
}

connection::step connection::answer_early(int status, std::string_view allow) {
  auto& x = work_->x;
  if (!allow.empty() && (status == 405 || status == 204)) x.response.add("Allow", allow);
  if (status == 204) {
    if (allow.empty()) x.response.add("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    x.response.status = status;
    return step::answer;
  }
  if (status == 503) {
    home_.count.refused.add();
    x.response.add("Retry-After", "1");
  }
  return fail(status);
}

// The usual request passes this much.
bool connection::may_just_run() const noexcept {
  auto const& how = work_->how;
  auto const& core = home_.core();
  return work_->x.route != nullptr && !how.has_length && !how.unknown_expectation &&
         work_->x.request.minor_version == 1 && core.settings.hosts.empty() &&
         home_.count.in_flight.read() < home_.tuned.in_flight_share;
}

// Zero: the handler may run. 204: an OPTIONS request that the server answers by itself.
int connection::status_before_handler(std::string_view allow) noexcept {
  auto const& x = work_->x;
  auto const& r = x.request;
  auto const& how = work_->how;
  if (home_.count.in_flight.read() >= home_.tuned.in_flight_share) return 503;
  if (how.unknown_expectation && r.minor_version == 1) return 417;
  if (!home_.core().settings.hosts.empty() && !is_our_host(r.host)) return 421;
  if (x.route == nullptr) {
    if (r.verb == method::other) return 501;
    if (r.target == "*") return 204;
    if (allow.empty()) return 404;
    return r.verb == method::options ? 204 : 405;
  }
  if (how.has_length && how.content_length > x.route->body_limit) return 413;
  bool const carries = r.verb == method::post || r.verb == method::put || r.verb == method::patch;
  if (r.minor_version == 0 && carries && !how.has_length) return 411;
  return 0;
}

bool connection::is_our_host(std::string_view host) const noexcept {
  auto const name = without_port(host);
  return std::ranges::any_of(home_.core().settings.hosts, [&](std::string const& ours) {
    return equal_names(ours, name) || equal_names(ours, host);
  });
}

void connection::believe_proxy() {
  auto& x = work_->x;
  auto const said = read_forwarded(x.request.fields, home_.core().trusted);
  if (said.client) {
    x.request.peer.address = x.memory.copy(said.client->text());
    x.request.peer.address_hash = said.client->hash();
  }
  if (said.secure) x.request.peer.secure = *said.secure;
}

// Answers with an error that no handler has seen.
connection::step connection::fail(int status, std::string_view why) noexcept {
  auto& x = work_->x;
  x.response.status = status;
  x.response.body = why;
  try {
    home_.core().parts.error_page(x);
  } catch (...) {
    x.response.content_type = x.response.body = {};
    x.response.stream.reset();
  }
  return step::answer;
}

connection::step connection::begin_body() {
  auto& w = *work_;
  auto& r = w.x.request;
  body_limit_ = w.x.route->body_limit;
  decoder_.reset();
  continue_due_ = w.how.expects_continue && r.minor_version == 1 && w.unread() == 0;
  if (w.x.route->streams_body) {
    r.stream = this;
    return step::run;
  }
  if (body_ != body_state::counted || w.unread() < body_left_) return step::read_body;
  r.body = w.unread_view().substr(0, body_left_);
  w.begin += body_left_;
  w.x.bytes_in += body_left_;
  body_ = body_state::none;
  return step::run;
}

task<> connection::call_handler() {
  auto& x = work_->x;
  handling_ = true;
  looked_ = half_closed_ = false;
  next_look_ = {};
  home_.count.in_flight.add();
  if (x.route->layers.empty()) [[likely]]
    return x.route->handle(x);
  return run_layers(*x.route, 0, x);
}

void connection::handle_exception() noexcept {
  auto& x = work_->x;
  x.response.reset();
  x.response.status = 500;
  try {
    home_.core().parts.on_exception(x, std::current_exception());
  } catch (...) {
    x.response.reset();
    x.response.status = 500;
    x.internal_error = "the exception handler itself threw";
  }
}

bool connection::keeps_alive() noexcept {
  auto& w = *work_;
  if (closing_ || w.x.response.close || !w.how.keep_alive) return false;
  // While the server stops, what is pipelined already is still answered.
  if (home_.draining() && w.unread() == 0) return false;
  if (body_ == body_state::none || body_ == body_state::finished) return true;
  // The rest of the body stands between this request and the next. A client that was not told to go on may or may
  // not send it, so there is no next.
  if (w.how.expects_continue && body_size_ == 0 && w.unread() == 0) return false;
  return body_ == body_state::counted && body_left_ <= largest_discarded;
}

void connection::end_request() {
  auto& w = *work_;
  auto& x = w.x;
  auto& r = x.response;
  auto const& layers = home_.core().parts.layers;
  for (auto i = layers_run_; i-- != 0;) {
    try {
      layers[i]->after(x);
    } catch (...) {
      handle_exception();
    }
  }
  if (!bug(r.status >= 200 && r.status <= 599, "a response's status is not between 200 and 599")) {
    r.reset();
    r.status = 500;
  }
  bool const no_body = is_bodiless(r.status);
  if (no_body)
    form_ = body_form::none;
  else if (r.stream == nullptr) [[likely]]
    form_ = body_form::whole;
  else if (r.stream_length)
    form_ = body_form::counted;
  else
    form_ = x.request.minor_version == 1 ? body_form::chunked : body_form::to_end;
  bool const keep = keeps_alive() && form_ != body_form::to_end;
  if (!keep) closing_ = true;

  render_head(w.out, home_.start_of_heads(), r, {form_, keep, x.request.minor_version});
  if (x.request.verb == method::head || no_body) {
    form_ = body_form::none;
  } else if (form_ == body_form::whole && r.body.size() <= largest_copied) [[likely]] {
    w.out.append(r.body);
    form_ = body_form::none;
  }
}

void connection::end_handler() noexcept {
  if (handling_) {
    handling_ = false;
    home_.count.in_flight.subtract();
  }
  sent_ = 0;
  blocked_ = {};
  work_->x.reset();
}

}  // namespace slipway::http
