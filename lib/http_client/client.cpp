#include <slipway/http_client/client.hpp>

#include <slipway/core/counter.hpp>
#include <slipway/http_client/address_policy.hpp>
#include <slipway/http_client/call.hpp>
#include <slipway/http_client/host.hpp>
#include <slipway/metrics/registry.hpp>
#include <slipway/trace/span.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace slipway::http_client {
namespace {

using steady = std::chrono::steady_clock;

// Counted by one shard each, read by anybody.
struct tally {
  counter requests, retries, failures, connections, breaker_refusals, in_flight;
};

// What one shard has: its connections, what it knows of the hosts, and its budget of retries.
struct engine {
  multi loop;
  hosts known;
  retry_budget budget;
  engine(shard& home, settings const& s, host_metrics const& m) : loop{home, s}, known{s.breaker, m}, budget{s.retry} {}
};

struct slot {
  std::unique_ptr<engine> here;
  tally counted;
};

// How one attempt ended: with an answer, or why not.
struct ending {
  std::optional<response> answer;
  cause why{};
  bool sink_used = false;
  std::exception_ptr sink_error;
};

// The time that is left for a request, and whose limit that is.
struct time_limit {
  steady::time_point end;
  bool of_context;  // it is the operation's, not this request's
  std::chrono::milliseconds left() const noexcept {
    return std::chrono::ceil<std::chrono::milliseconds>(end - steady::now());
  }
};

[[noreturn]] void throw_timeout(time_limit const& limit, target const& to) {
  if (limit.of_context) throw cancelled_error{cancel_reason::deadline};
  throw request_error{failure::timeout, "no answer from " + to.host + " in time"};
}

bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

hop next_hop(hop const& h, target const& first, response const& a) {
  hop out{.to = follow(h.to, std::string{a.header("location")}),
          .method = h.method,
          .with_body = h.with_body,
          .redirected = true};
  out.same_origin = out.to.origin() == first.origin();
  bool const to_get =
      (a.status == 303 && h.method != "HEAD") || ((a.status == 301 || a.status == 302) && h.method == "POST");
  if (to_get) {
    out.method = "GET";
    out.with_body = false;
  }
  return out;
}

bool may_be_repeated(request const& r, hop const& h) noexcept {
  if (r.idempotent || is_idempotent(h.method)) return true;
  return std::ranges::any_of(r.headers, [](header const& f) { return same_name(f.name, "idempotency-key"); });
}

// How long to wait before the next attempt; empty when there must be none.
std::optional<std::chrono::milliseconds> wait_before_retry(retry_settings const& s, ending const& e, bool repeatable,
                                                           unsigned attempt, time_point now, random_source& random) {
  if (attempt >= s.attempts || e.sink_used) return std::nullopt;
  if (!e.answer) {
    bool const again = e.why.tried_to_connect_only || (repeatable && e.why.why == failure::interrupted);
    return again ? std::optional{backoff(s, attempt, random)} : std::nullopt;
  }
  auto const status = e.answer->status;
  if (!repeatable || !(is_retryable_status(status) || (s.internal_errors && status == 500))) return std::nullopt;
  auto const asked = parse_retry_after(e.answer->header("retry-after"), now);
  if (!asked) return backoff(s, attempt, random);
  return *asked <= s.longest_retry_after ? asked : std::nullopt;
}

std::string explain(failure why, target const& to) {
  switch (why) {
    case failure::resolve: return "the name " + to.host + " has no address";
    case failure::connect: return fmt::format("nobody answers at {}:{}", to.host, to.port);
    case failure::tls: return "the TLS certificate or handshake of " + to.host + " is not good";
    case failure::too_large: return "the answer of " + to.host + " is larger than allowed";
    case failure::refused_address: return to.host + " leads to an address that is not allowed";
    case failure::stopped_by_sink: return "the download from " + to.host + " was ended by its receiver";
    case failure::interrupted: return "the connection to " + to.host + " broke";
    case failure::invalid: return "the request to " + to.host + " cannot be sent";
    case failure::timeout: return "no answer from " + to.host + " in time";
    case failure::circuit_open: return to.host + " fails too often and is left alone for a while";
    case failure::overloaded: return "too many requests to others are under way";
    case failure::too_many_redirects: return to.host + " redirects too often";
  }
  return "the request to " + to.host + " failed";
}

}  // namespace

std::string_view to_string(failure f) noexcept {
  switch (f) {
    case failure::invalid: return "invalid";
    case failure::resolve: return "resolve";
    case failure::connect: return "connect";
    case failure::tls: return "tls";
    case failure::timeout: return "timeout";
    case failure::interrupted: return "interrupted";
    case failure::too_large: return "too_large";
    case failure::circuit_open: return "circuit_open";
    case failure::overloaded: return "overloaded";
    case failure::refused_address: return "refused_address";
    case failure::too_many_redirects: return "too_many_redirects";
    case failure::stopped_by_sink: return "stopped_by_sink";
  }
  return "unknown";
}

