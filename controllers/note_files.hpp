// Notes into a file and out of one, piece by piece.
#pragma once

#include "models/note_file.hpp"
#include "services/notes.hpp"

#include <slipway/http/message.hpp>

#include <memory>
#include <string_view>

namespace app::controllers {

std::string_view media_type_of(note_format f) noexcept;

// What the file's own type or name says; empty: neither is known.
std::optional<note_format> note_format_of(std::string_view media_type, std::string_view file_name);

// All notes of one person, oldest first, `first` and then page by page as the client reads: memory holds one page.
// A note that changes meanwhile is in its old or its new form; none comes twice.
std::unique_ptr<http::body_source> export_notes(services::notes& from, scope who, page<note> first, note_format as);

// Reads a file's notes, and remembers what is wrong with which line:
//
//   reader->feed(piece);
//   while (reader->read()) co_await yield();
class note_reader {
 public:
  // More notes than `most` are one error more.
  static std::unique_ptr<note_reader> make(note_format as, std::size_t most);
  explicit note_reader(std::size_t most) noexcept : most_{most} {}
  virtual ~note_reader() = default;
  // Once `read` is false. An empty piece is the end. It must live until then.
  void feed(std::string_view piece) {
    if (!over_) take_piece(piece);
  }
  // Reads some of the piece: as much as others of the shard can wait for. False: all of it is read.
  bool read();
  // All of them, or the fault `invalid` that names every wrong line (the first hundred errors).
  result<std::vector<note_record>> take();

 protected:
  virtual void take_piece(std::string_view piece) = 0;
  // One line or record; false: there is none left in the piece.
  virtual bool read_one() = 0;
  void add(note_record n, std::size_t line);
  void wrong(std::size_t line, std::vector<field_error> errors);
  // Whether errors are still told, or only counted.
  bool tells() const noexcept { return errors_.size() < most_errors; }
  // What follows has no meaning any more: it is passed over.
  void give_up() noexcept { over_ = true; }

 private:
  static constexpr std::size_t most_errors = 100;
  static constexpr int lines_at_once = 256;
  std::size_t most_, wrong_ = 0;
  bool over_ = false;
  std::vector<note_record> notes_;
  std::vector<field_error> errors_;
};

}  // namespace app::controllers
