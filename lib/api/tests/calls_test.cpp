#include "harness.hpp"
#include "shop.hpp"

#include <slipway/api/access.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace slipway;
using http::method;
using testing::HasSubstr;
using testing::Not;

// Tokens "member" and "keeper", and nothing else.
class two_tokens final : public api::authenticator {
 public:
  result<scope> authenticate(http::exchange const& x) override {
    auto const sent = x.request.header("Authorization");
    if (sent == "Bearer member") return scope{uuid{}, {}};
    if (sent == "Bearer keeper") return scope{uuid{{1}}, {shop::right::restock}};
    return std::unexpected(fault::unauthenticated("invalid_token").internal("not one of the two"));
  }
};

class api_calls : public testing::Test {
 protected:
  api_calls() {
    shop::routes(router, shop);
    calls.through(guard);
    calls.through(deprecation);
  }
  shop::counter shop;
  api::router router;
  two_tokens tokens;
  api::access_guard guard{tokens, "shop"};
  api::deprecation_notice deprecation;
  api::test::caller calls{router};
  std::string some = id_of<shop::item>::make().text();
};

TEST_F(api_calls, a_good_body_is_created_with_its_location) {
  auto const a = calls.call(method::post, "/v1/items", R"({"name":"nail","count":3})");
  EXPECT_EQ(a.status, 201);
  EXPECT_EQ(a.header("Location"), "/v1/items/" + std::string{a.json().at("id").as_string()});
  EXPECT_EQ(a.json().at("count").as_int64(), 3);
}

TEST_F(api_calls, every_wrong_field_is_named_at_once) {
  auto const a = calls.call(method::post, "/v1/items", R"({"name":"  ","count":101,"colour":"red"})");
  EXPECT_EQ(a.status, 422);
  EXPECT_EQ(a.media_type, "application/problem+json");
  EXPECT_EQ(a.code(), "invalid");
  auto const document = a.json();
  std::vector<std::string> pointers;
  for (auto const& e : document.at("errors").as_array()) pointers.emplace_back(e.at("pointer").as_string());
  EXPECT_THAT(pointers, testing::UnorderedElementsAre("/name", "/count", "/colour"));
  EXPECT_EQ(document.at("correlation_id").as_string(), "test-correlation");
  EXPECT_EQ(shop.created_count, 0);
}

TEST_F(api_calls, a_body_that_is_no_json_is_malformed_and_says_where) {
  auto const a = calls.call(method::post, "/v1/items", "{\"name\":\n oops}");
  EXPECT_EQ(a.status, 400);
  EXPECT_EQ(a.code(), "malformed_json");
  EXPECT_THAT(a.body, HasSubstr("Line 2"));
}

