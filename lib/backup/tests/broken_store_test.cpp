// What a backup does when the object store is slow, full of old things or refuses in the middle. The store is played
// where a real one cannot be made to do that, or does not know how to abort an upload.
#include "refusal.hpp"

#include <slipway/backup/storage.hpp>
#include <slipway/backup/store.hpp>
#include <slipway/core/errors.hpp>

#include "../../core/tests/temporary_folder.hpp"
#include "../../http_client/tests/test_server.hpp"
#include "../../tls/tests/certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <set>

namespace slipway::backup {
namespace {

using http_client::answer;
using http_client::test_server;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

// Knows objects and uploads by their names alone.
class played_store {
 public:
  settings settings_for(std::uint32_t part_size) const {
    settings out;
    out.storage = "s3://backups/mine";
    out.encrypt = false;
    out.s3.endpoint = "http://127.0.0.1:" + std::to_string(server_.port());
    out.s3.access_key = "AKIA";
    out.s3.secret_key = secret<std::string>{"very-secret"};
    out.s3.path_style = out.s3.private_network = true;
    out.s3.part_size = part_size;
    return out;
  }
  std::set<std::string> objects() {
    std::lock_guard const lock{mutex_};
    return objects_;
  }
  std::set<std::string> uploads() {
    std::lock_guard const lock{mutex_};
    return uploads_;
  }
  std::size_t parts() {
    std::lock_guard const lock{mutex_};
    return parts_;
  }
  // From now on it lets nobody abort an upload.
  void keep_parts() {
    std::lock_guard const lock{mutex_};
    keeps_parts_ = true;
  }
  // Its disks are full after so many more.
  void take_parts(std::size_t more) {
    std::lock_guard const lock{mutex_};
    most_parts_ = parts_ + more;
  }

 private:
  std::string reply(std::string const& request) {
    std::lock_guard const lock{mutex_};
    auto const verb = request.substr(0, request.find(' '));
    auto const target = request.substr(verb.size() + 1, request.find(" HTTP/") - verb.size() - 1);
    auto const question = target.find('?');
    auto const key = target.substr(0, question);
    auto const asked = question == std::string::npos ? "" : target.substr(question + 1);
    if (verb == "POST" && asked == "uploads=") {
      uploads_.insert(key);
      return answer(200, "<InitiateMultipartUploadResult><UploadId>one</UploadId></InitiateMultipartUploadResult>");
    }
    if (verb == "PUT" && asked.starts_with("partNumber=")) {
      if (parts_ == most_parts_)
        return answer(507, "<Error><Code>XMinioStorageFull</Code><Message>Full</Message></Error>");
      ++parts_;
      return answer(200, "", "ETag: \"1\"\r\n");
    }
    if (verb == "DELETE" && asked == "uploadId=one" && keeps_parts_)
      return answer(403, "<Error><Code>AccessDenied</Code><Message>Not allowed</Message></Error>");
    if (verb == "DELETE" && asked == "uploadId=one") return answer(uploads_.erase(key) > 0 ? 204 : 404);
    if (verb == "DELETE") return answer(objects_.erase(key) > 0 ? 204 : 404);
    if (verb == "PUT") objects_.insert(key);
    return answer(200);
  }

