#include <slipway/api/observation.hpp>

#include <algorithm>
#include <chrono>

namespace slipway::api {
namespace {

constexpr std::string_view id_field = "X-Request-Id: ";

std::uint64_t now_ns() noexcept {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

std::string_view route_of(http::exchange const& x) noexcept {
  return x.route != nullptr ? std::string_view{x.route->pattern} : std::string_view{};
}

}  // namespace

observation::observation(unsigned shard_count, parts what) : parts_{what}, ids_{shard_count} {
  for (unsigned i = 0; i < shard_count; ++i) ids_[i] = std::make_unique<log::correlation_ids>();
}

bool observation::before(http::exchange& x) {
  if (x.started_ticks == 0) x.started_ticks = now_ns();  // the server has read the clock already
  auto const sent = x.request.header("X-Request-Id");
  bool const take_over = sent.data() != nullptr && log::acceptable_correlation_id(sent);
  // The id stands in the line that the answer will carry, so that it is written once.
  auto const size = take_over ? sent.size() : log::correlation_ids::size;
  auto* line = static_cast<char*>(x.memory.allocate(id_field.size() + size + 2, 1));
  auto* id = std::copy(id_field.begin(), id_field.end(), line);
  if (take_over)
    std::copy(sent.begin(), sent.end(), id);
  else
    ids_.local()->write(id);
  id[size] = '\r';
  id[size + 1] = '\n';
  x.operation.correlation_id = {id, size};
  parts_.metrics.begin();
  // What could not be read has no name that a trace could go by.
  if (parts_.traces != nullptr && !x.request.method_text.empty()) begin_trace(x);
  return true;
}

void observation::after(http::exchange& x) {
  auto const id = x.operation.correlation_id;
  x.response.add_block({id.data() - id_field.size(), id_field.size() + id.size() + 2});
  auto const took = now_ns() - x.started_ticks;
  auto const route = route_of(x);
  parts_.metrics.end({.route = x.route != nullptr ? x.route->index : static_cast<std::size_t>(-1),
                      .method = static_cast<unsigned>(x.request.verb),
                      .status = x.response.status,
                      .nanoseconds = took,
                      .bytes_in = x.bytes_in,
                      .bytes_out = x.response.body.size(),
                      .statements = x.operation.statements,
                      .statement_ns = x.operation.statement_ns});
  auto const duration = std::chrono::microseconds{took / 1000};
  if (parts_.access.wants(x.response.status, duration)) log(x, route, duration);
  if (x.operation.span != nullptr) end_trace(x, route);
}

void observation::begin_trace(http::exchange& x) {
  auto& span = parts_.traces->begin(x.operation, span_kind::server, x.request.method_text,
                                    x.request.header("traceparent"), x.request.header("tracestate"));
  span.set("http.request.method", x.request.method_text);
  span.set("url.path", x.request.path);
  span.set("client.address", x.request.peer.address);
}

void observation::end_trace(http::exchange& x, std::string_view route) {
  auto& span = *x.operation.span;
  if (!route.empty()) {
    span.rename(x.copy(std::string{x.request.method_text}.append(" ").append(route)));
    span.set("http.route", route);
  }
  span.set("http.response.status_code", std::int64_t{x.response.status});
  if (x.response.status >= 500) span.fail(x.fault_code != nullptr ? x.fault_code : "error");
  parts_.traces->end(x.operation);
}

void observation::log(http::exchange const& x, std::string_view route, std::chrono::microseconds took) {
  auto const trace = x.operation.span != nullptr ? x.operation.span->trace().text() : std::string{};
  auto const user = x.who ? std::optional{x.who->user().value} : std::nullopt;
  parts_.access.write(
      {.method = x.request.method_text,
       .route = route,
       .path = x.request.path,
       .status = x.response.status,
       .duration = took,
       .bytes_in = static_cast<std::int64_t>(x.bytes_in),
       .bytes_out = x.response.stream != nullptr ? -1 : static_cast<std::int64_t>(x.response.body.size()),
       .statements = x.operation.statements,
       .in_statements = std::chrono::microseconds{x.operation.statement_ns / 1000},
       .peer = x.request.peer.address,
       .user_id = user ? &*user : nullptr,
       .correlation_id = x.operation.correlation_id,
       .trace_id = trace,
       .fault = x.fault_code != nullptr ? std::string_view{x.fault_code} : std::string_view{},
       .internal = x.internal_error,
       .user_agent = x.request.header("User-Agent")});
}

}  // namespace slipway::api