TEST_F(api_calls, another_media_type_and_codings_are_refused) {
  EXPECT_EQ(calls.call(method::post, "/v1/items", {}, {{"Content-Type", "text/plain"}}).status, 400);  // no body at all
  api::test::caller plain{router};
  auto const coded = calls.call(method::post, "/v1/items", R"({"name":"nail"})", {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(coded.status, 415);
}

TEST_F(api_calls, a_path_that_is_no_id_names_nothing) {
  EXPECT_EQ(calls.call(method::get, "/v1/items/17").status, 404);
  EXPECT_EQ(calls.call(method::get, "/v1/items/" + some).status, 200);
}

TEST_F(api_calls, internal_texts_reach_the_log_and_never_the_client) {
  auto const missing = calls.call(method::get, "/v1/items/" + shop.missing.text());
  EXPECT_EQ(missing.status, 404);
  EXPECT_THAT(missing.body, Not(HasSubstr("shelf")));
  EXPECT_EQ(missing.internal, "row 42 of shelf 7");
  auto const broken = calls.call(method::get, "/v1/broken");
  EXPECT_EQ(broken.status, 500);
  EXPECT_EQ(broken.code(), "internal_error");
  EXPECT_THAT(broken.body, Not(HasSubstr("cellar")));
  EXPECT_THAT(broken.internal, HasSubstr("cellar"));
  auto const busy = calls.call(method::get, "/v1/busy");
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.header("Retry-After"), "7");
  auto const unfit = calls.call(method::get, "/v1/unfit");
  EXPECT_EQ(unfit.status, 422);
  EXPECT_EQ(unfit.code(), "invalid");
  EXPECT_THAT(unfit.body, Not(HasSubstr("cellar")));
  EXPECT_THAT(unfit.internal, HasSubstr("NUL"));
  EXPECT_THAT(busy.body, Not(HasSubstr("cellar")));
}

TEST_F(api_calls, a_query_is_read_and_its_lists_repeat) {
  auto const a = calls.call(method::get, "/v1/items?q=a%20b&sort=count&tag=x&tag=y&at_least=3");
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(shop.last_query.q, "a b");
  EXPECT_EQ(shop.last_query.sort, shop::order::count);
  EXPECT_THAT(shop.last_query.tag, testing::ElementsAre("x", "y"));
  EXPECT_EQ(shop.last_query.at_least, 3);
  EXPECT_EQ(shop.last_query.limit, 2);
}

TEST_F(api_calls, a_query_is_as_strict_as_a_body) {
  auto const a = calls.call(method::get, "/v1/items?q=123456&sort=colour&limit=0&limit=1&what=1");
  EXPECT_EQ(a.status, 422);
  std::vector<std::string> found;
  for (auto const& e : a.json().at("errors").as_array())
    found.push_back(std::string{e.at("pointer").as_string()} + ":" + std::string{e.at("code").as_string()});
  EXPECT_THAT(found, testing::UnorderedElementsAre("q:too_long", "sort:not_in_enum", "limit:duplicate",
                                                   "limit:out_of_range", "what:unknown"));
  EXPECT_EQ(calls.call(method::get, "/v1/items?q=%zz").status, 400);
  std::string many = "/v1/items?tag=0";
  for (int i = 0; i < 70; ++i) many += "&tag=1";
  EXPECT_EQ(calls.call(method::get, many).status, 400);
}

TEST_F(api_calls, a_page_links_to_the_next_one_with_the_same_query) {
  auto const a = calls.call(method::get, "/v1/items?sort=name&cursor=&limit=2");
  EXPECT_EQ(a.status, 422);  // this query has no cursor
  auto const b = calls.call(method::get, "/v1/items?sort=name");
  EXPECT_EQ(b.header("Link"), "</v1/items?sort=name&cursor=abc>; rel=\"next\"");
}

TEST_F(api_calls, a_link_has_one_cursor_however_its_name_was_written) {
  auto const link = [&](std::string const& query) {
    return calls.call(method::get, "/v1/walk?" + query).header("Link");
  };
  EXPECT_EQ(link("cursor=x&a=1"), "</v1/walk?a=1&cursor=abc>; rel=\"next\"");
  EXPECT_EQ(link("a=1&%63urso%72=x&"), "</v1/walk?a=1&cursor=abc>; rel=\"next\"");
  EXPECT_EQ(link("cursor&&cursors=1"), "</v1/walk?cursors=1&cursor=abc>; rel=\"next\"");
}

TEST_F(api_calls, a_link_ends_where_its_reference_ends) {
  // RFC 8288, section 3: the target stands between the first < and the first >.
  auto const link = [&](std::string const& query) {
    return calls.call(method::get, "/v1/walk?" + query).header("Link");
  };
  EXPECT_EQ(link("q=a>b<\"c\"|{}\\^`[]"),
            "</v1/walk?q=a%3Eb%3C%22c%22%7C%7B%7D%5C%5E%60%5B%5D&cursor=abc>; rel=\"next\"");
  EXPECT_EQ(link("q=50%&r=%zz&s=%3e&t=\xc3\xa4"), "</v1/walk?q=50%25&r=%25zz&s=%3e&t=%C3%A4&cursor=abc>; rel=\"next\"");
  EXPECT_EQ(link("q=a+b%20c/d?e:f@g!h$i'(j)*k,l;m=n~o"),
            "</v1/walk?q=a+b%20c/d?e:f@g!h$i'(j)*k,l;m=n~o&cursor=abc>; rel=\"next\"");
}

TEST_F(api_calls, sparse_fields_leave_the_rest_out) {
  auto const a = calls.call(method::get, "/v1/items?fields=name");
  EXPECT_EQ(a.body, R"({"items":[{"name":"nail"},{"name":"screw"}],"next":"abc"})");
  EXPECT_EQ(calls.call(method::get, "/v1/items/" + some + "?fields=count,name").body, R"({"name":"nail","count":3})");
  auto const unknown = calls.call(method::get, "/v1/items?fields=colour");
  EXPECT_EQ(unknown.status, 422);
  EXPECT_EQ(calls.call(method::get, "/v1/items/" + some + "?fields=%zz").status, 400);
  // It is told with what else is wrong, before any work, and as if nothing else were: no tag, no link, no 404.
  EXPECT_EQ(unknown.header("Link"), "");
  EXPECT_THAT(calls.call(method::get, "/v1/items?fields=colour&limit=0").body,
              AllOf(HasSubstr("\"fields\""), HasSubstr("\"limit\"")));
  for (auto const& id : {some, shop.missing.value.text()}) {
    auto const wrong = calls.call(method::get, "/v1/items/" + id + "?fields=colour", {}, {{"If-None-Match", "\"5\""}});
    EXPECT_EQ(wrong.status, 422) << id;
    EXPECT_EQ(wrong.header("ETag"), "");
  }
  EXPECT_EQ(calls.call(method::get, "/v1/items/" + some + "?%66ields=name").body, R"({"name":"nail"})");
  for (auto const& path : {std::string{"/v1/items"}, "/v1/items/" + some}) {
    auto const body = [&](std::string_view query) { return calls.call(method::get, path + std::string{query}).body; };
    EXPECT_EQ(body("?fields=name&fields=count"), body("?fields=name")) << path;
    EXPECT_EQ(body("?fields=&fields=name"), body("")) << path;
  }
}

TEST_F(api_calls, a_known_version_is_not_sent_again) {
  auto const a = calls.call(method::get, "/v1/items/" + some);
  EXPECT_EQ(a.header("ETag"), "\"5\"");
  EXPECT_EQ(calls.call(method::get, "/v1/items/" + some, {}, {{"If-None-Match", "\"4\", W/\"5\""}}).status, 304);
  EXPECT_EQ(calls.call(method::get, "/v1/items/" + some, {}, {{"If-None-Match", "\"4\""}}).status, 200);
}

TEST_F(api_calls, lists_of_tags_may_have_empty_elements_and_several_lines) {
  std::string const path = "/v1/items/" + some;
  for (auto const* list : {", \"5\"", "\"4\",,\"5\"", ",,\t, \"5\" ,", "*"}) {
    EXPECT_EQ(calls.call(method::get, path, {}, {{"If-None-Match", list}}).status, 304) << list;
    EXPECT_EQ(calls.call(method::delete_, path, {}, {{"If-Match", list}}).status, 204) << list;
  }
  EXPECT_EQ(calls.call(method::get, path, {}, {{"If-None-Match", "\"4\""}, {"If-None-Match", "\"5\""}}).status, 304);
  EXPECT_EQ(calls.call(method::delete_, path, {}, {{"If-Match", "\"4\""}, {"If-Match", "\"5\""}}).status, 204);
  EXPECT_EQ(calls.call(method::delete_, path, {}, {{"If-Match", "\"4\""}, {"If-Match", "\"6\""}}).status, 412);
}

TEST_F(api_calls, a_condition_that_need_not_be_made_holds_when_it_is) {
  std::string const path = "/v1/items/" + some;
  EXPECT_EQ(calls.call(method::delete_, path).status, 204);
  EXPECT_EQ(calls.call(method::delete_, path, {}, {{"If-Match", "\"5\""}}).status, 204);
  EXPECT_EQ(shop.removed_count, 2);
  for (auto const* list : {"\"4\"", "W/\"5\"", "5", "\"5", "", "\"4\" \"5\""}) {
    auto const a = calls.call(method::delete_, path, {}, {{"If-Match", list}});
    EXPECT_EQ(a.status, 412) << list;
    EXPECT_EQ(a.code(), "precondition_failed") << list;
  }
  EXPECT_EQ(shop.removed_count, 2);
}

TEST_F(api_calls, a_change_must_say_what_it_is_based_on) {
  std::vector<std::pair<std::string, std::string>> const member{{"Authorization", "Bearer member"}};
  auto with = [&](std::string tag) {
    auto h = member;
    h.emplace_back("If-Match", std::move(tag));
    return h;
  };
  auto const body = R"({"name":"bolt"})";
  EXPECT_EQ(calls.call(method::patch, "/v1/items/" + some, body, member).status, 428);
  EXPECT_EQ(calls.call(method::patch, "/v1/items/" + some, body, with("\"4\"")).status, 412);
  EXPECT_EQ(calls.call(method::patch, "/v1/items/" + some, body, with("W/\"5\"")).status,
            412);  // the comparison is strong
  EXPECT_EQ(calls.call(method::patch, "/v1/items/" + some, body, with("\"4\", \"5\"")).status, 200);
  EXPECT_EQ(calls.call(method::patch, "/v1/items/" + some, body, with("*")).status, 200);
}

TEST_F(api_calls, the_guard_asks_who_and_whether_he_may) {
  auto const nobody = calls.call(method::post, "/v1/restock");
  EXPECT_EQ(nobody.status, 401);
  EXPECT_EQ(nobody.header("WWW-Authenticate"), "Bearer realm=\"shop\"");
  auto const forged = calls.call(method::post, "/v1/restock", {}, {{"Authorization", "Bearer forged"}});
  EXPECT_EQ(forged.status, 401);
  EXPECT_EQ(forged.header("WWW-Authenticate"), "Bearer realm=\"shop\", error=\"invalid_token\"");
  EXPECT_THAT(forged.body, Not(HasSubstr("two")));
  auto const other = calls.call(method::post, "/v1/restock", {}, {{"Authorization", "Basic dXNlcjpwYXNz"}});
  EXPECT_EQ(other.status, 401);
  EXPECT_EQ(other.header("WWW-Authenticate"), "Bearer realm=\"shop\"") << "no token was sent that could be wrong";
  EXPECT_EQ(calls.call(method::post, "/v1/restock", {}, {{"Authorization", "Bearer member"}}).status, 403);
  EXPECT_EQ(calls.call(method::post, "/v1/restock", {}, {{"Authorization", "Bearer keeper"}}).status, 204);
  // A route for everyone also serves whoever brings a token that has run out.
  EXPECT_EQ(calls.call(method::get, "/v1/items", {}, {{"Authorization", "Bearer forged"}}).status, 200);
}

TEST_F(api_calls, headers_cookies_and_the_client_are_handed_over) {
  auto const a = calls.call(method::get, "/v1/text", {}, {{"x-name", "Ada"}, {"Cookie", "a=b; color=red; c=d"}});
  EXPECT_EQ(a.body, "Ada/red/192.0.2.1");
  EXPECT_EQ(a.media_type, "text/plain");
  EXPECT_EQ(a.header("Deprecation"), "@1767225600");
  EXPECT_EQ(a.header("Sunset"), "Fri, 01 Jan 2027 00:00:00 GMT");
  EXPECT_EQ(a.header("Link"), "</v2/text>; rel=\"successor-version\"");
  auto const lines =
      calls.call(method::get, "/v1/text", {}, {{"x-name", "Ada"}, {"Cookie", "color=red"}, {"X-Name", "Grace"}});
  EXPECT_EQ(lines.body, "Ada, Grace/red/192.0.2.1") << "several lines of a header are one list";
  EXPECT_EQ(calls.call(method::get, "/v1/text").body, "//192.0.2.1");
}

TEST_F(api_calls, two_versions_of_a_route_answer_side_by_side) {
  auto const newer = calls.call(method::get, "/v2/text", {}, {{"x-name", "Ada"}, {"Cookie", "color=red"}});
  EXPECT_EQ(newer.status, 200);
  EXPECT_EQ(newer.body, "Ada/red/192.0.2.1");
  for (auto const* name : {"Deprecation", "Sunset", "Link"}) EXPECT_EQ(newer.header(name), "") << name;
  EXPECT_EQ(calls.call(method::get, "/v1/text", {}, {{"x-name", "Ada"}, {"Cookie", "color=red"}}).body, newer.body);
}

TEST_F(api_calls, work_that_goes_on_is_accepted_with_where_to_ask) {
  auto const a = calls.call(method::post, "/v1/counts");
  EXPECT_EQ(a.status, 202);
  EXPECT_EQ(a.header("Location"), "/v1/counts/7");
  EXPECT_EQ(a.json().at("name").as_string(), "nail");
}

std::string part(std::string_view head, std::string_view text) {
  return "--b\r\nContent-Disposition: form-data; " + std::string{head} + "\r\n\r\n" + std::string{text} + "\r\n";
}

TEST_F(api_calls, a_file_comes_as_a_form_with_one_part) {
  auto const send = [&](std::string body, std::string type = "multipart/form-data; boundary=b") {
    return calls.call(method::post, "/v1/list", std::move(body), {{"Content-Type", std::move(type)}});
  };
  auto const file = part(R"(name="list"; filename="../a.csv")", "nail,3");
  auto const good = send(file + "--b--\r\n");
  ASSERT_EQ(good.status, 200) << good.body;
  EXPECT_EQ(good.json().at("name").as_string(), "a.csv") << "made safe";
  EXPECT_EQ(good.json().at("count").to_number<int>(), 6);
  auto const wrong = [&](std::string body) {
    auto const a = send(std::move(body));
    EXPECT_EQ(a.status, 422) << a.body;
    auto const document = a.json();
    auto const& e = document.at("errors").as_array().at(0);
    return std::string{e.at("pointer").as_string()} + " " + std::string{e.at("code").as_string()};
  };
  EXPECT_EQ(wrong("--b--\r\n"), "/list required");
  EXPECT_EQ(wrong(part(R"(name="other"; filename="a")", "") + "--b--\r\n"), "/other unknown");
  EXPECT_EQ(wrong(part(R"(name="list")", "text") + "--b--\r\n"), "/list wrong_type");
  EXPECT_EQ(wrong(file + file + "--b--\r\n"), "/list unknown");
  EXPECT_EQ(send("{}", "application/json").status, 415);
  EXPECT_EQ(send("x", "multipart/form-data").code(), "missing_boundary");
  EXPECT_EQ(send(file).status, 400) << "it is torn off";
  auto const coded = calls.call(method::post, "/v1/list", file,
                                {{"Content-Type", "multipart/form-data; boundary=b"}, {"Content-Encoding", "gzip"}});
  EXPECT_EQ(coded.code(), "unsupported_content_encoding");
}

TEST_F(api_calls, a_download_has_a_name_and_a_value_its_status) {
  auto const a = calls.call(method::get, "/v1/list");
  EXPECT_EQ(a.body, "nail,3");
  EXPECT_EQ(a.media_type, "text/csv");
  EXPECT_EQ(a.header("Content-Disposition"), "attachment; filename=\"n_gel.csv\"; filename*=UTF-8''n%C3%A4gel.csv");
  EXPECT_EQ(a.header("Cache-Control"), "no-store");
  auto const s = calls.call(method::get, "/v1/stock");
  EXPECT_EQ(s.status, 503);
  EXPECT_EQ(s.media_type, "application/json");
  EXPECT_EQ(s.json().at("name").as_string(), "nail");
}

}  // namespace
