#include <slipway/http/percent.hpp>
#include <slipway/http/router.hpp>

#include <gtest/gtest.h>

using namespace slipway;
using namespace slipway::http;

namespace {

struct table {
  router routes;
  arena memory;
  request r;

  void add(method verb, std::string pattern) { routes.add({.verb = verb, .pattern = std::move(pattern)}); }
  router::match find(std::string_view path, method verb = method::get) {
    r.verb = verb;
    r.path = path;
    return routes.find(r, memory);
  }
  std::string found(std::string_view path, method verb = method::get) {
    auto const m = find(path, verb);
    std::string out = m.found != nullptr ? m.found->pattern : "-";
    if (m.found != nullptr)
      for (auto p : r.parameters()) out += "|" + std::string{p};
    return out;
  }
};

}  // namespace

TEST(router, prefers_text_to_segments_and_segments_to_the_rest) {
  table t;
  for (auto p : {"/", "/users", "/users/me", "/users/{id}", "/users/{id}/notes", "/users/{id}/notes/{note}",
                 "/files/{*path}", "/files/index", "/usage", "/{page}"})
    t.add(method::get, p);
  EXPECT_EQ(t.found("/"), "/");
  EXPECT_EQ(t.found("/users"), "/users");
  EXPECT_EQ(t.found("/usage"), "/usage");
  EXPECT_EQ(t.found("/users/me"), "/users/me");
  EXPECT_EQ(t.found("/users/men"), "/users/{id}|men");
  EXPECT_EQ(t.found("/users/me/notes"), "/users/{id}/notes|me");
  EXPECT_EQ(t.found("/users/7/notes/8"), "/users/{id}/notes/{note}|7|8");
  EXPECT_EQ(t.found("/files/a/b/c.txt"), "/files/{*path}|a/b/c.txt");
  EXPECT_EQ(t.found("/files/index"), "/files/index");
  EXPECT_EQ(t.found("/files/"), "/files/{*path}|");
  EXPECT_EQ(t.found("/about"), "/{page}|about");
  EXPECT_EQ(t.found("/users/"), "-");
  EXPECT_EQ(t.found("/users/7/other"), "-");
  EXPECT_EQ(t.found("/a/b"), "-");
}

TEST(router, finds_each_of_many_paths_and_nothing_that_only_looks_like_one) {
  table t;
  t.add(method::get, "/{*rest}");
  for (int i = 0; i < 2000; ++i) t.add(method::get, "/" + std::to_string(i * 7919));
  for (int i = 0; i < 100; ++i) t.add(method::get, "/the/same/begin/" + std::to_string(100 + i) + "/and/the/same/end");
  for (int i = 0; i < 2000; ++i) {
    auto const path = "/" + std::to_string(i * 7919);
    EXPECT_EQ(t.found(path), path);
    EXPECT_EQ(t.found(path + "/"), "/{*rest}|" + path.substr(1) + "/");
  }
  for (int i = 0; i < 100; ++i) {
    auto const path = "/the/same/begin/" + std::to_string(100 + i) + "/and/the/same/end";
    EXPECT_EQ(t.found(path), path);
    auto other = path;
    other[16] = '2';
    EXPECT_EQ(t.found(other), "/{*rest}|" + other.substr(1));
  }
}

TEST(router, a_path_without_a_route_for_the_method_may_be_anothers_parameter) {
  table t;
  t.add(method::get, "/users/me");
  t.add(method::delete_, "/users/{id}");
  EXPECT_EQ(t.found("/users/me", method::head), "/users/me");
  EXPECT_EQ(t.found("/users/me", method::delete_), "/users/{id}|me");
  EXPECT_EQ(t.find("/users/me", method::post).allow, "GET, HEAD, OPTIONS");
}

TEST(router, decodes_parameters_once) {
  table t;
  t.add(method::get, "/n/{id}");
  t.add(method::get, "/n/me");
  t.add(method::get, "/f/{*rest}");
  EXPECT_EQ(t.found("/n/a%2Fb"), "/n/{id}|a/b");
  EXPECT_EQ(t.found("/n/a%252Fb"), "/n/{id}|a%2Fb");
  EXPECT_EQ(t.found("/n/%C3%A4+b"), "/n/{id}|\xC3\xA4+b");
  EXPECT_EQ(t.found("/%6E/%6de"), "/n/me");
  EXPECT_EQ(t.found("/f/%2e%2e/x"), "/f/{*rest}|../x");
  EXPECT_EQ(t.found("/n/%"), "-");
  EXPECT_EQ(t.found("/n/%4"), "-");
  EXPECT_EQ(t.found("/n/%zz"), "-");
  EXPECT_EQ(t.found("/n/a%00b"), "-");
  EXPECT_EQ(t.found("/n%2Fx"), "-");
}

TEST(router, says_what_a_path_would_take) {
  table t;
  t.add(method::get, "/notes/{id}");
  t.add(method::delete_, "/notes/{id}");
  t.add(method::post, "/notes");
  t.add(method::put, "/notes/latest");
  EXPECT_EQ(t.find("/notes/1", method::post).allow, "GET, HEAD, DELETE, OPTIONS");
  EXPECT_EQ(t.find("/notes", method::get).allow, "POST, OPTIONS");
  EXPECT_EQ(t.find("/nothing").allow, "");
  EXPECT_EQ(t.found("/notes/1", method::head), "/notes/{id}|1");
  // The text route does not take GET, but the parameter does.
  EXPECT_EQ(t.found("/notes/latest"), "/notes/{id}|latest");
  EXPECT_EQ(t.found("/notes/latest", method::put), "/notes/latest");
}

TEST(router, refuses_bad_patterns_and_conflicts) {
  table t;
  t.add(method::get, "/a/{x}");
  t.add(method::post, "/a/{y}");
  for (auto p : {"", "a", "/{", "/}", "/{}", "/{*}", "/{a b}", "/x{a}", "/{a}x", "/{a}/{a}", "/{*a}/b", "/a?b", "/a%20",
                 "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", "/a/{z}", "/a/{x}"})
    EXPECT_THROW(t.add(method::get, p), std::invalid_argument) << p;
  EXPECT_EQ(t.routes.routes().size(), 2u);
  EXPECT_EQ(t.routes.routes()[1]->index, 1u);
}

TEST(percent, decodes_forms) {
  arena memory;
  EXPECT_EQ(form_decode("a+b%2Bc", memory), "a b+c");
  EXPECT_EQ(percent_decode("a+b", memory), "a+b");
  EXPECT_EQ(percent_decode("%", memory), std::nullopt);
}
