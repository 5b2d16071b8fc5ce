#include <slipway/db/core.hpp>

#include <slipway/core/errors.hpp>

#include <algorithm>

namespace slipway::db::detail {

core::core(std::unique_ptr<engine> e, settings const& s, unsigned shards)
    : database{std::move(e)},
      kind{database->kind()},
      watch{s.watch},
      clock{s.clock != nullptr ? *s.clock : system_clock()},
      random{s.random != nullptr ? *s.random : system_random()},
      codec{s.codec},
      description{database->description()},
      statements{shards} {}

statement_ref core::text(std::string sql, values const& parameters, bool reads) {
  std::string shape = reads ? "r" : "w";
  for (auto const& v : parameters) shape.push_back(static_cast<char>(v.kind()));
  shape.push_back('\0');
  shape += sql;
  auto& cache = statements.local();
  if (auto const* found = cache.find(shape)) return {found, nullptr};
  return cache.keep(shape, make_statement(std::move(sql), parameters, reads));
}

std::unique_ptr<statement> make_statement(std::string sql, values const& parameters, bool reads) {
  auto made = std::make_unique<statement>();
  made->sql = std::move(sql);
  made->reads = reads;
  for (auto const& v : parameters) made->signature.push_back(v.kind());
  return made;
}

run::run(core& shared, link& to, statement_ref what, values const& parameters, std::source_location at,
         std::size_t rows, bool continues) noexcept
    : shared_{shared}, to_{to}, statement_{std::move(what)}, at_{at}, is_batch_{rows > 1}, continues_{continues} {
  this->what = statement_.what;
  this->parameters = &parameters;
}

bool run::begin() {
  if (of != nullptr) {
    if (auto const why = of->cancelled(); why != cancel_reason::none) [[unlikely]] {
      error = std::make_exception_ptr(cancelled_error{why});
      return false;
    }
    if (of->deadline <= shard::current().coarse_now()) [[unlikely]] {
      error = std::make_exception_ptr(cancelled_error{cancel_reason::deadline});
      return false;
    }
  }
  if (shared_.watch != nullptr) {
    watched_ = true;
    began_ = std::chrono::steady_clock::now();
  }
  return to_.start(*this);
}

void run::finish() {
  if (!watched_) std::rethrow_exception(error);
  query_event event{.sql = what->sql,
                    .began = began_,
                    .duration = std::chrono::steady_clock::now() - began_,
                    .rows = answer.size(),
                    .operation = of,
                    .at = at_,
                    .signature = what->signature,
                    .is_batch = is_batch_,
                    .continues = continues_};
  if (of != nullptr) {
    ++of->statements;
    of->statement_ns += static_cast<std::uint64_t>(std::chrono::nanoseconds{event.duration}.count());
  }
  if (!error) return shared_.watch->on_query(event);
  try {
    std::rethrow_exception(error);
  } catch (std::exception const& e) {
    event.error = e.what();
    shared_.watch->on_query(event);
    throw;
  }
}

bool is_storable_text(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    auto const c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      if (c == 0) return false;
      ++i;
      continue;
    }
    auto const length = c >= 0xc2 && c < 0xe0 ? 2u : c >= 0xe0 && c < 0xf0 ? 3u : c >= 0xf0 && c < 0xf5 ? 4u : 0u;
    if (length == 0 || i + length > text.size()) return false;
    for (unsigned k = 1; k < length; ++k)
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    auto const second = static_cast<unsigned char>(text[i + 1]);
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
        (c == 0xf4 && second > 0x8f))
      return false;
    i += length;
  }
  return true;
}

std::chrono::microseconds pause_before_attempt(core& shared, unsigned attempt) {
  // Full jitter: losers that met once must not meet again.
  auto const most = std::min<std::uint64_t>(200'000, std::uint64_t{2'000} << std::min(attempt, 10u));
  return std::chrono::microseconds{500 + shared.random.below(most)};
}

bool may_repeat(std::exception_ptr const& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (conflict_error const&) {
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace slipway::db::detail