std::string_view response::header(std::string_view name) const noexcept {
  for (auto const& f : headers)
    if (same_name(f.name, name)) return f.value;
  return {};
}

struct client::impl {
  shards& on;
  settings config;
  address_policy policy;
  clock_source const& clock;
  random_source& random;
  host_metrics metrics;
  per_shard<slot> slots{on.size()};

  engine& here() {
    auto& s = slots.local();
    if (!s.here) s.here = std::make_unique<engine>(shard::current(), config, metrics);
    return *s.here;
  }

  task<response> send(std::shared_ptr<request const> what);
  task<ending> with_retries(engine& e, std::shared_ptr<request const> what, hop const& h, time_limit limit,
                            int& attempts);
  task<ending> attempt(engine& e, std::shared_ptr<request const> what, hop const& h, time_limit limit, int number);
  [[noreturn]] void give_up(ending const& e, hop const& h, time_limit const& limit);
};

task<response> client::impl::send(std::shared_ptr<request const> what) {
  check(*what);
  auto const first = parse_target(what->url);
  auto& e = here();
  auto& counted = slots.local().counted;
  if (e.loop.closing()) throw cancelled_error{cancel_reason::shutdown};
  if (counted.in_flight.read() >= config.in_flight)
    throw request_error{failure::overloaded, explain(failure::overloaded, first)};
  struct flight {
    tally& counted;
    metrics::gauge shown;
    flight(tally& c, metrics::gauge g) : counted{c}, shown{g} {
      counted.requests.add();
      counted.in_flight.add();
      shown.add();
    }
    ~flight() {
      counted.in_flight.subtract();
      shown.subtract();
    }
  } const in_flight{counted, metrics.in_flight};
  e.budget.request_made();

  auto const* const operation = co_await this_context();
  time_limit limit{steady::now() + (what->timeout.count() > 0 ? what->timeout : config.timeout), false};
  if (operation != nullptr && operation->deadline < limit.end) limit = {operation->deadline, true};

  hop h{.to = first, .method = what->method};
  int attempts = 0;
  for (int followed = 0;; ++followed) {
    auto end = co_await with_retries(e, what, h, limit, attempts);
    if (!end.answer) {
      counted.failures.add();
      give_up(end, h, limit);
    }
    auto& a = *end.answer;
    a.attempts = attempts;
    a.url = h.to.url;
    if (what->redirects == 0 || !is_redirect(a.status) || a.header("location").empty()) co_return std::move(a);
    if (followed == what->redirects)
      throw request_error{failure::too_many_redirects, explain(failure::too_many_redirects, h.to)};
    h = next_hop(h, first, a);
  }
}

task<ending> client::impl::with_retries(engine& e, std::shared_ptr<request const> what, hop const& h, time_limit limit,
                                        int& attempts) {
  auto const host = e.known.use(h.to.origin(), h.to.host);
  bool const repeatable = may_be_repeated(*what, h);
  for (unsigned number = 1;; ++number) {
    if (limit.left().count() <= 0) throw_timeout(limit, h.to);
    if (!host->breaker.allow(clock.steady())) {
      slots.local().counted.breaker_refusals.add();
      host->count(outcome::of(failure::circuit_open));
      throw request_error{failure::circuit_open, explain(failure::circuit_open, h.to),
                          std::max(std::chrono::seconds{1},
                                   std::chrono::ceil<std::chrono::seconds>(host->breaker.wait(clock.steady())))};
    }
    breaker_call call{host->breaker, clock};
    auto const began = steady::now();
    ++attempts;
    ending end;
    try {
      end = co_await attempt(e, what, h, limit, attempts);
    } catch (cancelled_error const&) {
      host->count(outcome::cancelled);
      throw;
    }
    host->duration.observe(static_cast<std::uint64_t>(std::chrono::nanoseconds{steady::now() - began}.count()));
    host->count(end.answer ? outcome::of(end.answer->status) : outcome::of(end.why.why));
    // What we refuse ourselves says nothing about the host.
    if (end.answer)
      call.done(end.answer->status < 500 || end.answer->status == 501);
    else if (end.why.why == failure::resolve || end.why.why == failure::connect || end.why.why == failure::tls ||
             end.why.why == failure::timeout || end.why.why == failure::interrupted)
      call.done(false);

    auto const wait = wait_before_retry(config.retry, end, repeatable, number, clock.now(), random);
    if (!wait || *wait >= limit.left() || !e.budget.take()) co_return end;
    slots.local().counted.retries.add();
    host->retries.add();
    co_await e.loop.pause(*wait);
    if (e.loop.closing()) throw cancelled_error{cancel_reason::shutdown};
  }
}

