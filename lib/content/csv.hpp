// Comma-separated values (RFC 4180), sans I/O. Strict about quotes, and goes on behind a record that is malformed, so
// that everything wrong with a file can be said at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::content {

class csv_parser {
 public:
  enum class event : std::uint8_t {
    need_more,  // the input is used up: `feed`
    record,     // `fields` are those of one record, which begins in `line`
    malformed,  // a quote where none may be, a record that is too long or has too many fields: `problem` says which
    end,
  };

  // A record has at most so many bytes, with its commas and quotes, and at most so many fields: what is held of it is
  // bounded by both, since each field costs a string beside its bytes.
  csv_parser(std::size_t longest_record, std::size_t most_fields) noexcept
      : longest_{longest_record}, most_fields_{most_fields} {}

  // Only after need_more. An empty piece says that nothing follows. It must live until the next need_more.
  void feed(std::string_view piece) noexcept;
  event next();

  std::vector<std::string> const& fields() const noexcept { return fields_; }
  std::size_t line() const noexcept { return begun_at_; }  // from 1; quoted line ends count
  char const* problem() const noexcept { return problem_; }

 private:
  enum class state : std::uint8_t { field_start, plain, quoted, quote_in_quoted, skipping };
  bool take(char c);
  void fail(char const* why) noexcept;
  event finish();
  void end_field();

  std::size_t longest_, most_fields_, size_ = 0;
  std::string_view input_;
  bool last_ = false, fresh_ = true, blank_ = true, cr_ = false;
  state state_ = state::field_start;
  char const* problem_ = nullptr;
  std::size_t line_ = 1, begun_at_ = 1;
  std::string field_;
  std::vector<std::string> fields_;
};

// Appends one field, in quotes where it needs them. The caller writes the commas and, at the end of a record, CRLF.
void append_csv_field(std::string& out, std::string_view text);

}  // namespace slipway::content
