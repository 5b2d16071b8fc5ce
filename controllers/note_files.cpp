#include "controllers/note_files.hpp"

#include <slipway/content/csv.hpp>
#include <slipway/content/lines.hpp>
#include <slipway/content/negotiation.hpp>
#include <slipway/json/path.hpp>
#include <slipway/json/reader.hpp>
#include <slipway/json/scalar.hpp>
#include <slipway/json/validate.hpp>
#include <slipway/json/writer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace app::controllers {
namespace {

// The longest valid note is far shorter, however its text is escaped.
constexpr std::size_t longest_line = 1 << 20;
constexpr std::size_t page_size = 100;
// Far more columns than a note has, so that those it has not can be named.
constexpr std::size_t most_columns = 64;

constexpr auto const& record_type = meta::describe<note_record>;

void write_csv_header(std::string& out) {
  for (auto const& m : meta::describe<note_view>.members) out.append(out.empty() ? "" : ",").append(m.name);
  out += "\r\n";
}

// Lists as their JSON text, everything else as the text of a parameter: what is written is read again exactly.
void write_csv(std::string& out, note_view const& n) {
  bool first = true;
  for (auto const& m : meta::describe<note_view>.members) {
    if (!std::exchange(first, false)) out += ',';
    if (json::is_scalar(*m.of)) {
      content::append_csv_field(out, json::write_scalar(*m.of, m.at_const(&n)));
      continue;
    }
    json::buffer text;
    json::write_value(text, *m.of, m.at_const(&n));
    content::append_csv_field(out, text.view());
  }
  out += "\r\n";
}

class note_export final : public http::body_source {
 public:
  note_export(services::notes& from, scope who, page<note> first, note_format as)
      : from_{from}, who_{who}, page_{std::move(first)}, as_{as} {
    if (as == note_format::csv) write_csv_header(text_);
  }

  task<std::string_view> next() override {
    if (given_) text_.clear();
    given_ = true;
    if (!fresh_ && !page_.next.empty()) {
      auto following = co_await from_.list(
          who_, {.sort = note_order::oldest, .cursor = page_.next, .limit = static_cast<int>(page_size)});
      if (!following) throw std::logic_error{"an export's own cursor was refused"};
      page_ = std::move(*following);
      fresh_ = true;
    }
    if (std::exchange(fresh_, false))
      for (auto const& n : page_.items) write(view_of(n));
    co_return text_;
  }

 private:
  void write(note_view const& n) {
    if (as_ == note_format::csv) return write_csv(text_, n);
    text_ += json::write(n);
    text_ += '\n';
  }

  services::notes& from_;
  scope who_;
  page<note> page_;
  note_format as_;
  std::string text_;
  bool fresh_ = true, given_ = false;
};

// "column 7: ..." of "Line 1, column 7: ...": which line of the file it is, is said beside it.
std::string without_line(std::string_view detail) {
  auto const column = detail.find("column ");
  return std::string{column == detail.npos ? detail : detail.substr(column)};
}

class ndjson_reader final : public note_reader {
 public:
  using note_reader::note_reader;

 private:
  void take_piece(std::string_view piece) override { lines_.feed(piece); }

  bool read_one() override {
    auto const line = lines_.next();
    if (line) read_line(*line);
    return line.has_value();
  }

  void read_line(content::line_splitter::line const& line) {
    if (line.text.empty()) return;
    if (line.too_long) return wrong(line.number, {{"", "too_long", "the line is too long"}});
    auto n = json::read_valid<note_record>(line.text);
    if (n) return add(std::move(*n), line.number);
    auto& more = n.error().more();
    if (!more.fields.empty()) return wrong(line.number, std::move(more.fields));
    wrong(line.number, {{"", std::string{n.error().code()}, without_line(more.detail)}});
  }

  content::line_splitter lines_{longest_line};
};

class csv_reader final : public note_reader {
 public:
  using note_reader::note_reader;

 private:
  void take_piece(std::string_view piece) override { records_.feed(piece); }

  bool read_one() override {
    switch (records_.next()) {
      case content::csv_parser::event::need_more:
      case content::csv_parser::event::end: return false;
      case content::csv_parser::event::malformed:
        wrong(records_.line(), {{"", "malformed_csv", records_.problem()}});
        if (columns_.empty()) give_up();
        return true;
      case content::csv_parser::event::record: columns_.empty() ? read_header() : read_note(); return true;
    }
    return false;
  }

