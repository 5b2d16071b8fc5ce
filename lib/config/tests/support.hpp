// Settings of every kind, and a directory of their files.
#pragma once

#include "../../core/tests/temporary_folder.hpp"

#include <slipway/config/loader.hpp>

#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace slipway::config::test {

using namespace std::chrono_literals;

enum class mode : std::uint8_t { fast, careful };
BOOST_DESCRIBE_ENUM(mode, fast, careful)

struct host {
  std::string name;
  std::uint16_t port = 443;
};
BOOST_DESCRIBE_STRUCT(host, (), (name, port))

struct http_settings {
  std::uint16_t port = 8080;
  std::vector<std::string> listen{"127.0.0.1"};
  std::chrono::milliseconds idle{75'000};
  std::uint64_t max_body = 1 << 20;
  std::vector<host> hosts;
};
BOOST_DESCRIBE_STRUCT(http_settings, (), (port, listen, idle, max_body, hosts))

struct file_store {
  std::string directory;
};
BOOST_DESCRIBE_STRUCT(file_store, (), (directory))
struct bucket_store {
  std::string bucket;
};
BOOST_DESCRIBE_STRUCT(bucket_store, (), (bucket))

struct settings {
  std::string name = "app";
  http_settings http;
  config::test::mode mode = mode::fast;
  double ratio = 0.5;
  bool debug = false;
  std::optional<int> workers;
  std::int8_t offset = 0;
  secret<std::string> key;
  std::string database_url = "sqlite:app.db";
  std::map<std::string, config::test::mode, std::less<>> modes;
  std::variant<file_store, bucket_store> store;
};
BOOST_DESCRIBE_STRUCT(settings, (), (name, http, mode, ratio, debug, workers, offset, key, database_url, modes, store))

}  // namespace slipway::config::test

namespace slipway {

template <>
inline constexpr auto rules_of<config::test::http_settings> =
    rules(field(&config::test::http_settings::port).minimum(1).help("Where it listens").unit("port"),
          field(&config::test::http_settings::listen).max_items(3).unique_items(),
          field(&config::test::http_settings::idle)
              .minimum(100)
              .maximum(3'600'000)
              .reloadable()
              .help("How long | a connection may idle."),
          field(&config::test::http_settings::max_body).unit("bytes").reloadable());
template <>
inline constexpr auto rules_of<config::test::settings> =
    rules(field(&config::test::settings::name).not_blank().max_length(20).help("What it is called."),
          field(&config::test::settings::ratio).minimum(0).maximum(1).reloadable(),
          field(&config::test::settings::database_url).sensitive(), field(&config::test::settings::modes).reloadable());

}  // namespace slipway

namespace slipway::config::test {

class directory : public slipway::tests::temporary_folder {
 public:
  directory() : temporary_folder{"config"} {}
  void write(std::string_view name, std::string_view text) const { std::ofstream{*this / name} << text; }
};

template <class T>
std::vector<problem> problems_of(sources const& from) {
  T value{};
  provenance came;
  return load_into(meta::describe<T>, &value, from, came);
}

// Files in a directory, and the problems with its name taken out of them.
struct fixture {
  directory dir;
  sources from;

  explicit fixture(std::string_view base = "") {
    from.directory = dir.path();
    from.dotenv = dir / ".env";
    dir.write("base.yaml", base);
  }
  loaded<settings> load() const { return config::load<settings>(from); }
  std::string problems() const {
    std::string out;
    auto const prefix = dir.path() + "/";
    for (auto const& p : problems_of<settings>(from)) {
      auto text = p.text();
      for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) text.erase(at, prefix.size());
      out += text + "\n";
    }
    return out;
  }
};

}  // namespace slipway::config::test
