#include <slipway/content/static_files.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/runtime/shards.hpp>

#include "../../core/tests/temporary_folder.hpp"
#include "../safe_open.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace slipway::content {
namespace {

namespace fs = std::filesystem;

class files : public testing::Test {
 protected:
  void SetUp() override {
    root = outside / "site";
    fs::create_directories(root / "css");
    fs::create_directories(root / "docs");
    fs::create_directories(root / "bare");
    fs::create_directories(root / ".git");
    write(outside / "secret.txt", "secret");
    write(root / "index.html", "<h1>home</h1>");
    write(root / "docs/index.html", "<h1>docs</h1>");
    write(root / "css/site.css", "body{}");
    write(root / ".git/config", "secret");
    write(root / ".env", "secret");
    write(root / "with space.txt", "spaced");
    fs::create_symlink("../secret.txt", root / "link.txt");
    fs::create_symlink("css/site.css", root / "inner.css");
    fs::create_directory_symlink("..", root / "up");
    ::mkfifo((root / "pipe").c_str(), 0600);
  }

  static void write(fs::path const& path, std::string_view text) {
    std::ofstream out{path, std::ios::binary};
    out << text;
    out.close();
    ASSERT_TRUE(out) << path;
  }
  static_files make(static_settings s = {}) {
    s.root = root;
    return static_files{std::move(s)};
  }
  static int status(static_files const& f, std::string_view path) {
    call c;
    now(f.serve(c.x, path));
    return c.x.response.status;
  }