  // Without its columns nobody can tell what the fields of a record mean.
  void read_header() {
    std::vector<field_error> errors;
    bool has_title = false;
    json::place const top;
    for (auto const& field : records_.fields()) {
      std::string_view name = field;
      if (columns_.empty() && name.starts_with("\xef\xbb\xbf")) name.remove_prefix(3);  // spreadsheets write one
      auto const* m = record_type.find(name);
      if (m == nullptr)
        errors.push_back({json::pointer_to(top.member(name)), "unknown", "is not a column of notes"});
      else if (std::ranges::find(columns_, m) != columns_.end())
        errors.push_back({json::pointer_to(top.member(name)), "duplicate", "must not be given twice"});
      columns_.push_back(m);
      has_title |= name == "title";
    }
    if (!has_title) errors.push_back({"/title", "required", "is required: the first line names the columns"});
    if (errors.empty()) return;
    wrong(records_.line(), std::move(errors));
    give_up();
  }

  void read_note() {
    auto const& fields = records_.fields();
    if (fields.size() != columns_.size())
      return wrong(records_.line(), {{"", "wrong_size", wrong_size(fields.size())}});
    note_record n;
    std::vector<field_error> errors;
    for (std::size_t i = 0; i < fields.size(); ++i)
      if (!fields[i].empty()) read_field(*columns_[i], &n, fields[i], errors);
    if (errors.empty()) json::validate(record_type, &n, errors);
    if (!errors.empty()) return wrong(records_.line(), std::move(errors));
    add(std::move(n), records_.line());
  }

  std::string wrong_size(std::size_t fields) const {
    return tells() ? fmt::format("has {} fields where the first line names {}", fields, columns_.size()) : "";
  }

  static void read_field(meta::member const& m, note_record* n, std::string const& text,
                         std::vector<field_error>& errors) {
    auto const pointer = fmt::format("/{}", m.name);
    if (json::is_scalar(*m.of)) {
      if (auto problem = json::read_scalar(*m.of, m.at(n), text))
        errors.push_back({pointer, problem.code, std::move(problem.message)});
      return;
    }
    if (auto read = json::read_into(*m.of, m.at(n), text, {}, false); !read)
      errors.push_back({pointer, "wrong_type", R"(must be a JSON list of texts, such as ["home","shop"])"});
  }

  content::csv_parser records_{longest_line, most_columns};
  std::vector<meta::member const*> columns_;
};

}  // namespace

std::string_view media_type_of(note_format f) noexcept {
  switch (f) {
    case note_format::ndjson: return "application/x-ndjson";
    case note_format::csv: return "text/csv";
  }
  return {};
}

std::optional<note_format> note_format_of(std::string_view media_type, std::string_view file_name) {
  auto const type = content::essence(media_type);
  auto const dot = file_name.rfind('.');
  auto const extension = dot == file_name.npos ? std::string_view{} : file_name.substr(dot + 1);
  std::optional<note_format> by_name;
  for (auto const& e : meta::describe<note_format>.enumerators) {
    auto const format = static_cast<note_format>(e.value);
    if (http::equal_names(type, media_type_of(format))) return format;
    if (http::equal_names(extension, e.name)) by_name = format;
  }
  return by_name;
}

std::unique_ptr<http::body_source> export_notes(services::notes& from, scope who, page<note> first, note_format as) {
  return std::make_unique<note_export>(from, who, std::move(first), as);
}

std::unique_ptr<note_reader> note_reader::make(note_format as, std::size_t most) {
  if (as == note_format::csv) return std::make_unique<csv_reader>(most);
  return std::make_unique<ndjson_reader>(most);
}

bool note_reader::read() {
  for (int i = 0; i < lines_at_once; ++i)
    if (over_ || !read_one()) return false;
  return true;
}

void note_reader::add(note_record n, std::size_t line) {
  if (wrong_ != 0) return;
  if (notes_.size() < most_) return notes_.push_back(std::move(n));
  wrong(line, {{"", "too_many", fmt::format("the file has more than {} notes; split it", most_)}});
}

void note_reader::wrong(std::size_t line, std::vector<field_error> errors) {
  wrong_ += errors.size();
  for (auto& e : errors) {
    if (errors_.size() == most_errors) break;
    e.line = line;
    errors_.push_back(std::move(e));
  }
  notes_ = {};  // nothing will be imported: only what is wrong is still of interest
}

result<std::vector<note_record>> note_reader::take() {
  if (wrong_ == 0) return std::move(notes_);
  auto out = fault::invalid(std::move(errors_));
  if (wrong_ > most_errors)
    return std::unexpected(
        std::move(out).detail(fmt::format("{} errors; the first {} are named.", wrong_, most_errors)));
  return std::unexpected(std::move(out));
}

}  // namespace app::controllers
