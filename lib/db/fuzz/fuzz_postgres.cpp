// Whatever a server sends, and however it is cut: the same messages, and answers that are read within their bounds.
#include <slipway/core/errors.hpp>
#include <slipway/db/postgres_messages.hpp>
#include <slipway/db/postgres_wire.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

using namespace slipway::db;
using namespace slipway::db::detail;

namespace {

void look_at(rows const& all, std::string& seen) {
  for (std::size_t row = 0; row < all.size(); ++row)
    for (std::size_t column = 0; column < all.columns(); ++column) {
      try {
        auto const one = all.at(row, column);
        seen += static_cast<char>('a' + static_cast<int>(one.kind));
        seen += one.text;
        if (one.kind == value_kind::uuid) seen.append(reinterpret_cast<char const*>(one.uuid), 16);
      } catch (value_error const&) {
        seen += '!';
      }
    }
  seen += std::to_string(all.affected());
}

std::string read(std::string_view bytes, std::size_t piece) {
  pg_inbox in;
  std::string seen;
  std::shared_ptr<pg_columns const> columns;
  std::unique_ptr<pg_answer> answer;
  while (!bytes.empty()) {
    auto const room = in.room();
    auto const count = std::min({piece, bytes.size(), room.size()});
    std::ranges::copy(bytes.substr(0, count), room.begin());
    in.filled(count);
    bytes.remove_prefix(count);
    for (pg_message next;;) {
      auto const found = in.next(next);
      if (found == pg_inbox::found::nothing) break;
      if (found == pg_inbox::found::nonsense) return seen + "<nonsense>";
      seen += next.type;
      switch (next.type) {
        case 'T': columns = pg_columns::read(next.body); break;
        case 'D':
          if (answer == nullptr) answer = std::make_unique<pg_answer>(columns);
          if (!answer->add_row(next.body)) return seen + "<nonsense>";
          break;
        case 'C':
          if (answer == nullptr) answer = std::make_unique<pg_answer>(columns);
          answer->complete(next.body);
          look_at(rows_of(std::move(answer)), seen);
          break;
        case 'E': try { std::rethrow_exception(error_of(*pg_answer::failure(next.body)));
          } catch (std::exception const& e) {
            seen += e.what();
          }
          break;
        default: break;
      }
    }
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 1 || size > 65'536) return 0;
  std::string_view const bytes{reinterpret_cast<char const*>(data) + 1, size - 1};
  if (read(bytes, bytes.size() + 1) != read(bytes, data[0] % 64 + 1u)) std::abort();
  return 0;
}
