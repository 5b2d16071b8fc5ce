// What all sessions of one database share. For the .cpp files of this folder.
#pragma once

#include <slipway/db/builder.hpp>
#include <slipway/db/settings.hpp>
#include <slipway/db/sql_writer.hpp>
#include <slipway/db/statement_cache.hpp>
#include <slipway/runtime/shards.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace slipway::db::detail {

class core {
 public:
  core(std::unique_ptr<engine> e, settings const& s, unsigned shards);

  std::unique_ptr<engine> database;
  dialect kind;
  observer* watch;
  clock_source const& clock;
  random_source& random;
  column_codec* codec;
  std::string description;
  per_shard<statement_cache> statements;

  // Several at once take one round trip. Elsewhere each takes a connection of its own, or waits for the one before.
  bool questions_travel_together() const noexcept { return kind == dialect::postgres; }
  // A statement written by hand.
  statement_ref text(std::string sql, values const& parameters, bool reads);
};

template <class MakeText>
statement_ref find_or_make(core& shared, shape_key const& key, values const& parameters, MakeText const& make_text) {
  auto& cache = shared.statements.local();
  if (auto const* found = cache.find(key.view())) return {found, nullptr};
  return cache.keep(key.view(), make_statement(make_text(), parameters));
}

}  // namespace slipway::db::detail
