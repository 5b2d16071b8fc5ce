// Where a request must not go.
#include "client_fixture.hpp"

#include <cstdlib>
#include <memory>

namespace slipway::http_client {
namespace {

TEST_F(Client, RefusesPrivateAddressesUnlessTold) {
  test_server server{[](auto const&, int) { return answer(200); }};
  client strict{on, {}};
  EXPECT_EQ(fails(strict, {.url = server.url()}), failure::refused_address);
  EXPECT_EQ(fails(strict, {.url = server.url("/", "localhost")}), failure::refused_address);
  EXPECT_EQ(fails(strict, {.url = server.url("/", "0x7f.1")}), failure::refused_address);
  EXPECT_EQ(fails(strict, {.url = server.url("/", "2130706433")}), failure::refused_address);
  EXPECT_EQ(fails(strict, {.url = "http://[::ffff:127.0.0.1]:" + std::to_string(server.port())}),
            failure::refused_address);
  EXPECT_EQ(fails(strict, {.url = "http://169.254.169.254/latest/meta-data"}), failure::refused_address);
  EXPECT_EQ(server.connection_count(), 0);
  client told{on, {.allowed_ranges = {"127.0.0.1/32"}}};
  EXPECT_EQ(get(told, {.url = server.url()}).status, 200);
}

TEST_F(Client, FollowsNoRedirectUnlessAsked) {
  test_server server{[](auto const&, int) { return answer(302, "see there", "Location: /there\r\n"); }};
  client http{on, local()};
  auto const a = get(http, {.url = server.url()});
  EXPECT_EQ(a.status, 302);
  EXPECT_EQ(a.body, "see there");
}

TEST_F(Client, IsNotLedToPrivateAddresses) {
  test_server server{
      [&](auto const&, int n) { return n == 1 ? answer(302, "", "Location: /there\r\n") : answer(200, "inside"); }};
  client http{on, local()};
  EXPECT_EQ(fails(http, {.url = server.url(), .redirects = 3}), failure::refused_address);
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(server.connection_count(), 1);  // also not over the connection that is there
}

TEST_F(Client, LeavesNoConnectionBehindThatOnlyARedirectMayMake) {
  test_server inside{[](auto const&, int) { return answer(200, "inside"); }, nullptr, INADDR_LOOPBACK + 1};
  auto const there = inside.url("/", "127.0.0.2");
  test_server server{[&](auto const&, int) { return answer(302, "", "Location: " + there + "\r\n"); }};
  client http{on, {.redirect_to_private = true, .allowed_ranges = {"127.0.0.1/32"}}};
  EXPECT_EQ(get(http, {.url = server.url(), .redirects = 1}).body, "inside");
  EXPECT_EQ(fails(http, {.url = there}), failure::refused_address);
  EXPECT_EQ(inside.requests().size(), 1u);
}

TEST_F(Client, FollowsAsManyRedirectsAsAsked) {
  test_server server{[](auto const& r, int n) {
    return r.starts_with("GET /next/end")
               ? answer(200, "end")
               : answer(307, "", "Location: " + std::string(n == 2 ? "end" : "/next/x") + "\r\n");
  }};
  auto s = local();
  s.redirect_to_private = true;
  client http{on, s};
  auto const a = get(http, {.url = server.url(), .redirects = 2});
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_EQ(a.url, server.url("/next/end"));
}

TEST_F(Client, FollowsOnlySoFar) {
  test_server server{[](auto const&, int) { return answer(302, "", "Location: /again\r\n"); }};
  auto s = local();
  s.redirect_to_private = true;
  client http{on, s};
  EXPECT_EQ(fails(http, {.url = server.url(), .redirects = 3}), failure::too_many_redirects);
  EXPECT_EQ(server.requests().size(), 4u);
}

TEST_F(Client, KeepsCredentialsFromOtherOrigins) {
  test_server other{[](auto const&, int) { return answer(200); }};
  test_server server{[&](auto const& r, int) {
    if (r.find("/file ") != std::string::npos) return answer(302, "", "Location: file:///etc/passwd\r\n");
    return answer(
        303, "",
        "Location: " + (r.find("/same ") != std::string::npos ? std::string{"/file"} : other.url("/x")) + "\r\n");
  }};
  auto s = local();
  s.redirect_to_private = true;
  client http{on, s};
  std::vector<header> const secrets{
      {"Authorization", "Bearer abc"}, {"Cookie", "a=b"}, {"X-Other", "1"}, {"Content-Type", "text/plain"}};
  get(http, {.method = "POST", .url = server.url(), .headers = secrets, .body = "data", .redirects = 2});
  auto const led = other.requests().at(0);
  EXPECT_THAT(led, testing::StartsWith("GET /x "));  // 303 asks for that
  EXPECT_THAT(led, Not(HasSubstr("Bearer")));
  EXPECT_THAT(led, Not(HasSubstr("Cookie")));
  EXPECT_THAT(led, Not(HasSubstr("data")));
  EXPECT_THAT(led, Not(HasSubstr("text/plain")));
  EXPECT_THAT(led, HasSubstr("X-Other: 1"));
  EXPECT_EQ(fails(http, {.url = server.url("/same"), .headers = secrets, .redirects = 5}), failure::invalid);
  EXPECT_THAT(server.requests().back(), HasSubstr("Bearer abc"));
}

TEST_F(Client, SendsNothingThatIsNotARequest) {
  client http{on, local()};
  for (std::string const& url :
       {"", "nonsense", "ftp://x/", "file:///etc/passwd", "http://", "gopher://x", "http://user:secret@x/",
        "http://a b/", "http://x/\r\nX: y", "javascript:alert(1)", "//x/y"})
    EXPECT_EQ(fails(http, {.url = url}), failure::invalid) << url;
  EXPECT_EQ(fails(http, {.url = std::string{"http://x/\0y", 11}}), failure::invalid);
  std::string const url = "http://127.0.0.1:1/";
  EXPECT_EQ(fails(http, {.url = url, .headers = {{"X", "a\r\nY: b"}}}), failure::invalid);
  EXPECT_EQ(fails(http, {.url = url, .headers = {{"X: y", "a"}}}), failure::invalid);
  EXPECT_EQ(fails(http, {.url = url, .headers = {{"", "a"}}}), failure::invalid);
  EXPECT_EQ(fails(http, {.url = url, .headers = {{"Content-Length", "1"}}}), failure::invalid);
  EXPECT_EQ(fails(http, {.url = url, .headers = {{"transfer-encoding", "chunked"}}}), failure::invalid);
  EXPECT_EQ(fails(http, {.method = "GET / HTTP/1.1\r\nX:", .url = url}), failure::invalid);
  EXPECT_EQ(fails(http, {.method = "CONNECT", .url = url}), failure::invalid);
}

// Variables of the environment, until the end of a test.
class environment {
 public:
  environment() = default;
  environment(environment const&) = delete;
  environment& operator=(environment const&) = delete;
  ~environment() {
    for (auto const& name : names_) ::unsetenv(name.c_str());
  }
  void set(std::string const& name, std::string const& value) {
    ::setenv(name.c_str(), value.c_str(), 1);
    names_.push_back(name);
  }

