// Files of notes that are made to cost more than their size.
#include "controllers/note_files.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace {

using namespace app;
using controllers::note_format_of;
using controllers::note_reader;

struct outcome {
  std::size_t notes = 0;
  std::vector<field_error> errors;
  std::string detail;
  int turns = 0;  // how often the others of a shard could go first
};

outcome read(note_format as, std::string_view text, std::size_t most = 10) {
  auto const reader = note_reader::make(as, most);
  outcome out;
  constexpr std::size_t piece = 1 << 16;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    reader->feed(text.substr(at, piece));
    while (reader->read()) ++out.turns;
  }
  reader->feed({});
  while (reader->read()) ++out.turns;
  auto taken = reader->take();
  if (taken) {
    out.notes = taken->size();
  } else {
    out.detail = taken.error().more().detail;
    out.errors = std::move(taken.error().more().fields);
  }
  return out;
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(note_files, a_line_of_a_million_columns_is_one_error) {
  auto const found = read(note_format::csv, std::string(1'048'000, ',') + "\ntitle\nx\n");
  ASSERT_EQ(found.errors.size(), 1u);
  EXPECT_EQ(found.errors[0].code, "malformed_csv");
  EXPECT_EQ(found.errors[0].line, 1u);
  EXPECT_EQ(found.detail, "");
}

TEST(note_files, columns_that_notes_do_not_have_are_named_and_nothing_is_read_behind_them) {
  auto const found = read(note_format::csv, "title,colour,shape/size\n" + repeated("x\n", 1000));
  ASSERT_EQ(found.errors.size(), 2u);
  EXPECT_EQ(found.errors[0].pointer, "/colour");
  EXPECT_EQ(found.errors[1].pointer, "/shape~1size");
  EXPECT_EQ(found.turns, 0);
  auto const long_name = read(note_format::csv, "title," + std::string(500'000, 'x') + "\n");
  ASSERT_EQ(long_name.errors.size(), 1u);
  EXPECT_LT(long_name.errors[0].pointer.size(), 200u);
}

TEST(note_files, wrong_lines_beyond_those_that_are_named_are_counted) {
  auto const found = read(note_format::csv, "title,pinned,tags\n" + repeated(",x,y\n", 2000));
  EXPECT_EQ(found.errors.size(), 100u);
  EXPECT_EQ(found.detail, "4000 errors; the first 100 are named.");
  auto const short_ones = read(note_format::csv, "title,pinned,tags\n" + repeated("x\n", 2000));
  EXPECT_EQ(short_ones.errors.size(), 100u);
  EXPECT_EQ(short_ones.errors[99].message, "has 1 fields where the first line names 3");
  EXPECT_EQ(short_ones.detail, "2000 errors; the first 100 are named.");
}

TEST(note_files, a_long_file_is_read_in_turns) {
  EXPECT_GT(read(note_format::csv, "title\n" + repeated("x\n", 10'000), 20'000).turns, 20);
  EXPECT_GT(read(note_format::ndjson, repeated("{\"title\":\"x\"}\n", 10'000), 20'000).turns, 20);
  EXPECT_GT(read(note_format::ndjson, repeated("\n", 10'000)).turns, 20);
  auto const too_many = read(note_format::csv, "title\n" + repeated("x\n", 10'000));
  ASSERT_EQ(too_many.errors.size(), 1u);
  EXPECT_EQ(too_many.errors[0].code, "too_many");
  EXPECT_GT(too_many.turns, 20);
}

TEST(note_files, the_type_of_a_file_goes_before_its_name) {
  using enum note_format;
  EXPECT_EQ(note_format_of("text/csv", "a.ndjson"), csv);
  EXPECT_EQ(note_format_of("application/x-ndjson", "a.csv"), ndjson);
  EXPECT_EQ(note_format_of("Text/CSV; charset=utf-8", ""), csv);
  EXPECT_EQ(note_format_of("text/plain", "a.CSV"), csv);
  EXPECT_EQ(note_format_of("application/octet-stream", "a.b.NdJson"), ndjson);
  EXPECT_EQ(note_format_of("text/plain", "csv"), std::nullopt);
  EXPECT_EQ(note_format_of("text/plain", "a.csv.png"), std::nullopt);
  EXPECT_EQ(note_format_of("text/plain", ""), std::nullopt);
}

}  // namespace
