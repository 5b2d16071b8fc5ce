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

// Reads a file's notes, and remembers what is wrong with which line.
class note_reader {
 public:
  // More notes than `most` are one error more.
  static std::unique_ptr<note_reader> make(note_format as, std::size_t most);
  explicit note_reader(std::size_t most) noexcept : most_{most} {}
  virtual ~note_reader() = default;
  // An empty piece is the end.
  virtual void feed(std::string_view piece) = 0;
  // All of them, or the fault `invalid` that names every wrong line (the first hundred errors).
  result<std::vector<note_record>> take();

 protected:
  void add(note_record n, std::size_t line);
  void wrong(std::size_t line, std::vector<field_error> errors);

 private:
  static constexpr std::size_t most_errors = 100;
  std::size_t most_, wrong_ = 0;
  std::vector<note_record> notes_;
  std::vector<field_error> errors_;
};

}  // namespace app::controllers
