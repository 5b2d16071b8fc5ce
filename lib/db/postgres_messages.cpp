#include <slipway/db/postgres_messages.hpp>

#include <slipway/db/postgres_wire.hpp>

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

namespace slipway::db::detail {
namespace {

// What a connection keeps; more is given back when it has gone.
constexpr std::size_t usual_room = 16 << 10, kept_room = 256 << 10;
// The server's own limit.
constexpr std::size_t largest_message = (std::size_t{1} << 30) - 2;

input_error too_long() { return input_error{"the values of a statement are more than a gigabyte together"}; }

std::uint16_t count_of(std::size_t parameters) {
  if (parameters > 65'535) throw error{"a statement has more than 65535 parameters"};
  return static_cast<std::uint16_t>(parameters);
}

template <class T>
void put(std::string& out, T number) {
  char bytes[sizeof number];
  number = load<T>(reinterpret_cast<char const*>(&number));
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof number);
}
// Its end is a NUL, so it must not have one within: the rest would be taken for something else.
void put_text(std::string& out, std::string_view text) {
  if (text.contains('\0')) throw error{"PostgreSQL: a statement's text has a NUL in it"};
  out.append(text);
  out.push_back('\0');
}

// What is written while it lives goes with it, unless it is kept.
class draft {
 public:
  explicit draft(std::string& out) noexcept : out_{out}, begin_{out.size()} {}
  draft(draft const&) = delete;
  draft& operator=(draft const&) = delete;
  ~draft() {
    if (!kept_) out_.resize(begin_);
  }
  std::size_t begin() const noexcept { return begin_; }
  void keep() noexcept { kept_ = true; }

 private:
  std::string& out_;
  std::size_t begin_;
  bool kept_ = false;
};

// Its length, which it begins with, is known at its end.
template <class F>
void put_message(std::string& out, char type, F write_body) {
  draft written{out};
  out.append({type, 0, 0, 0, 0});
  write_body();
  auto const size = out.size() - written.begin() - 1;
  if (size > largest_message) throw too_long();
  auto const length = __builtin_bswap32(static_cast<std::uint32_t>(size));
  std::memcpy(out.data() + written.begin() + 1, &length, sizeof length);
  written.keep();
}

void put_value(std::string& out, value const& v) {
  char scratch[16];
  auto const wire = encode_value(v, scratch);
  if (wire.at == nullptr) return put(out, std::int32_t{-1});
  put(out, static_cast<std::int32_t>(wire.length));
  out.append(wire.at, wire.length);
}

void parse(std::string& out, std::string_view name, std::string_view sql, std::span<pg_type_id const> types) {
  put_message(out, 'P', [&] {
    put_text(out, name);
    put_text(out, sql);
    put(out, count_of(types.size()));
    for (auto const type : types) put(out, std::uint32_t{type});
  });
}

// To the portal without a name. All columns are asked for in their binary form.
void bind(std::string& out, std::string_view name, values const& parameters) {
  auto const count = count_of(parameters.size());
  std::size_t size = 0;
  for (auto const& each : parameters) size += each.text().size();
  if (size > largest_message) throw too_long();  // before all of it is copied
  put_message(out, 'B', [&] {
    out.push_back('\0');
    put_text(out, name);
    put(out, count);
    for (auto const& each : parameters) put(out, static_cast<std::uint16_t>(goes_as_text(each.kind()) ? 0 : 1));
    put(out, count);
    for (auto const& each : parameters) put_value(out, each);
    put(out, std::uint16_t{1});
    put(out, std::uint16_t{1});
  });
}

void describe_bound(std::string& out) { out.append({'D', 0, 0, 0, 6, 'P', 0}); }
bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

void execute(std::string& out) { out.append({'E', 0, 0, 0, 9, 0, 0, 0, 0, 0}); }  // all rows of what is bound

}  // namespace

bool has_lasting_columns(std::string_view sql) noexcept {
  sql.remove_prefix(std::min(sql.find_first_not_of(" \t\r\n("), sql.size()));
  std::string_view const word = sql.substr(0, std::ranges::find_if_not(sql, is_letter) - sql.begin());
  for (std::string_view const planned : {"select", "insert", "update", "delete", "with", "values", "merge", "table"})
    if (std::ranges::equal(word, planned, {}, lower)) return true;
  return false;
}

void pg_outbox::prepare(std::string_view name, std::string_view sql, std::span<pg_type_id const> types) {
  draft written{bytes_};
  parse(bytes_, name, sql, types);
  put_message(bytes_, 'D', [&] {
    bytes_.push_back('S');
    put_text(bytes_, name);
  });
  written.keep();
}

void pg_outbox::run(std::string_view name, values const& parameters, bool describe) {
  draft written{bytes_};
  bind(bytes_, name, parameters);
  if (describe) describe_bound(bytes_);
  execute(bytes_);
  written.keep();
}

void pg_outbox::run_text(std::string_view sql, values const& parameters) {
  std::vector<pg_type_id> types;
  types.reserve(parameters.size());
  for (auto const& each : parameters) types.push_back(type_of(each.kind()));
  draft written{bytes_};
  parse(bytes_, {}, sql, types);
  bind(bytes_, {}, parameters);
  describe_bound(bytes_);
  execute(bytes_);
  written.keep();
}

void pg_outbox::sync() { bytes_.append({'S', 0, 0, 0, 4}); }
void pg_outbox::query(std::string_view text) {
  put_message(bytes_, 'Q', [&] { put_text(bytes_, text); });
}
void pg_outbox::copy_data(std::string_view data) {
  put_message(bytes_, 'd', [&] { bytes_.append(data); });
}
void pg_outbox::copy_done() { bytes_.append({'c', 0, 0, 0, 4}); }

void pg_outbox::sent(std::size_t count) {
  sent_ += count;
  if (sent_ < bytes_.size() && (sent_ < kept_room || sent_ < bytes_.size() / 2)) return;
  before_ += sent_;
  bytes_.erase(0, std::exchange(sent_, 0));
  if (bytes_.empty() && bytes_.capacity() > kept_room) bytes_.shrink_to_fit();
}

std::span<char> pg_inbox::room() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (capacity_ > kept_room) {
      bytes_.reset();
      capacity_ = 0;
    }
  }
  if (begin_ > 0 && capacity_ - end_ < usual_room / 2) {
    std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (capacity_ - end_ < usual_room / 4) {
    // Doubled as bytes come, and not to what a message says of itself.
    auto const larger = std::max(usual_room, capacity_ * 2);
    auto bytes = std::make_unique_for_overwrite<char[]>(larger);
    if (end_ > begin_) std::memcpy(bytes.get(), bytes_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    bytes_ = std::move(bytes);
    capacity_ = larger;
  }
  return {bytes_.get() + end_, capacity_ - end_};
}

}  // namespace slipway::db::detail
