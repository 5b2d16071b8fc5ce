// A database of one engine, whose tables follow their models by generated migrations that pass the linters.
#pragma once

#include "../../db/tests/fixture.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/migrations/differences.hpp>
#include <slipway/migrations/generate.hpp>
#include <slipway/migrations/lint.hpp>
#include <slipway/migrations/migrator.hpp>
#include <slipway/migrations/squawk.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace slipway::migrations {

class differences_case : public testing::TestWithParam<db::dialect> {
 protected:
  void SetUp() override {
    std::string why_not;
    settings_.url = db::tests::database_for(GetParam(), why_not);
    if (settings_.url.empty()) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
    db_.reset(new db::database(db::connect(settings_, shards_)));
  }
  void TearDown() override { db_.reset(); }

  schema_state state() { return shards_.run(read_schema(*db_)); }
  std::vector<difference> found(db::models const& models, std::vector<std::string> const& unmanaged = {}) {
    return compare(models, state(), unmanaged);
  }
  std::vector<std::string> said(db::models const& models, std::vector<std::string> const& unmanaged = {}) {
    std::vector<std::string> out;
    for (auto const& d : found(models, unmanaged)) out.push_back(describe(d));
    return out;
  }
  // Writes what is missing, holds it to the linters, and applies it. How many files there were.
  std::size_t follow(std::string const& name, db::models const& models, bool destructive = false) {
    auto const there = state();
    std::vector<engine_view> const engines{
        {.dialect = GetParam(), .found = compare(models, there), .state = &there, .found_on = GetParam()}};
    auto const made = migration_files(name, next_number(files_, GetParam()), models, engines, destructive);
    files_.insert(files_.end(), made.begin(), made.end());
    auto const all = catalog_of(files_, GetParam());
    std::span const these{all.end() - static_cast<std::ptrdiff_t>(made.size()), all.end()};
    for (auto const& m : these)
      for (auto const& f : lint(m, GetParam()))
        ADD_FAILURE() << f.file << ":" << f.line << " " << f.rule << "\n" << m.up;
    if (auto const squawk = find_squawk("", SLIPWAY_SOURCE_DIR "/tests/e2e/node_modules");
        squawk && GetParam() == db::dialect::postgres)
      for (auto const& f : squawk_findings(*squawk, these))
        ADD_FAILURE() << f.file << ":" << f.line << " " << f.rule << " " << f.why;
    try {
      shards_.run(migrator{*db_, files_}.up());
    } catch (startup_error const& e) {
      std::string text;
      for (auto const& f : made) text += f.name + "\n" + f.text;
      ADD_FAILURE() << e.what() << "\n" << text;
    }
    return made.size();
  }
  void back(std::size_t steps) { shards_.run(migrator{*db_, files_}.down(static_cast<unsigned>(steps))); }
  // What is compared, and the keys: without the text of statements, which may name things in another way.
  std::vector<std::string> tables() {
    std::vector<std::string> out;
    for (auto const& t : state().tables) {
      std::string line = t.name + ":";
      auto columns = t.columns;
      std::ranges::sort(columns, {}, &column_state::name);
      for (auto const& c : columns) line += " " + c.name + " " + c.type + (c.nullable ? "" : " not null") + ",";
      for (auto const& k : t.key) line += " key " + k;
      out.push_back(line);
    }
    return out;
  }
  std::int64_t number(std::string sql) { return shards_.run(db_->query(std::move(sql)))[0].get<std::int64_t>(0); }

  db::settings settings_;
  shards shards_{1};
  std::unique_ptr<db::database> db_;
  std::vector<file> files_;
};

}  // namespace slipway::migrations
