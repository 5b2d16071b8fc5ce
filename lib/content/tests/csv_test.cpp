#include <slipway/content/csv.hpp>
#include <slipway/content/lines.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace slipway::content {
namespace {

// "1:[a,b] 2!why", read in pieces of `size` bytes.
std::string records(std::string_view text, std::size_t size, std::size_t longest = 100, std::size_t most_fields = 8) {
  csv_parser p{longest, most_fields};
  std::string out;
  for (;;) {
    auto const e = p.next();
    if (e == csv_parser::event::end) return out;
    if (e == csv_parser::event::need_more) {
      p.feed(text.substr(0, size));
      text.remove_prefix(std::min(size, text.size()));
      continue;
    }
    if (!out.empty()) out += ' ';
    if (e == csv_parser::event::record)
      out += fmt::format("{}:[{}]", p.line(), fmt::join(p.fields(), "|"));
    else
      out += fmt::format("{}!{}", p.line(), p.problem());
  }
}

void same_however_it_is_cut(std::string_view text, std::string_view expected) {
  for (std::size_t size = 1; size <= text.size() + 1; ++size) EXPECT_EQ(records(text, size), expected) << size;
}

TEST(csv, records_in_pieces_of_any_size) {
  same_however_it_is_cut("", "");
  same_however_it_is_cut("a,b\r\nc,d\r\n", "1:[a|b] 2:[c|d]");
  same_however_it_is_cut("a,b\nc,", "1:[a|b] 2:[c|]");
  same_however_it_is_cut("\r\n\na\r\n\r\n", "3:[a]");
  same_however_it_is_cut("\"a,\"\"b\"\"\r\nx\",\"\"\nlast", "1:[a,\"b\"\r\nx|] 3:[last]");
}

TEST(csv, goes_on_behind_what_is_malformed) {
  same_however_it_is_cut("a\"b,c\nd\n", "1!a quote stands in a field that does not begin with one 2:[d]");
  same_however_it_is_cut("\"a\"b\nd", "1!text stands behind a closing quote 2:[d]");
  same_however_it_is_cut("a\rb\nd", "1!a carriage return stands alone 2:[d]");
  same_however_it_is_cut("a\n\"b\nc", "1:[a] 2!a quote is never closed");
  EXPECT_EQ(records("aaaaaaaa\nb\n", 3, 4), "1!the record is too long 2:[b]");
}

TEST(csv, no_record_has_more_fields_than_it_may) {
  EXPECT_EQ(records("a,b,c\n1,2,3,\n,,\n,,,,,,\nlast", 3, 100, 3),
            "1:[a|b|c] 2!the record has too many fields 3:[||] 4!the record has too many fields 5:[last]");
  EXPECT_EQ(records("a,b\nc,d", 100, 100, 1), "1!the record has too many fields 2!the record has too many fields");
}

TEST(csv, what_is_written_is_read_again) {
  for (std::string_view const text : {"", "a", " a ", "a,b", "a\"b", "\r\n", "\"", ",", "\xc3\xa9"}) {
    std::string out;
    append_csv_field(out, "first");
    out += ',';
    append_csv_field(out, text);
    out += "\r\n";
    EXPECT_EQ(records(out, 2), fmt::format("1:[first|{}]", text));
  }
}

std::string lines(std::string_view text, std::size_t size, std::size_t longest = 100) {
  line_splitter s{longest};
  std::string out;
  for (bool over = false; !over;) {
    over = text.empty();
    s.feed(text.substr(0, size));
    text.remove_prefix(std::min(size, text.size()));
    while (auto const l = s.next()) out += fmt::format("{}{}[{}]", l->number, l->too_long ? "!" : ":", l->text);
  }
  return out;
}

TEST(lines, in_pieces_of_any_size) {
  for (std::size_t size = 1; size < 12; ++size) {
    EXPECT_EQ(lines("", size), "");
    EXPECT_EQ(lines("a\nbc\r\n\nd", size), "1:[a]2:[bc]3:[]4:[d]") << size;
    EXPECT_EQ(lines("\n", size), "1:[]") << size;
    EXPECT_EQ(lines("abcdef\nabcd\r\nabc", size, 4), "1![abcd]2:[abcd]3:[abc]") << size;
  }
}

}  // namespace
}  // namespace slipway::content