  std::mutex mutex_;
  std::set<std::string> objects_, uploads_;
  std::size_t parts_ = 0, most_parts_ = SIZE_MAX;
  bool keeps_parts_ = false;
  test_server server_{[this](std::string const& request, int) { return reply(request); }};
};

void fill(sink& to, std::string_view text) { to.write(std::as_bytes(std::span{text})); }

TEST(broken_store, more_parts_than_an_upload_may_have_are_refused_with_what_to_do) {
  played_store server;
  auto const s = server.settings_for(1);
  auto const kept = make_storage(s, system_clock());
  auto const said = refusal(exit_code::config, [&] {
    auto const to = kept->put("wal/large");
    fill(*to, std::string(10'001, 'x'));
    EXPECT_EQ(server.parts(), 10'000u) << "so many are allowed";
    to->finish();
  });
  EXPECT_THAT(said, AllOf(HasSubstr("wal/large"), HasSubstr("larger backup.s3.part_size")));
  EXPECT_EQ(server.parts(), 10'000u);
  EXPECT_THAT(server.uploads(), IsEmpty()) << "the parts must not stay and cost money";
}

TEST(broken_store, a_backup_that_fails_in_the_middle_leaves_no_parts_and_no_objects) {
  played_store server;
  auto const s = server.settings_for(1'000);
  seeded_random random{7};
  store backups{s, system_clock(), random, "1.2.3", [](std::string_view) {}};
  auto const some = [&random] {
    std::string out(10'000, ' ');  // what is random does not get smaller
    random.fill(std::as_writable_bytes(std::span{out}));
    return out;
  };
  auto const create = [&](std::function<void(sink&)> const& fill) {
    backups.create("postgres", "base", "tar", {}, fill);
  };
  auto said = refusal(exit_code::data, [&] {
    create([&](sink& to) {
      for (int i = 0; i < 100; ++i) fill(to, some());
      EXPECT_GT(server.parts(), 0u);
      EXPECT_EQ(server.uploads().size(), 1u);
      throw startup_error{exit_code::data, "pg_basebackup: the server went away"};
    });
  });
  EXPECT_THAT(said, HasSubstr("went away"));
  EXPECT_THAT(server.uploads(), IsEmpty());
  EXPECT_THAT(server.objects(), IsEmpty());

  server.take_parts(3);
  said = refusal(exit_code::cannot_create, [&] {
    create([&](sink& to) {
      for (int i = 0; i < 100; ++i) fill(to, some());
      to.finish();
    });
  });
  EXPECT_THAT(said, HasSubstr("the store's disks are full"));
  EXPECT_THAT(server.uploads(), IsEmpty());
  EXPECT_THAT(server.objects(), IsEmpty());
}

TEST(broken_store, parts_that_stay_are_told) {
  played_store server;
  server.keep_parts();
  auto const s = server.settings_for(1'000);
  seeded_random random{7};
  std::vector<std::string> lines;
  store backups{s, system_clock(), random, "1.2.3", [&lines](std::string_view line) { lines.emplace_back(line); }};
  auto const said = refusal(exit_code::data, [&] {
    backups.create("postgres", "base", "tar", {}, [&](sink& to) {
      std::string piece(10'000, ' ');
      for (int i = 0; i < 100; ++i) {
        random.fill(std::as_writable_bytes(std::span{piece}));
        fill(to, piece);
      }
      throw startup_error{exit_code::data, "pg_basebackup: the server went away"};
    });
  });
  EXPECT_THAT(said, HasSubstr("went away")) << "what went wrong first";
  ASSERT_EQ(server.uploads().size(), 1u);
  auto const key = *server.uploads().begin();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], AllOf(testing::StartsWith("warning: "), HasSubstr(key.substr(key.find("mine/"))),
                              HasSubstr("backups"), HasSubstr("AccessDenied"), HasSubstr("cost money")));
  EXPECT_THAT(lines[0], testing::Not(testing::AnyOf(HasSubstr("very-secret"), HasSubstr("AKIA"))));
}

TEST(broken_store, its_certificate_is_held_to_ca_file) {
  slipway::tests::temporary_folder const files{"store-tls"};
  for (std::string const name : {"localhost", "another"})
    tls::tests::make_certificate(files / name, {.subject = name, .alternative_names = "DNS:" + name});
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> const context{SSL_CTX_new(TLS_server_method()), &SSL_CTX_free};
  SSL_CTX_use_certificate_file(context.get(), (files / "localhost.crt").c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_use_PrivateKey_file(context.get(), (files / "localhost.key").c_str(), SSL_FILETYPE_PEM);
  test_server server{[](auto const&, int) { return answer(200, "<ListBucketResult/>"); }, context.get()};
  played_store const other;
  auto s = other.settings_for(1'000);
  auto const list = [&](std::string const& host, std::string const& ca_file) {
    s.s3.endpoint = "https://" + host + ":" + std::to_string(server.port());
    s.s3.ca_file = ca_file;
    return make_storage(s, system_clock())->directories();
  };
  EXPECT_THAT(list("localhost", files / "localhost.crt"), IsEmpty());
  for (auto const& [host, file] : {std::pair{"localhost", files / "another.crt"},
                                   {"localhost", files / "localhost.key"},
                                   {"127.0.0.1", files / "localhost.crt"},
                                   {"localhost", std::string{}}})
    EXPECT_THAT(refusal(exit_code::unavailable, [&] { list(host, file); }),
                AllOf(HasSubstr("backup.s3.ca_file"), HasSubstr("backup.s3.endpoint")))
        << host << file;
  EXPECT_THAT(refusal(exit_code::config, [&] { list("localhost", files / "absent.crt"); }),
              AllOf(HasSubstr("backup.s3.ca_file"), HasSubstr("absent.crt"), HasSubstr("No such file")));
}

TEST(broken_store, one_that_is_too_slow_is_told_from_one_that_is_away) {
  std::promise<void> given_up;
  test_server server{[wait = given_up.get_future().share()](auto const&, int) {
    wait.wait();
    return answer(200);
  }};
  played_store const other;
  auto s = other.settings_for(1'000);
  s.s3.endpoint = "http://127.0.0.1:" + std::to_string(server.port());
  s.s3.timeout = std::chrono::milliseconds{300};
  auto const kept = make_storage(s, system_clock());
  EXPECT_THAT(refusal(exit_code::unavailable, [&] { kept->directories(); }),
              AllOf(HasSubstr("is the line too slow"), HasSubstr("backup.s3.timeout")));
  given_up.set_value();
}

}  // namespace
}  // namespace slipway::backup