 private:
  std::vector<std::string> names_;
};

// Null where libcurl is too old to say which connections go round the proxy.
std::unique_ptr<client> with_proxy_of_environment(shards& on, settings s) {
  s.proxy_from_environment = true;
  try {
    return std::make_unique<client>(on, s);
  } catch (startup_error const& error) {
    EXPECT_THAT(error.what(), HasSubstr("libcurl 8.7"));
    return nullptr;
  }
}

TEST_F(Client, AsksNoProxyThatOnlyTheEnvironmentNames) {
  test_server server{[](auto const&, int) { return answer(200, "direct"); }};
  test_server proxy{[](auto const&, int) { return answer(200, "proxy"); }};
  environment env;
  env.set("http_proxy", proxy.url());
  client http{on, local()};
  EXPECT_EQ(get(http, {.url = server.url()}).body, "direct");
}

TEST_F(Client, GoesRoundNoProxyThatItWasGiven) {
  test_server server{[](auto const&, int) { return answer(200, "direct"); }};
  test_server proxy{[](auto const&, int) { return answer(200, "proxy"); }};
  environment env;
  for (char const* name : {"no_proxy", "NO_PROXY"}) env.set(name, "127.0.0.1,localhost");
  client told{on, {.proxy = proxy.url()}};
  EXPECT_EQ(get(told, {.url = server.url()}).body, "proxy");
  EXPECT_EQ(get(told, {.url = server.url("/", "localhost")}).body, "proxy");
  EXPECT_EQ(server.connection_count(), 0);
}

TEST_F(Client, GuardsWhatGoesRoundTheProxyOfTheEnvironment) {
  test_server server{[](auto const&, int) { return answer(200, "direct"); }};
  test_server proxy{[](auto const&, int) { return answer(200, "proxy"); }};
  auto const willing = with_proxy_of_environment(on, {});
  if (!willing) GTEST_SKIP() << "libcurl is older than 8.7";
  EXPECT_EQ(fails(*willing, {.url = server.url()}), failure::refused_address);  // there is no proxy at all
  environment env;
  env.set("http_proxy", proxy.url());
  EXPECT_EQ(get(*willing, {.url = server.url()}).body, "proxy");  // which decides itself
  env.set("no_proxy", "127.0.0.1");
  EXPECT_EQ(fails(*willing, {.url = server.url()}), failure::refused_address);
  EXPECT_EQ(server.connection_count(), 0);
  auto const trusting = with_proxy_of_environment(on, local());
  EXPECT_EQ(get(*trusting, {.url = server.url()}).body, "direct");
}

}  // namespace
}  // namespace slipway::http_client
