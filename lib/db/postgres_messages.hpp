// PostgreSQL's messages, version 3 of its protocol: those to the server are put together, those from it taken apart. No
// input or output happens here.
//
// libpq opens a connection, with all that belongs to passwords and certificates. What flows then is ours: libpq sends
// at every Sync, asks for the columns at every call, and copies every value of every row (docs/decisions/0010).
#pragma once

#include <slipway/db/postgres_answer.hpp>
#include <slipway/db/value.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace slipway::db::detail {

// Whether the server refuses an execution whose columns are not those of the preparation. It does where it plans the
// statement; FETCH, EXECUTE, CALL and SHOW have what columns they find.
bool has_lasting_columns(std::string_view sql) noexcept;

// What goes to the server, in the order of the calls. Each throws, if it does, before anything of it is there: error for
// a text with a NUL or too many parameters, value_error for values that PostgreSQL cannot hold or that are more than a
// message can, a gigabyte.
class pg_outbox {
 public:
  // A type of 0: the server's choice. The answer tells the statement's columns.
  void prepare(std::string_view name, std::string_view sql, std::span<pg_type_id const> types);
  // What was prepared. `describe`: the answer tells its columns.
  void run(std::string_view name, values const& parameters, bool describe = false);
  // A statement that is not; the answer tells its columns.
  void run_text(std::string_view sql, values const& parameters);
  void sync();
  // One or several statements, outside of all this.
  void query(std::string_view text);
  void copy_data(std::string_view data);
  void copy_done();

  std::string_view unsent() const noexcept { return std::string_view{bytes_}.substr(sent_); }
  void sent(std::size_t count);
  // Bytes since the start: written here, and sent of them.
  std::uint64_t written() const noexcept { return before_ + bytes_.size(); }
  std::uint64_t gone() const noexcept { return before_ + sent_; }
  // Of the memory that it has.
  std::size_t room() const noexcept { return bytes_.capacity(); }

 private:
  std::string bytes_;
  std::size_t sent_ = 0;
  std::uint64_t before_ = 0;
};

struct pg_message {
  char type = 0;
  std::string_view body;  // until the inbox is asked for room
};

// What came from the server, in pieces of any length.
class pg_inbox {
 public:
  // Where the next piece goes.
  std::span<char> room();
  void filled(std::size_t count) noexcept { end_ += count; }

  enum class found : std::uint8_t { message, nothing, nonsense };
  // Nothing: no message is there as a whole. Nonsense: what is there is none.
  found next(pg_message& out) noexcept {
    constexpr std::size_t head = 5;
    if (end_ - begin_ < head) return found::nothing;
    auto const* const at = bytes_.get() + begin_;
    auto const length = load<std::uint32_t>(at + 1);  // with itself
    if (length < 4 || length > largest) [[unlikely]]
      return found::nonsense;
    if (end_ - begin_ < length + 1) return found::nothing;
    out = {at[0], {at + head, length - 4}};
    begin_ += length + 1;
    return found::message;
  }
  // The last one is there again.
  void put_back(pg_message const& last) noexcept { begin_ -= last.body.size() + 5; }

 private:
  static constexpr std::uint32_t largest =
      (std::uint32_t{1} << 30) + (std::uint32_t{1} << 20);  // a row has a gigabyte at most
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace slipway::db::detail
