// Speaks to a collector of a few lines that runs on a thread of the test and keeps what it is sent.
#include <slipway/core/errors.hpp>
#include <slipway/trace/tracer.hpp>

#include <gmock/gmock.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <semaphore>
#include <thread>

namespace slipway {
namespace {

using testing::HasSubstr;

class collector {
 public:
  explicit collector(
      std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
      : answer_{std::move(answer)}, listener_{::socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in at{.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listener_, 8) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
      throw std::runtime_error{"the test's collector cannot listen"};
    port_ = ntohs(at.sin_port);
    thread_ = std::jthread{[this] { serve(); }};
  }
  ~collector() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1/traces"; }
  std::vector<std::string> requests() {
    std::lock_guard lock{mutex_};
    return requests_;
  }
  std::function<void()> before_answer;
  std::function<std::string(std::string const& usual)> answers;

 private:
  void serve() {
    while (!stopping_) {
      int const peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0) return;
      std::string got;
      char block[4096];
      std::size_t need = std::string::npos;
      while (need == std::string::npos || got.size() < need) {
        auto const n = ::recv(peer, block, sizeof block, 0);
        if (n <= 0) break;
        got.append(block, static_cast<std::size_t>(n));
        auto const head = got.find("\r\n\r\n");
        if (need == std::string::npos && head != std::string::npos) {
          auto const at = got.find("Content-Length: ");
          need = head + 4 + (at < head ? std::stoul(got.substr(at + 16)) : 0);
        }
      }
      if (before_answer) before_answer();
      {
        std::lock_guard lock{mutex_};
        requests_.push_back(got);
      }
      auto const answer = answers ? answers(answer_) : answer_;
      (void)!::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
      ::close(peer);
    }
  }
  std::string answer_;
  int listener_;
  unsigned port_ = 0;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::jthread thread_;
};

finished_trace a_trace(std::size_t spans = 1) {
  finished_trace t{.flags = 1, .tracestate = "rojo=1"};
  for (std::size_t i = 0; i < t.trace.bytes.size(); ++i) t.trace.bytes[i] = static_cast<std::uint8_t>(0xa0 + i);
  for (std::size_t i = 0; i < spans; ++i) {
    auto& s = t.spans.emplace_back();
    s.id.bytes = {1, 2, 3, 4, 5, 6, 7, static_cast<std::uint8_t>(i + 1)};
    s.kind = span_kind::server;
    s.name = "GET /v1/notes/{id}";
    s.status = span_status::error;
    s.status_text = "disk full";
    s.start = time_point{std::chrono::microseconds{1'700'000'000'123'456}};
    s.duration = std::chrono::milliseconds{5};
    s.attributes = {{"http.route", std::string{"/v1/notes/{id}"}},
                    {"http.response.status_code", std::int64_t{500}},
                    {"cached", true}};
    s.events = {{"retry", s.start}};
  }
  return t;
}

struct Otlp : testing::Test {
  void SetUp() override {
    try {
      need_otlp();
    } catch (startup_error const&) {
      GTEST_SKIP() << "this build has no OTLP exporter: opentelemetry-cpp-dev or libabsl-dev is not installed";
    }
  }
};

TEST_F(Otlp, SendsWhatTheCollectorExpects) {
  collector sink;
  {
    auto const exporter = make_otlp_exporter({.endpoint = sink.url(),
                                              .json = true,
                                              .headers = {{"x-key", "k1"}},
                                              .service_name = "notes",
                                              .service_version = "1.2"});
    exporter->enqueue(a_trace());
    exporter->flush(std::chrono::seconds{10});
    EXPECT_EQ(exporter->counters().exported, 1u);
  }
  auto const all = sink.requests();
  ASSERT_EQ(all.size(), 1u);
  auto const& r = all[0];
  EXPECT_THAT(r, HasSubstr("POST /v1/traces HTTP/1.1"));
  EXPECT_THAT(r, HasSubstr("application/json"));
  EXPECT_THAT(r, HasSubstr("x-key: k1"));
  EXPECT_THAT(r, HasSubstr("\"resourceSpans\""));
  EXPECT_THAT(r, HasSubstr("\"traceId\":\"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf\""));
  EXPECT_THAT(r, HasSubstr("\"spanId\":\"0102030405060701\""));
  EXPECT_THAT(r, HasSubstr("\"name\":\"GET /v1/notes/{id}\""));
  EXPECT_THAT(r, HasSubstr("\"startTimeUnixNano\":\"1700000000123456000\""));
  EXPECT_THAT(r, HasSubstr("\"endTimeUnixNano\":\"1700000000128456000\""));
  EXPECT_THAT(r, HasSubstr("\"http.response.status_code\""));
  EXPECT_THAT(r, HasSubstr("\"500\""));
  EXPECT_THAT(r, HasSubstr("disk full"));
  EXPECT_THAT(r, HasSubstr("\"service.name\""));
  EXPECT_THAT(r, HasSubstr("\"notes\""));
  EXPECT_THAT(r, HasSubstr("\"retry\""));
  EXPECT_THAT(r, HasSubstr("rojo=1"));
}

TEST_F(Otlp, SendsProtobufByDefault) {
  collector sink;
  auto const exporter = make_otlp_exporter({.endpoint = sink.url()});
  exporter->enqueue(a_trace());
  exporter->flush(std::chrono::seconds{10});
  auto const all = sink.requests();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_THAT(all[0], HasSubstr("application/x-protobuf"));
  EXPECT_THAT(all[0], HasSubstr("GET /v1/notes/{id}"));
}

TEST_F(Otlp, SendsWhatIsLeftWhenItGoes) {
  collector sink;
  make_otlp_exporter({.endpoint = sink.url()})->enqueue(a_trace());
  EXPECT_EQ(sink.requests().size(), 1u);
}

TEST_F(Otlp, DropsAndCountsWhatFindsTheQueueFull) {
  collector sink;
  std::binary_semaphore asked{0}, go_on{0};
  sink.before_answer = [&] {
    asked.release();
    go_on.acquire();
  };
  auto const exporter = make_otlp_exporter({.endpoint = sink.url(), .queue = 10, .batch = 5});
  exporter->enqueue(a_trace(5));
  asked.acquire();  // the exporter's thread is busy with the first five
  exporter->enqueue(a_trace(8));
  exporter->enqueue(a_trace(3));
  EXPECT_EQ(exporter->counters().dropped, 3u);
  go_on.release();
  go_on.release();
  exporter->flush(std::chrono::seconds{10});
  EXPECT_EQ(exporter->counters().exported, 13u);
}

TEST_F(Otlp, CountsWhatTheCollectorRefuses) {
  collector sink{"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"};
  std::vector<std::string> told;
  auto const exporter =
      make_otlp_exporter({.endpoint = sink.url(), .on_failure = [&](std::string_view why) { told.emplace_back(why); }});
  exporter->enqueue(a_trace());
  exporter->flush(std::chrono::seconds{10});
  exporter->enqueue(a_trace());
  exporter->flush(std::chrono::seconds{10});
  EXPECT_EQ(exporter->counters().failed, 2u);
  EXPECT_EQ(exporter->counters().exported, 0u);
  ASSERT_EQ(told.size(), 1u);  // once, not for each batch
  EXPECT_FALSE(told[0].empty());
}

TEST_F(Otlp, SurvivesACollectorThatIsNotThere) {
  std::string gone;
  {
    collector sink;
    gone = sink.url();
  }
  auto const exporter = make_otlp_exporter({.endpoint = gone, .timeout = std::chrono::milliseconds{2'000}});
  exporter->enqueue(a_trace());
  exporter->flush(std::chrono::seconds{10});
  EXPECT_EQ(exporter->counters().failed, 1u);
}

TEST_F(Otlp, WaitsForACollectorThatHangsOnce) {
  std::counting_semaphore<8> asked{0};
  std::latch go_on{1};
  collector sink;  // whose thread uses the two
  sink.before_answer = [&] {
    asked.release();
    go_on.wait();
  };
  constexpr std::chrono::seconds time_out{6};
  auto exporter = make_otlp_exporter({.endpoint = sink.url(), .batch = 5, .timeout = time_out});
  exporter->enqueue(a_trace(5));
  asked.acquire();
  for (int i = 0; i < 3; ++i) exporter->enqueue(a_trace(5));
  auto const begun = std::chrono::steady_clock::now();
  exporter.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, time_out * 5 / 3) << "one time-out, not one for each batch";
  go_on.count_down();
}

TEST_F(Otlp, TellsWhenTheCollectorTakesThemAgain) {
  std::atomic<bool> well{false};
  collector sink;
  sink.answers = [&well](std::string const& usual) {
    return well ? usual : "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  };
  std::vector<std::string> told;
  auto const exporter =
      make_otlp_exporter({.endpoint = sink.url(), .on_failure = [&](std::string_view why) { told.emplace_back(why); }});
  for (int i = 0; i < 4; ++i) {
    well = i >= 2;
    exporter->enqueue(a_trace());
    exporter->flush(std::chrono::seconds{10});
  }
  ASSERT_EQ(told.size(), 2u);
  EXPECT_FALSE(told[0].empty());
  EXPECT_EQ(told[1], "");
}

}  // namespace
}  // namespace slipway
