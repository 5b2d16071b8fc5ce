#include <slipway/content/compression.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/runtime/shards.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

namespace slipway::content {
namespace {

std::string gunzip(std::string_view in) {
  z_stream s{};
  EXPECT_EQ(inflateInit2(&s, 15 + 16), Z_OK);
  s.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  s.avail_in = static_cast<uInt>(in.size());
  std::string out;
  int status = Z_OK;
  while (status == Z_OK) {
    char buffer[4096];
    s.next_out = reinterpret_cast<Bytef*>(buffer);
    s.avail_out = sizeof buffer;
    status = inflate(&s, Z_SYNC_FLUSH);
    out.append(buffer, sizeof buffer - s.avail_out);
    if (status == Z_BUF_ERROR || (status == Z_OK && s.avail_in == 0 && s.avail_out > 0)) break;
  }
  inflateEnd(&s);
  return out;
}
std::string unbrotli(std::string_view in) {
  auto* s = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
  auto const* next = reinterpret_cast<std::uint8_t const*>(in.data());
  auto left = in.size();
  std::string out;
  for (;;) {
    std::size_t none = 0;
    auto const r = BrotliDecoderDecompressStream(s, &left, &next, &none, nullptr, nullptr);
    std::size_t size = 0;
    auto const* bytes = BrotliDecoderTakeOutput(s, &size);
    out.append(reinterpret_cast<char const*>(bytes), size);
    if (r != BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) break;
  }
  BrotliDecoderDestroyInstance(s);
  return out;
}
std::string unzstd(std::string_view in) {
  auto* s = ZSTD_createDStream();
  ZSTD_inBuffer input{in.data(), in.size(), 0};
  std::string out;
  for (bool more = true; more;) {
    char buffer[4096];
    ZSTD_outBuffer output{buffer, sizeof buffer, 0};
    auto const r = ZSTD_decompressStream(s, &output, &input);
    EXPECT_FALSE(ZSTD_isError(r));
    out.append(buffer, output.pos);
    more = input.pos < input.size || output.pos == output.size;
  }
  ZSTD_freeDStream(s);
  return out;
}
std::string decode(coding c, std::string_view in) {
  return c == coding::gzip     ? gunzip(in)
         : c == coding::brotli ? unbrotli(in)
         : c == coding::zstd   ? unzstd(in)
                               : std::string{in};
}

std::string prose(std::size_t size) {
  std::string out;
  for (unsigned i = 0; out.size() < size; ++i)
    out += "{\"id\":" + std::to_string(i * 2654435761u) + ",\"title\":\"A note like any other\"},";
  out.resize(size);
  return out;
}

constexpr std::array every{coding::gzip, coding::brotli, coding::zstd};

class encoders : public testing::TestWithParam<coding> {};
INSTANTIATE_TEST_SUITE_P(all, encoders, testing::ValuesIn(every),
                         [](auto const& i) { return std::string{to_string(i.param)}; });

TEST_P(encoders, at_once_and_again) {
  auto e = make_encoder(GetParam(), 4, 100'000);
  for (auto size : {std::size_t{100'000}, std::size_t{0}, std::size_t{1}, std::size_t{3'000'000}}) {
    e->reset(size);
    auto const text = prose(size);
    std::string out;
    e->write(text, encoder::step::finish, out);
    EXPECT_EQ(decode(GetParam(), out), text);
    if (size > 1000) EXPECT_LT(out.size(), size / 2);
  }
}

TEST_P(encoders, what_is_flushed_can_be_read) {
  auto e = make_encoder(GetParam(), 9);
  std::string out, text;
  for (int i = 0; i < 20; ++i) {
    auto const piece = prose(static_cast<std::size_t>(i) * 997 + 1);
    text += piece;
    e->write(piece, encoder::step::flush, out);
    ASSERT_EQ(decode(GetParam(), out), text) << i;
  }
}

TEST_P(encoders, noise_in_pieces) {
  auto e = make_encoder(GetParam(), 1);
  std::string out, text;
  std::uint64_t state = 1;
  for (int i = 0; i < 200; ++i) {
    std::string piece;
    for (int k = 0; k < 1000; ++k)
      piece += static_cast<char>((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
    text += piece;
    e->write(piece, encoder::step::more, out);
  }
  e->write({}, encoder::step::finish, out);
  EXPECT_EQ(decode(GetParam(), out), text);
}

TEST_P(encoders, stream_of_a_source) {
  std::vector<std::string> pieces;
  std::string text;
  for (std::size_t size : {1u, 70'000u, 3u, 200'000u}) {
    pieces.push_back(prose(size));
    text += pieces.back();
  }
  for (bool live : {false, true}) {
    auto source = make_encoded_source(std::make_unique<scripted_body>(pieces), make_encoder(GetParam(), 4), live);
    EXPECT_EQ(decode(GetParam(), now(drain(*source))), text);
    EXPECT_TRUE(now(source->next()).empty()) << "the end stays the end";
  }
  auto nothing = make_encoded_source(std::make_unique<scripted_body>(std::vector<std::string>{}),
                                     make_encoder(GetParam(), 4), true);
  EXPECT_EQ(decode(GetParam(), now(drain(*nothing))), "");
}

class compression : public testing::Test {
 protected:
  std::unique_ptr<http::middleware> layer = make_compression({}, 1);
  std::string text = prose(20'000);

  void answer(call& c) {
    if (!layer->before(c.x)) return;
    c.x.response.content_type = "application/json";
    c.x.response.body = text;
    c.x.response.add("ETag", "\"v1\"");
    layer->after(c.x);
  }
};

TEST_F(compression, of_a_body) {
  for (auto c : every) {
    call q{http::method::get, {{"Accept-Encoding", to_string(c)}}};
    answer(q);
    EXPECT_EQ(q.sent("Content-Encoding"), to_string(c));
    EXPECT_EQ(q.sent("Vary"), "Accept-Encoding");
    EXPECT_EQ(q.sent("ETag"), "W/\"v1\"");
    EXPECT_EQ(decode(c, body_of(q.x)), text);
  }
}

TEST_F(compression, is_left_out) {
  call plain;
  answer(plain);
  EXPECT_EQ(body_of(plain.x), text);
  EXPECT_EQ(plain.sent("Vary"), "Accept-Encoding") << "another client may get it compressed";
  EXPECT_EQ(plain.sent("ETag"), "\"v1\"");

  using change = void (*)(http::exchange&);
  for (change other :
       {change{[](http::exchange& x) { x.response.add("Content-Encoding", "br"); }},
        change{[](http::exchange& x) { x.response.add("Content-Range", "bytes 0-1/2"); }},
        change{[](http::exchange& x) { x.response.add("Cache-Control", "private, No-Transform"); }},
        change{[](http::exchange& x) { x.response.add_block("X: y\r\nContent-Digest: sha-256=::\r\n"); }},
        change{[](http::exchange& x) { x.response.status = 206; }},
        change{[](http::exchange& x) { x.response.status = 204; }},
        change{[](http::exchange& x) { x.response.content_type = "image/png"; }},
        change{[](http::exchange& x) { x.response.content_type = {}; }},
        change{[](http::exchange& x) { x.response.body = x.response.body.substr(0, 100); }}}) {
    call q{http::method::get, {{"Accept-Encoding", "gzip"}}};
    q.x.response.content_type = "application/json";
    q.x.response.body = text;
    other(q.x);
    auto const before = std::string{q.x.response.body};
    auto const fields = q.x.response.field_count;
    layer->after(q.x);
    EXPECT_EQ(body_of(q.x), before);
    EXPECT_EQ(q.x.response.field_count, fields);
  }
}

TEST_F(compression, what_does_not_shrink_is_sent_as_it_is) {
  std::string noise;
  std::uint64_t state = 7;
  for (int k = 0; k < 2000; ++k)
    noise += static_cast<char>((state = state * 6364136223846793005u + 1442695040888963407u) >> 56);
  text = noise;
  call q{http::method::get, {{"Accept-Encoding", "gzip"}}};
  answer(q);
  EXPECT_EQ(body_of(q.x), noise);
  EXPECT_EQ(q.sent("Content-Encoding"), "");
}

TEST_F(compression, large_bodies_and_streams_go_in_pieces) {
  text = prose(1'000'000);
  call big{http::method::get, {{"Accept-Encoding", "zstd"}}};
  answer(big);
  ASSERT_TRUE(big.x.response.stream);
  EXPECT_EQ(unzstd(body_of(big.x)), text);

  call owned{http::method::get, {{"Accept-Encoding", "br"}}};
  owned.x.response.content_type = "text/html";
  owned.x.response.owned = text;
  owned.x.response.body = owned.x.response.owned;
  layer->after(owned.x);
  EXPECT_EQ(unbrotli(body_of(owned.x)), text);

  call stream{http::method::get, {{"Accept-Encoding", "gzip"}}};
  stream.x.response.content_type = "text/csv";
  stream.x.response.stream = std::make_unique<scripted_body>(std::vector<std::string>{"a,b\n", "c,d\n"});
  layer->after(stream.x);
  auto first = std::string{now(stream.x.response.stream->next())};
  EXPECT_EQ(gunzip(first), "a,b\n") << "a live stream is not held back";

  call events{http::method::get, {{"Accept-Encoding", "gzip"}}};
  events.x.response.content_type = "text/event-stream";
  events.x.response.stream = std::make_unique<scripted_body>(std::vector<std::string>{"data: x\n\n"});
  layer->after(events.x);
  EXPECT_EQ(body_of(events.x), "data: x\n\n");
}

TEST_F(compression, ranges_are_not_promised_for_what_was_encoded) {
  call q{http::method::get, {{"Accept-Encoding", "gzip"}}};
  q.x.response.add("Accept-Ranges", "bytes");
  answer(q);
  EXPECT_EQ(q.sent("Accept-Ranges"), "");
}

TEST_F(compression, weak_tags_round_trip) {
  call change{http::method::patch, {{"Host", "h"}, {"If-Match", "W/\"v0\", W/\"v1\", \"W/\""}, {"If-Match", "*"}}};
  EXPECT_TRUE(layer->before(change.x));
  EXPECT_EQ(change.x.request.header("If-Match"), "\"v0\", \"v1\", \"W/\"");
  EXPECT_EQ(change.x.request.header("Host"), "h");
  EXPECT_EQ(change.x.request.fields[2].value, "*");

  call fresh{http::method::get, {{"If-None-Match", "W/\"v1\""}}};
  fresh.x.response.status = 304;
  fresh.x.response.add("ETag", "\"v1\"");
  layer->after(fresh.x);
  EXPECT_EQ(fresh.sent("ETag"), "W/\"v1\"");
  call strong{http::method::get, {{"If-None-Match", "\"v1\""}}};
  strong.x.response.status = 304;
  strong.x.response.add("ETag", "\"v1\"");
  layer->after(strong.x);
  EXPECT_EQ(strong.sent("ETag"), "\"v1\"");
}

TEST_F(compression, refuses_what_it_cannot_serve) {
  call coded{http::method::post, {{"Content-Encoding", "gzip"}}};
  EXPECT_FALSE(layer->before(coded.x));
  EXPECT_EQ(coded.x.response.status, 415);
  EXPECT_EQ(coded.sent("Accept-Encoding"), "identity");
  EXPECT_STREQ(coded.x.fault_code, "unsupported_content_encoding");
  call identity{http::method::post, {{"Content-Encoding", "identity"}}};
  EXPECT_TRUE(layer->before(identity.x));
  call second{http::method::post, {{"Content-Encoding", "identity"}, {"Content-Encoding", "br"}}};
  EXPECT_FALSE(layer->before(second.x));

  call nothing{http::method::get, {{"Accept-Encoding", "*;q=0"}}};
  EXPECT_FALSE(layer->before(nothing.x));
  EXPECT_EQ(nothing.x.response.status, 406);
  call some{http::method::get, {{"Accept-Encoding", "identity;q=0, br"}}};
  EXPECT_TRUE(layer->before(some.x));

  EXPECT_THROW(make_compression({.level = 0}, 1), startup_error);
  EXPECT_THROW(make_compression({.codings = {coding::identity}}, 1), startup_error);
}

TEST_F(compression, shards_keep_their_encoders) {
  shards s{1};
  s.on_each([&](shard&) {
    for (int i = 0; i < 50; ++i)
      for (auto c : every) {
        call q{http::method::get, {{"Accept-Encoding", to_string(c)}}};
        answer(q);
        EXPECT_EQ(decode(c, body_of(q.x)), text);
      }
    layer.reset();  // what belongs to the shard goes on it
  });
}

}  // namespace
}  // namespace slipway::content
