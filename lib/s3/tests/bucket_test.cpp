// What the requests look like, and what refusals are called; lib/backup's tests ask a real store.
#include <slipway/s3/bucket.hpp>

#include "../../http_client/tests/client_fixture.hpp"

#include <gtest/gtest.h>

#include <future>

namespace slipway::s3 {
namespace {

using http_client::answer;
using http_client::test_server;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct bucket_test : http_client::Client {
  settings settings_;

  bucket_test() {
    settings_.access_key = "AKIA";
    settings_.secret_key = secret<std::string>{"very-secret"};
    settings_.path_style = true;
    settings_.private_network = true;
  }
  template <class Work>
  auto with(test_server& server, Work const& work, std::string const& host = "127.0.0.1") {
    settings_.endpoint = "http://" + host + ":" + std::to_string(server.port());
    auto how = http_settings(settings_);
    how.retry.first_wait = 1ms;
    http_client::client http{on, how};
    auto const bucket = make_bucket(http, settings_, "backups");
    return on.run(work(*bucket));
  }
  static std::string refused(std::string const& code) {
    return "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>As it says</Message></Error>";
  }
  template <class Work>
  error refusal_of(test_server& server, Work const& work) {
    try {
      with(server, work);
    } catch (error const& e) {
      return e;
    }
    return {0, {}, exit_code::ok, "taken"};
  }
  // What a put says that is answered so.
  error refusal(std::string const& reply) {
    test_server server{[&](auto const&, int) { return reply; }};
    return refusal_of(server, [](bucket& b) { return b.put("a/b", "text"); });
  }
  template <class Work>
  http_client::failure no_answer(test_server& server, Work const& work) {
    try {
      with(server, work);
    } catch (http_client::request_error const& e) {
      return e.why();
    }
    ADD_FAILURE() << "an answer was taken";
    return http_client::failure::invalid;
  }
};

TEST_F(bucket_test, the_bucket_is_in_the_path_or_in_the_name) {
  test_server server{[](auto const&, int) { return answer(200); }};
  with(server, [](bucket& b) { return b.put("a/b", "text"); });
  settings_.path_style = false;
  with(server, [](bucket& b) { return b.put("a/b", "text"); }, "localhost");
  auto const sent = server.requests();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_THAT(sent[0], StartsWith("PUT /backups/a/b HTTP/1.1\r\n"));
  EXPECT_THAT(sent[1], AllOf(StartsWith("PUT /a/b HTTP/1.1\r\n"), HasSubstr("Host: backups.localhost:")));
}

TEST_F(bucket_test, a_list_comes_page_by_page) {
  test_server server{[](std::string const& request, int) {
    return request.find("continuation-token=a%2Bb%2F%3D") == std::string::npos
               ? answer(200,
                        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>a+b/=</"
                        "NextContinuationToken><CommonPrefixes><Prefix>p/x/</Prefix></CommonPrefixes>"
                        "</ListBucketResult>")
               : answer(200,
                        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>p/y</Key><Size>12</Size>"
                        "<LastModified>2026-01-31T12:00:00.000Z</LastModified></Contents></ListBucketResult>");
  }};
  auto const first = with(server, [](bucket& b) { return b.list("p/", true); });
  EXPECT_THAT(first.folders, testing::ElementsAre("p/x/"));
  EXPECT_EQ(first.next, "a+b/=");
  auto const second = with(server, [&](bucket& b) { return b.list("p/", true, first.next); });
  ASSERT_EQ(second.objects.size(), 1u);
  EXPECT_EQ(second.objects[0].key, "p/y");
  EXPECT_EQ(second.objects[0].size, 12u);
  EXPECT_EQ(second.objects[0].changed, time_point{std::chrono::sys_days{std::chrono::January / 31 / 2026} + 12h});
  EXPECT_EQ(second.next, "");
  EXPECT_THAT(server.requests()[0],
              StartsWith("GET /backups?delimiter=%2F&list-type=2&max-keys=1000&prefix=p%2F HTTP"));
}

TEST_F(bucket_test, what_is_no_list_is_not_an_empty_one) {
  test_server server{[](auto const&, int) { return answer(200, "<html>Welcome</html>"); }};
  EXPECT_THROW(with(server, [](bucket& b) { return b.list("p/", true); }), error);
}

TEST_F(bucket_test, a_list_that_does_not_say_how_it_goes_on_is_refused) {
  for (std::string const token : {"", "<NextContinuationToken>again</NextContinuationToken>"}) {
    test_server server{[&](auto const&, int) {
      return answer(200, "<ListBucketResult><IsTruncated>true</IsTruncated>" + token + "</ListBucketResult>");
    }};
    // A second page that begins where it begins itself would be asked for without an end.
    auto const said = refusal_of(server, [](bucket& b) -> task<> { co_await b.list("p/", true, "again"); });
    EXPECT_THAT(said.what(), AllOf(HasSubstr("s3://backups"), HasSubstr("the next page of its list")));
    EXPECT_EQ(said.exit(), exit_code::unavailable);
  }
}

TEST_F(bucket_test, what_is_not_the_piece_that_was_asked_for_is_refused) {
  auto const piece = [](std::string const& body, std::string const& range) {
    return answer(206, body, range.empty() ? "" : "Content-Range: " + range + "\r\n");
  };
  for (auto const& reply :
       {piece("more than four", "bytes 10-23/443"), piece("four", ""), piece("four", "bytes 10-13/*"),
        piece("four", "bytes 0-3/443"), piece("four", "bytes 10-14/443"), piece("four", "bytes 10-13/13"),
        piece("", "bytes 10-9/443"), piece("four", "10-13/443")}) {
    test_server server{[&](auto const&, int) { return reply; }};
    auto const said = refusal_of(server, [](bucket& b) -> task<> { co_await b.get("a/b", 10, 4); });
    EXPECT_THAT(said.what(), AllOf(HasSubstr("s3://backups"), HasSubstr("a/b"), HasSubstr("another piece"))) << reply;
    EXPECT_EQ(said.exit(), exit_code::unavailable);
  }
  test_server server{[&](auto const&, int) { return piece("end", "bytes 440-442/443"); }};
  EXPECT_EQ(with(server, [](bucket& b) { return b.get("a/b", 440, 100); })->bytes, "end");
}

TEST_F(bucket_test, an_object_that_is_cut_in_the_middle_is_asked_for_again) {
  auto const cut =
      "HTTP/1.1 206 x\r\nContent-Range: bytes 0-9/10\r\nContent-Length: 10\r\nConnection: close\r\n\r\n01234";
  int cuts = 2;
  test_server server{[&](auto const&, int) {
    return cuts-- > 0 ? cut : answer(206, "0123456789", "Content-Range: bytes 0-9/10\r\n");
  }};
  auto const get = [](bucket& b) { return b.get("a", 0, most_read); };
  EXPECT_EQ(with(server, get)->bytes, "0123456789");
  EXPECT_EQ(server.requests().size(), 3u);
  cuts = 1'000;
  EXPECT_EQ(no_answer(server, get), http_client::failure::interrupted);
  EXPECT_EQ(server.requests().size(), 3u + 5u) << "five attempts are all";
}

TEST_F(bucket_test, a_store_that_does_not_answer_in_time_is_given_up) {
  std::promise<void> given_up;
  test_server server{[&, wait = given_up.get_future().share()](auto const&, int) {
    wait.wait();
    return answer(200);
  }};
  settings_.timeout = 200ms;
  EXPECT_EQ(no_answer(server, [](bucket& b) { return b.put("a", "text"); }), http_client::failure::timeout);
  given_up.set_value();
}

TEST_F(bucket_test, what_passes_is_tried_again_and_what_does_not_is_not) {
  int failures = 2;
  test_server server{[&](auto const&, int) { return failures-- > 0 ? answer(failures ? 500 : 503) : answer(200); }};
  with(server, [](bucket& b) { return b.put("a", "text"); });
  EXPECT_EQ(server.requests().size(), 3u);
  test_server closed{[](auto const&, int) { return answer(403, refused("AccessDenied")); }};
  EXPECT_THROW(with(closed, [](bucket& b) { return b.put("a", "text"); }), error);
  EXPECT_EQ(closed.requests().size(), 1u);
}

TEST_F(bucket_test, refusals_say_what_to_do) {
  auto const says = [&](int status, std::string const& code) { return refusal(answer(status, refused(code))); };
  EXPECT_THAT(says(404, "NoSuchBucket").what(),
              AllOf(HasSubstr("s3://backups at http://127.0.0.1"), HasSubstr("make it, or correct the name")));
  EXPECT_EQ(says(404, "NoSuchBucket").exit(), exit_code::config);
  EXPECT_THAT(says(403, "InvalidAccessKeyId").what(), HasSubstr("correct s3.access_key"));
  EXPECT_THAT(says(403, "SignatureDoesNotMatch").what(), HasSubstr("correct s3.secret_key"));
  EXPECT_THAT(says(403, "RequestTimeTooSkewed").what(), HasSubstr("this machine's clock"));
  EXPECT_EQ(says(403, "AccessDenied").exit(), exit_code::permission);
  EXPECT_EQ(says(507, "XMinioStorageFull").exit(), exit_code::cannot_create);
  EXPECT_THAT(says(418, "Unheard\nOf").what(), AllOf(HasSubstr("As it says"), Not(HasSubstr("\n"))));
  EXPECT_THAT(refusal(answer(301, "", "x-amz-bucket-region: eu-west-1\r\n")).what(),
              AllOf(HasSubstr("another region"), HasSubstr("eu-west-1")));
  EXPECT_THAT(refusal(answer(404, "<html>")).what(), HasSubstr("does s3.endpoint name an object store"));
  EXPECT_THAT(says(403, "SignatureDoesNotMatch").what(), Not(HasSubstr("very-secret")));
}

TEST_F(bucket_test, a_completion_that_failed_after_its_200_is_a_failure) {
  test_server server{[](auto const&, int) { return answer(200, refused("InternalError")); }};
  EXPECT_THROW(with(server, [](bucket& b) { return b.complete_upload("a", "id", {"\"1\""}, 10); }), error);
}

TEST_F(bucket_test, a_completion_whose_answer_was_lost_is_found_done) {
  for (auto const* size : {"10", "11"}) {
    test_server server{[&](std::string const& request, int n) {
      if (request.starts_with("GET")) return answer(206, "x", "Content-Range: bytes 0-0/" + std::string{size} + "\r\n");
      return n == 1 ? std::string{} : answer(404, refused("NoSuchUpload"));
    }};
    auto const complete = [](bucket& b) { return b.complete_upload("a", "id", {"\"1\""}, 10); };
    if (std::string_view{size} == "10")
      with(server, complete);
    else
      EXPECT_THROW(with(server, complete), error);
  }
}

TEST_F(bucket_test, addresses_of_ones_own_network_are_for_those_who_say_so) {
  settings_.private_network = false;
  test_server server{[](auto const&, int) { return answer(200); }};
  try {
    with(server, [](bucket& b) { return b.put("a", "text"); });
    ADD_FAILURE() << "it was reached";
  } catch (http_client::request_error const& e) {
    EXPECT_EQ(e.why(), http_client::failure::refused_address);
  }
}

TEST_F(bucket_test, there_is_none_without_keys) {
  settings_.secret_key = {};
  test_server server{[](auto const&, int) { return answer(200); }};
  EXPECT_THROW(with(server, [](bucket& b) { return b.put("a", "text"); }), startup_error);
}

}  // namespace
}  // namespace slipway::s3