  slipway::tests::temporary_folder folder{"static"};
  fs::path outside{folder.path()}, root;
};

TEST_F(files, are_served) {
  auto const f = make();
  call c;
  now(f.serve(c.x, "css/site.css"));
  EXPECT_EQ(c.x.response.status, 200);
  EXPECT_EQ(c.x.response.content_type, "text/css; charset=utf-8");
  EXPECT_EQ(body_of(c.x), "body{}");
  EXPECT_FALSE(c.x.response.stream) << "small ones leave with their head";
  EXPECT_EQ(c.sent("Cache-Control"), "no-cache");
  EXPECT_EQ(c.sent("Accept-Ranges"), "bytes");
  EXPECT_FALSE(c.sent("ETag").empty());
  EXPECT_EQ(c.sent("Last-Modified").size(), 29u);
  EXPECT_EQ(status(f, "with space.txt"), 200);

  auto const tag = c.sent("ETag"), date = c.sent("Last-Modified");
  call again{http::method::get, {{"If-None-Match", tag}}};
  now(f.serve(again.x, "css/site.css"));
  EXPECT_EQ(again.x.response.status, 304);
  EXPECT_EQ(again.sent("Cache-Control"), "no-cache") << "a 304 updates what is stored";
  call since{http::method::get, {{"If-Modified-Since", date}}};
  now(f.serve(since.x, "css/site.css"));
  EXPECT_EQ(since.x.response.status, 304);
  write(root / "css/site.css", "body{color:red}");
  call changed{http::method::get, {{"If-None-Match", tag}}};
  now(f.serve(changed.x, "css/site.css"));
  EXPECT_EQ(changed.x.response.status, 200);

  call head{http::method::head};
  now(f.serve(head.x, "css/site.css"));
  EXPECT_EQ(head.x.response.stream_length, 15u);
}

TEST_F(files, nothing_leads_out) {
  auto const f = make({.fallback = "index.html"});
  for (auto bad : {"../secret.txt",
                   "css/../../secret.txt",
                   "css/../css/site.css",
                   "./index.html",
                   "css/./site.css",
                   "/etc/passwd",
                   "//etc/passwd",
                   "css//site.css",
                   ".env",
                   ".git/config",
                   "css/.hidden",
                   "..",
                   ".",
                   "...",
                   "link.txt",
                   "inner.css",
                   "up/secret.txt",
                   "up/site/index.html",
                   "..\\secret.txt",
                   "css\\site.css",
                   "index.html/x.txt",
                   "nothing.txt"})
    EXPECT_EQ(status(f, bad), 404) << bad;
  EXPECT_EQ(status(f, std::string_view{"index.html\0.png", 15}), 404);
  EXPECT_EQ(status(f, "a\nb.txt"), 404);
  EXPECT_EQ(status(f, std::string(300, 'a') + ".txt"), 404);
  EXPECT_EQ(status(f, std::string(5000, 'a')), 404);
  auto const plain = make();
  EXPECT_EQ(status(plain, "pipe"), 404) << "a FIFO neither answers nor hangs";
  for (auto bad : {"up", "pipe/x", "index.html/", "css/none"}) EXPECT_EQ(status(plain, bad), 404) << bad;
}

TEST_F(files, step_by_step_is_as_safe) {
  int const directory = ::open(root.c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_GE(directory, 0);
  for (auto how : {how_to_resolve::kernel, how_to_resolve::step_by_step}) {
    EXPECT_TRUE(open_beneath(directory, "css/site.css", how));
    EXPECT_TRUE(open_beneath(directory, "css/", how));
    EXPECT_TRUE(open_beneath(directory, "css", how));
    EXPECT_TRUE(open_beneath(directory, "", how));
    for (auto bad :
         {"link.txt", "inner.css", "up", "up/secret.txt", "up/site/index.html", "css/site.css/x", "none/x", "none"})
      EXPECT_FALSE(open_beneath(directory, bad, how)) << bad;
  }
  ::close(directory);
}

TEST_F(files, directories) {
  auto const f = make();
  call home;
  now(f.serve(home.x, ""));
  EXPECT_EQ(body_of(home.x), "<h1>home</h1>");
  call docs;
  now(f.serve(docs.x, "docs/"));
  EXPECT_EQ(body_of(docs.x), "<h1>docs</h1>");
  call bare;
  bare.x.request.path = "//static/docs";
  bare.x.request.query = "a=1";
  now(f.serve(bare.x, "docs"));
  EXPECT_EQ(bare.x.response.status, 308);
  EXPECT_EQ(bare.sent("Location"), "/static/docs/?a=1") << "two slashes would name another host";
  EXPECT_EQ(status(f, "bare"), 404) << "no listing";
  EXPECT_EQ(status(f, "bare/"), 404);
  EXPECT_EQ(status(make({.index = ""}), "docs/"), 404);
  auto const page = make({.fallback = "index.html"});
  call routed;
  now(page.serve(routed.x, "settings/profile"));
  EXPECT_EQ(body_of(routed.x), "<h1>home</h1>");
  EXPECT_EQ(status(page, "missing.js"), 404);
}

TEST_F(files, precompressed) {
  write(root / "app.js", "plain plain");
  write(root / "app.js.br", "BR");
  write(root / "app.js.gz", "GZIP");
  auto const f = make();
  auto const get = [&](std::string_view accept) {
    call c{http::method::get, {{"Accept-Encoding", accept}}};
    now(f.serve(c.x, "app.js"));
    EXPECT_EQ(c.sent("Vary"), "Accept-Encoding");
    EXPECT_EQ(c.x.response.content_type, "text/javascript; charset=utf-8");
    return c.sent("Content-Encoding") + ':' + body_of(c.x) + ':' + c.sent("ETag");
  };
  auto const br = get("gzip, br, zstd"), gz = get("gzip"), plain = get("identity");
  EXPECT_TRUE(br.starts_with("br:BR:"));
  EXPECT_TRUE(gz.starts_with("gzip:GZIP:"));
  EXPECT_TRUE(plain.starts_with(":plain plain:"));
  EXPECT_NE(br.substr(br.rfind(':')), gz.substr(gz.rfind(':')));
  EXPECT_TRUE(get("br;q=0.1, gzip").starts_with("gzip:"));
  fs::last_write_time(root / "app.js.br", fs::file_time_type::clock::now() - std::chrono::hours{1});
  EXPECT_TRUE(get("br").starts_with(":plain")) << "stale";
  fs::remove(root / "app.js.gz");
  fs::create_symlink("../secret.txt", root / "app.js.gz");
  EXPECT_TRUE(get("gzip").starts_with(":plain"));
  call range{http::method::get, {{"Range", "bytes=0-4"}}};
  now(f.serve(range.x, "app.js"));
  EXPECT_EQ(range.x.response.status, 206);
  EXPECT_EQ(body_of(range.x), "plain");
}

TEST_F(files, large_ones_stream) {
  std::string big;
  for (int i = 0; big.size() < 1'000'000; ++i) big += std::to_string(i) + ' ';
  write(root / "big.bin", big);
  auto const f = make({.read_at_once = 4096});
  call c;
  now(f.serve(c.x, "big.bin"));
  ASSERT_TRUE(c.x.response.stream);
  EXPECT_EQ(c.x.response.stream_length, big.size());
  EXPECT_EQ(now(c.x.response.stream->next()).size(), 4096u);
  call range{http::method::get, {{"Range", "bytes=500000-"}}};
  now(f.serve(range.x, "big.bin"));
  EXPECT_EQ(body_of(range.x), big.substr(500'000));
  call cut;
  now(f.serve(cut.x, "big.bin"));
  fs::resize_file(root / "big.bin", 10'000);
  EXPECT_THROW(now(drain(*cut.x.response.stream)), std::runtime_error) << "the length was promised";
}

TEST_F(files, through_a_pool) {
  std::string const big(300'000, 'x');
  write(root / "big.bin", big);
  shards s{1};
  blocking_pool disk{"disk", {}};
  static_files const f{{.root = root}, &disk};
  auto const body = s.run([](static_files const& from) -> task<std::string> {
    call c;
    co_await from.serve(c.x, "big.bin");
    co_return co_await drain(*c.x.response.stream);
  }(f));
  EXPECT_EQ(body, big);
}

TEST_F(files, caching_by_name) {
  for (auto name : {"app.3f9a01bc.js", "index-BTJx8a3Q.css", "x.0123456789abcdef0123456789abcdef.png"})
    EXPECT_TRUE(has_hash(name)) << name;
  for (auto name : {"app.js", "report-20240101.pdf", "photo-2024summer.jpg", "jquery-3.7.1.min.js", "app.3f9a0.js",
                    "a-b", ".3f9a01bc.js", "", "long-description.html", "README"})
    EXPECT_FALSE(has_hash(name)) << name;
  write(root / "app.3f9a01bc.js", "x");
  auto const f = make();
  call c;
  now(f.serve(c.x, "app.3f9a01bc.js"));
  EXPECT_EQ(c.sent("Cache-Control"), "public, max-age=31536000, immutable");
}

TEST_F(files, dates_never_lie_ahead) {
  fs::last_write_time(root / "index.html", fs::file_time_type::clock::now() + std::chrono::hours{100});
  manual_clock clock{time_point{std::chrono::seconds{784'111'777}}};
  static_files const f{{.root = root}, nullptr, {}, clock};
  call c;
  now(f.serve(c.x, "index.html"));
  EXPECT_EQ(c.sent("Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_F(files, bad_settings_stop_the_start) {
  EXPECT_THROW(static_files{{.root = root / "none"}}, startup_error);
  EXPECT_THROW(static_files{{.root = root / "index.html"}}, startup_error);
  EXPECT_THROW(make({.index = "../x"}), startup_error);
  EXPECT_THROW(make({.fallback = ".x"}), startup_error);
  EXPECT_THROW(make({.cache_control = "a\r\nb"}), startup_error);
}

TEST_F(files, handler_takes_the_last_parameter) {
  auto const f = make();
  auto const h = f.handler();
  call c;
  c.x.request.parameter_storage[0] = "css/site.css";
  c.x.request.parameter_count = 1;
  now(h(c.x));
  EXPECT_EQ(body_of(c.x), "body{}");
}

constexpr asset table[]{{"b.js", "text/javascript", "plain"},
                        {"b.js", "text/javascript", "BR", coding::brotli},
                        {"a.txt", "text/plain", "text"}};

TEST(assets, are_served_like_files) {
  embedded_assets const all{table};
  call c;
  all.serve(c.x, "a.txt");
  EXPECT_EQ(body_of(c.x), "text");
  EXPECT_EQ(c.sent("Vary"), "");
  auto const tag = c.sent("ETag");
  call again{http::method::get, {{"If-None-Match", tag}}};
  all.serve(again.x, "a.txt");
  EXPECT_EQ(again.x.response.status, 304);
  call coded{http::method::get, {{"Accept-Encoding", "br"}}};
  EXPECT_TRUE(all.try_serve(coded.x, "b.js"));
  EXPECT_EQ(body_of(coded.x), "BR");
  EXPECT_EQ(coded.sent("Content-Encoding"), "br");
  call plain{http::method::get, {{"Accept-Encoding", "gzip"}}};
  EXPECT_TRUE(all.try_serve(plain.x, "b.js"));
  EXPECT_EQ(body_of(plain.x), "plain");
  EXPECT_EQ(plain.sent("Vary"), "Accept-Encoding");
  call range{http::method::get, {{"Range", "bytes=1-2"}}};
  all.serve(range.x, "a.txt");
  EXPECT_EQ(body_of(range.x), "ex");
  call none;
  EXPECT_FALSE(all.try_serve(none.x, "c"));
  EXPECT_EQ(none.x.response.field_count, 0u);
  now(all.handler()(none.x));
  EXPECT_EQ(none.x.response.status, 404);
}

TEST(assets, tables_are_checked) {
  static constexpr asset lonely[]{{"a", "text/plain", "x", coding::gzip}};
  static constexpr asset twice[]{{"a", "text/plain", "x"}, {"a", "text/plain", "y"}};
  EXPECT_THROW(embedded_assets{lonely}, std::invalid_argument);
  EXPECT_THROW(embedded_assets{twice}, std::invalid_argument);
}

}  // namespace
}  // namespace slipway::content