task<ending> client::impl::attempt(engine& e, std::shared_ptr<request const> what, hop const& h, time_limit limit,
                                   int number) {
  auto* const operation = co_await this_context();
  scoped_span const span{operation, span_kind::client, h.method};
  span.set("http.request.method", h.method);
  span.set("server.address", h.to.host);
  span.set("url.scheme", h.to.scheme);
  if (number > 1) span.set("http.request.resend_count", number - 1);
  std::vector<header> own;
  if (operation != nullptr && operation->span != nullptr) {
    auto const parent = operation->span->parent_for_others().text();
    own.push_back({"traceparent", {parent.data(), parent.size()}});
    if (!operation->span->tracestate().empty())
      own.push_back({"tracestate", std::string{operation->span->tracestate()}});
  }

  auto const t = e.loop.make();
  t->what = what;
  t->connected = [this] {
    slots.local().counted.connections.add();
    metrics.connections.add();
  };
  if (config.proxy.empty())
    t->may_connect = [this, redirected = h.redirected](ip_address const& a) {
      return redirected ? policy.allows_after_redirect(a, config.redirect_to_private) : policy.allows(a);
    };
  prepare(*t, config, h, own, limit.left());
  e.loop.start(*t);
  co_await t->done;
  if (e.loop.closing()) throw cancelled_error{cancel_reason::shutdown};

  ending out{.sink_used = t->sink_used, .sink_error = t->sink_error};
  if (t->code == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    t->answer.status = static_cast<int>(status);
    span.set("http.response.status_code", status);
    if (status >= 500) span.fail("the other side failed");
    out.answer = std::move(t->answer);
    co_return out;
  }
  if (t->code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc{};
  out.why = cause_of(*t);
  // The connection's own limit has passed, and not yet the request's.
  if (out.why.why == failure::timeout && out.why.tried_to_connect_only && limit.left().count() > 0)
    out.why.why = failure::connect;
  span.set("error.type", to_string(out.why.why));
  span.fail(to_string(out.why.why));
  co_return out;
}

void client::impl::give_up(ending const& e, hop const& h, time_limit const& limit) {
  if (e.sink_error) std::rethrow_exception(e.sink_error);
  if (e.why.why == failure::timeout) throw_timeout(limit, h.to);
  if (e.why.why == failure::too_large)
    throw request_error{e.why.why, fmt::format("the {} of {}'s answer is larger than allowed ({} bytes)",
                                               e.why.in_head ? "head" : "body", h.to.host, e.why.limit)};
  throw request_error{e.why.why, explain(e.why.why, h.to)};
}

namespace {

address_policy policy_of(settings const& s) {
  try {
    return {s.private_addresses, s.allowed_ranges};
  } catch (std::invalid_argument const& error) {
    throw startup_error{exit_code::config, std::string{"the HTTP client's allowed_ranges: "} + error.what()};
  }
}

void check_readable(std::string const& file, char const* setting) {
  if (!file.empty() && ::access(file.c_str(), R_OK) != 0)
    throw startup_error{exit_code::config, fmt::format("the HTTP client's {} cannot be read: {}: {}", setting, file,
                                                       std::strerror(errno))};
}

}  // namespace

client::client(shards& on, settings s, metrics::registry* registry, clock_source const& clock, random_source& random)
    : impl_{std::make_unique<impl>(on, s, policy_of(s), clock, random, host_metrics::in(registry))} {
  if (s.proxy_from_environment && s.proxy.empty() && !tells_proxies())
    throw startup_error{exit_code::config,
                        "the HTTP client's proxy_from_environment needs libcurl 8.7 or newer: an older one does not "
                        "say which connections go round the proxy, so that their addresses could not be checked; name "
                        "the proxy in `proxy`"};
  check_readable(s.ca_file, "ca_file");
  check_readable(s.certificate_file, "certificate_file");
  check_readable(s.key_file, "key_file");
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    throw startup_error{exit_code::os, "libcurl cannot be initialised"};
}

client::~client() {
  impl_->on.on_each([this](shard& s) {
    auto& mine = impl_->slots.of(s);
    if (!mine.here) return;
    mine.here->loop.close();
    mine.here.reset();
  });
}

task<response> client::send(request r) { return impl_->send(std::make_shared<request const>(std::move(r))); }

client_counters client::counters() const noexcept {
  client_counters out;
  for (unsigned i = 0; i < impl_->slots.size(); ++i) {
    auto const& c = impl_->slots[i].counted;
    out.requests += c.requests.read();
    out.retries += c.retries.read();
    out.failures += c.failures.read();
    out.connections += c.connections.read();
    out.breaker_refusals += c.breaker_refusals.read();
    out.in_flight += static_cast<std::int64_t>(c.in_flight.read());
  }
  return out;
}

}  // namespace slipway::http_client
