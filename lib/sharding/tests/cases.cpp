#include "cases.hpp"

#include <unistd.h>

#include <cstdlib>

namespace slipway::sharding::tests {

tables all_tables() { return tables_of<customer, entry>(); }

tables tables_without_models() {
  return {table{table_settings{.name = "customers", .by = "id"}},
          table{table_settings{.name = "entries", .by = "customer_id"}}};
}

char const* schema_of(db::dialect d) noexcept {
  return d == db::dialect::sqlite
             ? "create table customers (id blob primary key, slot integer not null, name text not null, balance "
               "integer "
               "not null, extra text not null, created_at integer not null, updated_at integer not null) strict;"
               "create table entries (id blob primary key, customer_id blob not null references customers (id), slot "
               "integer not null, number integer not null) strict;"
               "create index entries_slot on entries (slot, id);"
             : "create table customers (id uuid primary key, slot bigint not null, name text not null, balance bigint "
               "not null, extra jsonb not null, created_at timestamptz not null, updated_at timestamptz not null, "
               "label text generated always as (name || '!') stored);"
               "create table entries (id uuid primary key, customer_id uuid not null references customers (id), slot "
               "bigint not null, number bigint not null);"
               "create index entries_slot on entries (slot, id);";
}

settings settings_for(std::vector<std::string> const& urls) {
  settings s;
  for (std::size_t i = 0; i < urls.size(); ++i)
    s.nodes.push_back({std::string(1, static_cast<char>('a' + i)), urls[i]});
  return s;
}

bool sharded_case::make(db::dialect d, std::size_t nodes, std::uint32_t slots, std::function<void(settings&)> change) {
  std::vector<std::string> urls;
  if (d == db::dialect::sqlite) {
    auto name = (std::filesystem::temp_directory_path() / "slipway-sharding-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary directory"};
    directory_ = name;
    for (std::size_t i = 0; i <= nodes; ++i) urls.push_back("sqlite:" + name + "/" + std::to_string(i) + ".db");
  } else {
    for (std::size_t i = 0; i <= nodes; ++i) {
      std::string why_not;
      urls.push_back(db::tests::database_for(d, why_not));
      if (urls.back().empty()) {
        std::fprintf(stderr, "SKIPPED LOUDLY: %s\n", why_not.c_str());
        return false;
      }
    }
  }
  control_url_ = urls.back();
  urls.pop_back();
  settings_ = settings_for(urls);
  settings_.slots = slots;
  settings_.refresh = std::chrono::milliseconds{200};
  settings_.max_age = std::chrono::milliseconds{500};
  settings_.fence = std::chrono::milliseconds{1'000};
  settings_.move_batch = 20;
  if (change) change(settings_);
  base_.url = control_url_;
  base_.connections = 8;
  control_.reset(new db::database{db::connect(base_, on_)});
  all_ = another();
  for (std::uint32_t n = 0; n < all_->size(); ++n) run(all_->node(n).script(schema_of(d)));
  run(all_->init(tables_));
  return true;
}

std::unique_ptr<cluster> sharded_case::another() { return std::make_unique<cluster>(settings_, base_, *control_, on_); }

void sharded_case::TearDown() {
  all_.reset();
  control_.reset();
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

customer sharded_case::customer_in(std::uint32_t slot) {
  for (;;) {
    customer c{.id = id_of<customer>::make(), .name = "Ann", .extra = json::value{"x"}};
    if (slot_by_hash(c.id, settings_.slots) == slot) return c;
  }
}

task<std::int64_t> sharded_case::count(std::uint32_t node, std::string table) {
  auto const found = co_await all_->node(node).query("select count(*) from " + table);
  co_return found[0].get<std::int64_t>(0);
}

}  // namespace slipway::sharding::tests
