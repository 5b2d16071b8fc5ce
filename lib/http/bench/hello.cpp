// The smallest server with a router and five layers that do what real ones do, for counting instructions and for
// load generators. Usage: http_hello PORT [SHARDS]; ends on SIGTERM or SIGINT.
#include <slipway/http/server.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using namespace slipway;
using http::exchange;

class request_ids final : public http::middleware {
 public:
  bool before(exchange& x) override {
    static thread_local std::uint64_t next = 0;
    auto const id = ++next * 0x9e3779b97f4a7c15u;
    constexpr std::string_view line = "X-Request-Id: ................\r\n";
    auto* const at = static_cast<char*>(x.memory.allocate(line.size(), 1));
    std::memcpy(at, line.data(), line.size());
    for (int i = 0; i < 16; ++i) at[14 + i] = "0123456789abcdef"[id >> (60 - 4 * i) & 15];
    x.operation.correlation_id = {at + 14, 16};
    return true;
  }
  void after(exchange& x) override { x.response.add_block({x.operation.correlation_id.data() - 14, 32}); }
};

class metrics final : public http::middleware {
 public:
  void after(exchange& x) override {
    static thread_local std::uint64_t by_class[6], by_route[64];
    ++by_class[static_cast<std::size_t>(x.response.status) / 100];
    if (x.route != nullptr) ++by_route[x.route->index % 64];
  }
};

class sampled_log final : public http::middleware {
 public:
  void after(exchange& x) override {
    static thread_local unsigned n = 0;
    if (++n % 65'536 == 0)
      std::fprintf(stderr, "%.*s %d\n", static_cast<int>(x.request.target.size()), x.request.target.data(),
                   x.response.status);
  }
};

class limits final : public http::middleware {
 public:
  bool before(exchange& x) override {
    static thread_local std::uint64_t tokens[1024];
    if (++tokens[x.request.peer.address_hash % 1024] != 0) return true;
    x.answer(429, "text/plain", "slow down");
    return false;
  }
};

class safe_fields final : public http::middleware {
 public:
  void after(exchange& x) override {
    x.response.add_block(
        "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n");
  }
};

task<> plaintext(exchange& x) {
  x.answer(200, "text/plain", "Hello, World!");
  co_return;
}
task<> json(exchange& x) {
  x.answer(200, "application/json", R"({"message":"Hello, World!"})");
  co_return;
}
task<> parameter(exchange& x) {
  x.answer(200, "text/plain", x.request.parameters()[0]);
  co_return;
}
task<> echo(exchange& x) {
  x.answer(200, "application/octet-stream", x.request.body);
  co_return;
}

}  // namespace

int main(int argc, char** argv) {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  http::router table;
  table.add({.verb = http::method::get, .pattern = "/plaintext", .handle = plaintext});
  table.add({.verb = http::method::get, .pattern = "/json", .handle = json});
  table.add({.verb = http::method::get, .pattern = "/static/{*path}", .handle = parameter});
  table.add({.verb = http::method::post, .pattern = "/echo", .handle = echo});
  for (std::string name : {"users", "orders", "items", "invoices", "sessions", "files", "teams", "projects"}) {
    table.add({.verb = http::method::get, .pattern = "/api/v1/" + name, .handle = plaintext});
    table.add({.verb = http::method::post, .pattern = "/api/v1/" + name, .handle = echo});
    table.add({.verb = http::method::get, .pattern = "/api/v1/" + name + "/{id}", .handle = parameter});
    table.add({.verb = http::method::get, .pattern = "/api/v1/" + name + "/{id}/history/{n}", .handle = parameter});
  }
  request_ids ids;
  metrics numbers;
  sampled_log log;
  limits limit;
  safe_fields fields;
  shards all{argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 1};
  http::server_settings settings;
  settings.listen = {std::string{"127.0.0.1:"} + (argc > 1 ? argv[1] : "0")};
  http::server server{all, settings, {table, {&ids, &log, &numbers, &limit, &fields}, {}, {}}};
  server.start();
  std::printf("%s\n", server.addresses().front().c_str());
  std::fflush(stdout);
  int which = 0;
  sigwait(&ending, &which);
  std::printf("%zu requests cut\n", server.stop());
}
