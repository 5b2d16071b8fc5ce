#include <slipway/content/multipart_form.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

namespace slipway::content {
namespace {

struct seen {
  std::string name, file, type, data;
  bool is_file = false;
  friend bool operator==(seen const&, seen const&) = default;
};

std::vector<seen> read(std::vector<std::string> pieces, multipart_limits limits = {}, std::string boundary = "AaB03x") {
  scripted_body body{std::move(pieces)};
  multipart_form form{boundary, body, limits};
  return now([](multipart_form& f) -> task<std::vector<seen>> {
    std::vector<seen> out;
    while (auto* p = co_await f.next_part()) {
      auto data = co_await p->text();
      out.push_back({p->name(), p->file_name(), p->content_type(), std::move(data), p->is_file()});
    }
    co_return out;
  }(form));
}

int status_for(std::string body, multipart_limits limits = {}) {
  try {
    read({std::move(body)}, limits);
    return 200;
  } catch (http::body_error const& e) {
    return e.status();
  }
}

std::string const sample =
    "This is a preamble\r\n--AaB03\r\n"
    "\r\n--AaB03x\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nhello\r\n"
    "--AaB03x \t\r\ncontent-disposition: form-data; name=\"f\"; filename=\"a\\b\\r%22.txt\"\r\nContent-Type: "
    "text/csv\r\n\r\n"
    "a,b\r\n--AaB03\r\n\r\r\n-\r\n--\r\n\r\n"
    "\r\n--AaB03x\r\nContent-Disposition: form-data; name=empty\r\n\r\n\r\n"
    "--AaB03x\r\nContent-Disposition: form-data; name=none; filename=\"\"\r\n\r\n"
    "--AaB03x--\r\nepilogue --AaB03x\r\n";
std::vector<seen> const expected{{"title", "", "text/plain", "hello"},
                                 {"f", "r_.txt", "text/csv", "a,b\r\n--AaB03\r\n\r\r\n-\r\n--\r\n\r\n", true},
                                 {"empty", "", "text/plain", ""},
                                 {"none", "file", "text/plain", "", true}};

TEST(multipart, reads_at_once) { EXPECT_EQ(read({sample}), expected); }

TEST(multipart, reads_split_at_every_byte) {
  for (std::size_t i = 1; i < sample.size(); ++i)
    ASSERT_EQ(read({sample.substr(0, i), sample.substr(i)}), expected) << i;
}

TEST(multipart, reads_split_at_every_two_bytes_apart) {
  for (std::size_t i = 1; i + 3 < sample.size(); ++i)
    for (std::size_t k : {1u, 2u, 3u})
      ASSERT_EQ(read({sample.substr(0, i), sample.substr(i, k), sample.substr(i + k)}), expected) << i;
}

TEST(multipart, reads_byte_by_byte) {
  std::vector<std::string> bytes;
  for (char c : sample) bytes.emplace_back(1, c);
  EXPECT_EQ(read(bytes), expected);
}

TEST(multipart, begins_with_its_delimiter_and_may_be_empty) {
  EXPECT_EQ(read({"--AaB03x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--AaB03x--"}),
            (std::vector<seen>{{"a", "", "text/plain", "1"}}));
  EXPECT_TRUE(read({"--AaB03x--\r\n"}).empty());
}

TEST(multipart, every_truncation_is_an_error) {
  auto const end = sample.find("AaB03x--") + 8;
  for (std::size_t i = 0; i < end; ++i) ASSERT_EQ(status_for(sample.substr(0, i)), 400) << i;
  EXPECT_EQ(status_for(sample.substr(0, end)), 200);
}

TEST(multipart, refuses_what_is_malformed) {
  std::string const d = "--AaB03x\r\n", head = "Content-Disposition: form-data; name=\"a\"\r\n",
                    close = "\r\n--AaB03x--\r\n";
  EXPECT_EQ(status_for(d + head + "\r\nx" + close), 200);
  for (auto const& bad :
       std::vector<std::string>{"",
                                "no delimiter at all",
                                d + "\r\nx" + close,
                                d + "Content-Type: text/plain\r\n\r\nx" + close,
                                d + "Content-Disposition: attachment; name=a\r\n\r\nx" + close,
                                d + "Content-Disposition: form-data\r\n\r\nx" + close,
                                d + "Content-Disposition: form-data; name=a; name=b\r\n\r\nx" + close,
                                d + "Content-Disposition: form-data; name=\"a\r\n\r\nx" + close,
                                d + "Content-Disposition: form-data; name=\"%zz\"\xff\r\n\r\nx" + close,
                                d + "Content-Disposition: form-data; name=\"\xff\"\r\n\r\nx" + close,
                                d + "no colon\r\n\r\nx" + close,
                                d + ": no name\r\n\r\nx" + close,
                                d + "a b: c\r\n" + head + "\r\nx" + close,
                                d + head + " folded\r\n\r\nx" + close,
                                d + "A: b\nC: d\r\n" + head + "\r\nx" + close,
                                d + std::string{"A: \0\r\n", 7} + head + "\r\nx" + close,
                                d + head + "\r\nx\r\n--AaB03xy\r\n\r\n" + close,
                                "--AaB03x-\r\n",
                                "--AaB03x\rX",
                                "--AaB03x\n" + head + "\r\nx" + close,
                                d + head + "\r\nx\n--AaB03x--\n"})
    EXPECT_EQ(status_for(bad), 400) << bad;
}

TEST(multipart, limits) {
  auto const part = [](std::string const& disposition, std::string const& data) {
    return "--AaB03x\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + data + "\r\n";
  };
  auto const close = std::string{"--AaB03x--\r\n"};
  multipart_limits const small{
      .parts = 2, .header_bytes = 100, .file_bytes = 20, .field_bytes = 10, .total_bytes = 400};
  EXPECT_EQ(status_for(part("name=a", "0123456789") + part("name=b; filename=c", std::string(20, 'x')) + close, small),
            200);
  EXPECT_EQ(status_for(part("name=a", "0123456789x") + close, small), 413);
  EXPECT_EQ(status_for(part("name=a; filename=b", std::string(21, 'x')) + close, small), 413);
  EXPECT_EQ(status_for(part("name=a", "") + part("name=a", "") + part("name=a", "") + close, small), 413);
  EXPECT_EQ(status_for(part("name=" + std::string(200, 'n'), "") + close, small), 413);
  EXPECT_EQ(status_for("--AaB03x\r\n" + std::string(90, 'n'), {.header_bytes = 50}), 413)
      << "before the line is complete";
  EXPECT_EQ(status_for(std::string(500, ' ') + part("name=a", "") + close, small), 413) << "a preamble counts";
  EXPECT_EQ(status_for("--AaB03x" + std::string(1000, ' ') + "\r\n"), 400) << "padding is bounded";
}

TEST(multipart, skips_what_is_not_read) {
  scripted_body body{{sample}};
  multipart_form form{"AaB03x", body, {}};
  auto const names = now([](multipart_form& f) -> task<std::string> {
    std::string out;
    while (auto* p = co_await f.next_part()) {
      out += p->name() + ' ';
      if (p->name() == "f") (void)co_await p->next();
    }
    out += co_await f.next_part() == nullptr ? "end" : "?";
    co_return out;
  }(form));
  EXPECT_EQ(names, "title f empty none end");
}

TEST(multipart, opens_a_request) {
  call c{http::method::post, {{"Content-Type", "Multipart/Form-Data; charset=utf-8; boundary=\"Aa B\""}}};
  c.x.request.body = "--Aa B\r\nContent-Disposition: form-data; name=x\r\n\r\ny\r\n--Aa B--";
  auto form = multipart_form::open(c.x.request);
  ASSERT_TRUE(form);
  auto* part = now((*form)->next_part());
  ASSERT_NE(part, nullptr);
  EXPECT_EQ(now(part->text()), "y");
  EXPECT_EQ(now((*form)->next_part()), nullptr);

  scripted_body stream{{"--b\r\nContent-Disposition: form-data; name=x\r\n\r\ny\r\n--b--"}};
  call s{http::method::post, {{"Content-Type", "multipart/form-data; boundary=b"}}};
  s.x.request.stream = &stream;
  auto streamed = multipart_form::open(s.x.request);
  ASSERT_TRUE(streamed);
  EXPECT_EQ(now((*streamed)->next_part())->name(), "x");

  call json{http::method::post, {{"Content-Type", "application/json"}}};
  EXPECT_EQ(multipart_form::open(json.x.request).error().kind(), fault_kind::unsupported_media_type);
  call none{http::method::post};
  EXPECT_EQ(multipart_form::open(none.x.request).error().kind(), fault_kind::unsupported_media_type);
}

TEST(multipart, boundaries) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(multipart_boundary("multipart/form-data; BOUNDARY=\"a b;c\""), std::nullopt) << "';' is not allowed";
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=\"a b\""), "a b");
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=" + std::string(70, 'x')), std::string(70, 'x'));
  for (auto const& type :
       {std::string{"multipart/form-data"}, std::string{"multipart/form-data; boundary="},
        std::string{"multipart/form-data; boundary=a; boundary=b"}, std::string{"multipart/form-data; boundary=\"a"},
        std::string{"multipart/form-data; boundary=\"a \""}, "multipart/form-data; boundary=" + std::string(71, 'x'),
        std::string{""}})
    EXPECT_EQ(multipart_boundary(type), std::nullopt) << type;
}

TEST(multipart, an_error_of_the_body_goes_through) {
  struct broken final : http::body_source {
    task<std::string_view> next() override {
      if (std::exchange(first, false)) co_return "--b\r\nContent-Disposition: form-data; name=x\r\n\r\nyy";
      throw http::body_error{408, "too slow"};
    }
    bool first = true;
  } body;
  multipart_form form{"b", body, {}};
  auto* part = now(form.next_part());
  ASSERT_NE(part, nullptr);
  EXPECT_EQ(now(part->next()), "yy");
  EXPECT_THROW(now(part->next()), http::body_error);
}

}  // namespace
}  // namespace slipway::content
