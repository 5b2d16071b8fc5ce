// What goes wrong with settings and servers: each has its name, and says what to do.
#include "../../core/tests/name_server.hpp"
#include "certificates.hpp"
#include "gate.hpp"
#include "server.hpp"

#include <slipway/core/one_shot.hpp>

#include <gmock/gmock.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <optional>
#include <set>
#include <thread>

using namespace slipway;
using namespace slipway::redis;
using namespace slipway::redis::tests;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace {

struct redis_troubles : fixture {
  settings hasty(std::string url) const {
    auto s = with(std::move(url));
    s.connect_attempts = 2;
    s.connect_timeout = 500ms;
    s.request_timeout = 500ms;
    return s;
  }
};

TEST_F(redis_troubles, nobody_listens) {
  auto const port = std::to_string(free_port());
  EXPECT_THAT(outcome_of_connecting(hasty("redis://u:secretpw@127.0.0.1:" + port), on),
              AllOf(StartsWith("unavailable: "), HasSubstr("Connection refused"), HasSubstr("Tried 2 times"),
                    HasSubstr("redis://u:***@127.0.0.1:" + port), Not(HasSubstr("secretpw"))));
  EXPECT_THAT(outcome_of_connecting(hasty("redis://no-such-host.invalid"), on), HasSubstr("has no address"));
  EXPECT_THAT(outcome_of_connecting(hasty("redis+unix:///no/such.sock"), on), HasSubstr("No such file"));
}

TEST_F(redis_troubles, without_being_required_it_starts_and_connects_later) {
  auto const port = free_port();
  auto s = hasty("redis://127.0.0.1:" + std::to_string(port));
  s.required = false;
  auto cache = connect(s, on);
  EXPECT_EQ(on.run(outcome(cache.check())), "lost, not sent");
  server late{{}, "redis-server", port};
  EXPECT_TRUE(wait_until([&] { return on.run(outcome(cache.check())) == "nothing"; }, 5s));
}

TEST_F(redis_troubles, a_name_server_that_says_nothing_holds_nobody_up) {
  slipway::tests::name_server names;
  if (!names.why_not().empty()) GTEST_SKIP() << "SKIPPED LOUDLY: " << names.why_not();
  shards asking{2};  // after it, or they would ask another
  auto s = hasty("redis://redis.invalid:" + std::to_string(free_port()));
  s.connect_attempts = 1;
  auto const in_the_silence = [&names](auto work, char const* what) {
    names.be_silent();
    auto ended = std::async(std::launch::async, std::move(work));
    EXPECT_EQ(ended.wait_for(15s), std::future_status::ready) << what << " waits for the name server";
    EXPECT_TRUE(names.is_asked()) << what;
    names.speak();
    return ended.get();
  };
  EXPECT_THAT(in_the_silence([&] { return outcome_of_connecting(s, asking); }, "the start"),
              AllOf(StartsWith("unavailable: "), HasSubstr("the name was not resolved in 500 ms")));
  s.required = false;
  std::optional<client> cache;
  in_the_silence([&] { cache.emplace(connect(s, asking)); }, "a start that does not require it");
  in_the_silence(
      [&] {
        EXPECT_TRUE(wait_until([&names] { return names.is_asked(); }));
        cache.reset();
      },
      "the end");
}

TEST_F(redis_troubles, passwords) {
  server guarded{{"--requirepass", "right"}};
  guarded.cli({"-a", "right", "acl", "setuser", "ada", "on", ">hers", "~t:*", "+get", "+set", "+ping", "+hello"});
  auto const at = "@127.0.0.1:" + std::to_string(guarded.port());
  EXPECT_THAT(outcome_of_connecting(hasty(guarded.url()), on),
              AllOf(StartsWith("config: "), HasSubstr("NOAUTH"), HasSubstr("redis.password")));
  EXPECT_THAT(outcome_of_connecting(hasty("redis://:wrong" + at), on),
              AllOf(StartsWith("config: "), HasSubstr("WRONGPASS"), Not(HasSubstr("wrong@"))));
  EXPECT_THAT(outcome_of_connecting(hasty("redis://ada:wrong" + at), on), HasSubstr("WRONGPASS"));
  EXPECT_EQ(outcome_of_connecting(hasty("redis://:right" + at), on), "it connected");
  auto hers = connect(hasty("redis://ada:hers" + at), on);  // CLIENT SETNAME is forbidden to her, which is no harm
  run([&]() -> task<> {
    EXPECT_TRUE(co_await hers.set("a", "1"));
    EXPECT_EQ(co_await outcome_of(hers.incr("a")), "error NOPERM");
    EXPECT_EQ(co_await outcome_of(hers.run({"GET", "not-hers"})), "error NOPERM");
  });
  auto s = hasty("redis://someone:else" + at);
  s.user = "ada";
  s.password = "hers";
  EXPECT_EQ(outcome_of_connecting(s, on), "it connected") << "the settings count more than the URL";
}

TEST_F(redis_troubles, a_password_that_is_asked_for_later) {
  server open;
  auto cache = connect(hasty(open.url()), on);
  open.cli({"config", "set", "requirepass", "new"});
  open.with_cli({"-a", "new", "--no-auth-warning"});
  // Those who are logged in stay so; the next connection is not let in.
  open.cli({"client", "kill", "type", "normal"});
  EXPECT_TRUE(wait_until([&] { return on.run(outcome(cache.check())) == "lost, not sent"; }, 5s));
  run([&]() -> task<> {
    try {
      (void)co_await cache.get("x");
      ADD_FAILURE();
    } catch (unavailable_error const& e) {
      EXPECT_THAT(e.what(), HasSubstr("NOAUTH"));
    }
  });
  open.cli({"config", "set", "requirepass", ""});
  EXPECT_TRUE(wait_until([&] { return on.run(outcome(cache.check())) == "nothing"; }, 5s));
}

TEST_F(redis_troubles, databases) {
  server one;
  auto second = connect(hasty(one.url("/1")), on);
  run([&]() -> task<> { co_await second.set("k", "in the second"); });
  EXPECT_EQ(one.cli({"-n", "1", "get", "t:k"}), "in the second");
  EXPECT_EQ(one.cli({"get", "t:k"}), "");
  EXPECT_THAT(outcome_of_connecting(hasty(one.url("/99")), on), AllOf(StartsWith("config: "), HasSubstr("DB index")));
}

TEST_F(redis_troubles, the_wrong_kind_of_server) {
  server one;
  server node{{"--cluster-enabled", "yes"}};
  EXPECT_THAT(outcome_of_connecting(hasty(node.url()), on),
              AllOf(StartsWith("config: "), HasSubstr("write redis+cluster://")));
  EXPECT_THAT(outcome_of_connecting(hasty("redis+cluster://127.0.0.1:" + std::to_string(one.port())), on),
              AllOf(StartsWith("config: "), HasSubstr("stands alone")));
  EXPECT_THAT(outcome_of_connecting(hasty("redis+sentinel://127.0.0.1:" + std::to_string(one.port()) + "/m"), on),
              AllOf(StartsWith("config: "), HasSubstr("no Sentinel")));
  EXPECT_THAT(outcome_of_connecting(hasty("redis+cluster://127.0.0.1:" + std::to_string(node.port())), on),
              AllOf(StartsWith("unavailable: "), HasSubstr("serves any slot")));
}

TEST_F(redis_troubles, a_socket_in_the_file_system) {
  folder at;
  server one{{"--unixsocket", at.path() + "/s"}};
  auto cache = connect(hasty("redis+unix://" + at.path() + "/s"), on);
  run([&]() -> task<> { EXPECT_TRUE(co_await cache.set("a", "b")); });
  EXPECT_EQ(one.cli({"get", "t:a"}), "b");
}

TEST_F(redis_troubles, the_name_of_the_client_is_shown) {
  server one;
  auto s = hasty(one.url());
  s.client_name = "notes-service";
  auto cache = connect(s, on);
  EXPECT_THAT(one.cli({"client", "list"}), HasSubstr("name=notes-service"));
}

TEST_F(redis_troubles, certificates_are_verified_and_names_as_well) {
  folder files;
  certificates const made{files.path()};
  auto const port = free_port();
  server one{made.server_arguments(port), "redis-server", port};
  auto s = hasty("rediss://127.0.0.1:" + std::to_string(port));
  EXPECT_THAT(outcome_of_connecting(s, on), AllOf(StartsWith("config: "), HasSubstr("certificate is not trusted")));
  s.ca_file = made.file("stranger.crt");
  EXPECT_THAT(outcome_of_connecting(s, on), AllOf(StartsWith("config: "), HasSubstr("certificate is not trusted")));
  s.ca_file = made.file("authority.crt");
  {
    auto cache = connect(s, on);
    run([&]() -> task<> {
      std::string const big(3'000'000, 'x');
      EXPECT_TRUE(co_await cache.set("big", big));
      EXPECT_EQ(co_await cache.get("big"), big);
    });
    s.url = "rediss://localhost:" + std::to_string(port);
    EXPECT_EQ(outcome_of_connecting(s, on), "it connected");
  }
  for (auto const* name : {"misnamed", "expired"}) {
    auto const other_port = free_port();
    server other{made.server_arguments(other_port, false, name), "redis-server", other_port};
    s.url = "rediss://127.0.0.1:" + std::to_string(other_port);
    EXPECT_THAT(outcome_of_connecting(s, on), AllOf(StartsWith("config: "), HasSubstr("certificate is not trusted")))
        << name;
  }
}

TEST_F(redis_troubles, tls_where_there_is_none_and_none_where_there_is) {
  folder files;
  certificates const made{files.path()};
  auto const port = free_port();
  server secured{made.server_arguments(port), "redis-server", port};
  server plain;
  EXPECT_THAT(outcome_of_connecting(hasty("redis://127.0.0.1:" + std::to_string(port)), on),
              StartsWith("unavailable: "));
  auto s = hasty("rediss://127.0.0.1:" + std::to_string(plain.port()));
  s.ca_file = made.file("authority.crt");
  EXPECT_THAT(outcome_of_connecting(s, on), HasSubstr("TLS: "));
}

TEST_F(redis_troubles, a_server_that_goes_away_in_the_handshake_is_asked_again) {
  folder files;
  certificates const made{files.path()};
  auto const port = free_port();
  server secured{made.server_arguments(port), "redis-server", port};
  gate between{port};
  between.set(gate::mode::truncate);
  auto s = hasty("rediss://127.0.0.1:" + std::to_string(between.port()));
  s.ca_file = made.file("authority.crt");
  EXPECT_THAT(outcome_of_connecting(s, on),
              AllOf(StartsWith("unavailable: "), HasSubstr("TLS: "), HasSubstr("Tried 2 times")));
}

TEST_F(redis_troubles, our_own_certificate) {
  folder files;
  certificates const made{files.path()};
  auto const port = free_port();
  server strict{made.server_arguments(port, true), "redis-server", port};
  auto s = hasty("rediss://127.0.0.1:" + std::to_string(port));
  s.ca_file = made.file("authority.crt");
  EXPECT_THAT(outcome_of_connecting(s, on), AllOf(StartsWith("config: "), HasSubstr("certificate required")));
  s.certificate_file = made.file("client.crt");
  EXPECT_THAT(outcome_of_connecting(s, on), HasSubstr("belong together"));
  s.key_file = made.file("server.key");
  EXPECT_THAT(outcome_of_connecting(s, on), AllOf(StartsWith("config: redis.key_file"), HasSubstr("belong to")));
  s.key_file = made.file("client.key");
  EXPECT_EQ(outcome_of_connecting(s, on), "it connected");
  s.ca_file = files.path() + "/none.crt";
  EXPECT_THAT(outcome_of_connecting(s, on), StartsWith("config: redis.ca_file"));
}

TEST_F(redis_troubles, out_of_memory) {
  server small{{"--maxmemory", "3mb", "--maxmemory-policy", "noeviction"}};
  auto cache = connect(hasty(small.url()), on);
  run([&]() -> task<> {
    std::string const big(100'000, 'x');
    std::string what;
    for (int i = 0; i < 100 && what != "refused OOM"; ++i)
      what = co_await outcome_of(cache.set("k" + std::to_string(i), big));
    EXPECT_EQ(what, "refused OOM");
    EXPECT_EQ(co_await outcome_of(cache.get("k0")), "nothing");  // reading goes on
  });
}

TEST_F(redis_troubles, a_replica_refuses_writes) {
  server master{{"--repl-diskless-sync-delay", "0"}};
  server replica{{"--replicaof", "127.0.0.1", std::to_string(master.port())}};
  ASSERT_TRUE(wait_until([&] { return replica.cli({"info", "replication"}).contains("master_link_status:up"); }));
  auto cache = connect(hasty(replica.url()), on);
  run([&]() -> task<> {
    EXPECT_EQ(co_await outcome_of(cache.set("a", "1")), "refused READONLY");
    EXPECT_EQ(co_await outcome_of(cache.get("a")), "nothing");
  });
  // Promoted, it serves, without anybody doing anything here.
  replica.cli({"replicaof", "no", "one"});
  run([&]() -> task<> { EXPECT_EQ(co_await outcome_of(cache.set("a", "1")), "nothing"); });
}

TEST_F(redis_troubles, a_replica_without_its_master) {
  server replica{{"--replicaof", "127.0.0.1", std::to_string(free_port()), "--replica-serve-stale-data", "no"}};
  auto s = hasty(replica.url());
  s.required = false;
  auto cache = connect(s, on);
  EXPECT_EQ(on.run(outcome_of(cache.get("a"))), "refused MASTERDOWN");
}

TEST_F(redis_troubles, writes_that_cannot_be_saved_or_replicated) {
  server one{{"--min-replicas-to-write", "1"}};
  auto cache = connect(hasty(one.url()), on);
  EXPECT_EQ(on.run(outcome_of(cache.set("a", "1"))), "refused NOREPLICAS");
}

TEST_F(redis_troubles, a_script_that_does_not_end) {
  server one{{"--busy-reply-threshold", "100"}};
  auto s = hasty(one.url());
  s.request_timeout = 5s;
  auto cache = connect(s, on);
  auto other = connect(s, on);
  std::atomic<bool> over{false};
  on[1].spawn([](client& c, std::atomic<bool>& done) -> task<> {
    script const endless{"while true do end"};
    EXPECT_EQ(co_await outcome_of(c.eval(endless, {"k"})), "error ERR");
    done = true;
  }(cache, over));
  EXPECT_TRUE(wait_until([&] { return on.run(outcome_of(other.get("a"))) == "refused BUSY"; }));
  one.cli({"script", "kill"});
  EXPECT_TRUE(wait_until([&] { return over.load(); }));
}

TEST_F(redis_troubles, too_many_clients) {
  server narrow{{"--maxclients", "1"}};
  auto s = hasty(narrow.url());
  shards single{1};
  auto first = connect(s, single);
  EXPECT_THAT(outcome_of_connecting(s, on), AllOf(StartsWith("unavailable: "), HasSubstr("max number of clients")));
}

TEST_F(redis_troubles, an_answer_that_is_too_large) {
  server one;
  auto s = hasty(one.url());
  s.max_reply = 100'000;
  s.max_elements = 1000;
  auto cache = connect(s, on);
  run([&]() -> task<> {
    co_await cache.set("big", std::string(200'000, 'x'));
    texts many;
    for (int i = 0; i < 2000; ++i) many.push_back(std::to_string(i));
    co_await cache.rpush("long", many);
    EXPECT_EQ(co_await outcome_of(cache.get("big")), "error TOO_LARGE");
    EXPECT_EQ(co_await outcome_of(cache.lrange("long", 0, -1)), "error TOO_LARGE");
    EXPECT_EQ(co_await outcome_of(cache.lrange("long", 0, 10)), "nothing");  // and all is well again
  });
}

// Says something and is silent.
class liar {
 public:
  explicit liar(std::string says) : listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at);
    ::listen(listener_, 16);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port = ntohs(at.sin_port);
    thread_ = std::thread{[this, says = std::move(says)] {
      std::vector<int> open;
      for (int each; (each = ::accept(listener_, nullptr, nullptr)) >= 0;) {
        open.push_back(each);
        ::send(each, says.data(), says.size(), MSG_NOSIGNAL);
      }
      for (auto const each : open) ::close(each);
    }};
  }
  ~liar() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  int port = 0;

 private:
  int listener_;
  std::thread thread_;
};

TEST_F(redis_troubles, who_is_no_redis) {
  for (auto const& [says, shown] : std::initializer_list<std::pair<char const*, char const*>>{
           {"HTTP/1.1 400 Bad Request\r\n\r\n", "Protocol error"},
           {"220 mail.example.com ESMTP\r\n", "Protocol error"},
           {"+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n", "answer"},
           {"*9999999\r\n", "larger than"},
           {"-DENIED Redis is running in protected mode\r\n", "DENIED"},
           {"", "may have been done"}}) {
    liar other{says};
    EXPECT_THAT(outcome_of_connecting(hasty("redis://127.0.0.1:" + std::to_string(other.port)), on), HasSubstr(shown))
        << says;
  }
}

TEST_F(redis_troubles, without_being_required_it_is_waited_for_once_and_not_once_for_each_shard) {
  liar silent{""};
  auto s = hasty("redis://127.0.0.1:" + std::to_string(silent.port));
  s.required = false;
  shards many{6};
  auto const from = std::chrono::steady_clock::now();
  auto const cache = connect(s, many);
  EXPECT_LT(std::chrono::steady_clock::now() - from, 2 * s.connect_timeout);
}

TEST_F(redis_troubles, a_server_that_reads_its_data) {
  server one{
      {"--enable-debug-command", "yes", "--key-load-delay", "50", "--loading-process-events-interval-bytes", "1024"}};
  auto s = hasty(one.url());
  s.outage_patience = 100ms;
  auto cache = connect(s, on);
  one.cli({"debug", "populate", "20000"});
  std::thread reload{[&] { one.cli({"debug", "reload"}); }};
  std::set<std::string> seen;
  EXPECT_TRUE(wait_until([&] {
    seen.insert(on.run(outcome_of(cache.set("a", "1"))));
    return seen.contains("refused LOADING");
  }));
  one.cli({"config", "set", "key-load-delay", "0"});
  EXPECT_TRUE(wait_until([&] { return on.run(outcome_of(cache.get("a"))) == "nothing"; }));
  reload.join();
}

}  // namespace
