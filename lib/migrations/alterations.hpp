// Differences as statements, forwards and back. What engines share is here; alterations_sqlite.cpp, _postgres.cpp and
// _mysql.cpp are how each changes a table that is in use. For the .cpp files of this folder.
#pragma once

#include <slipway/migrations/column_types.hpp>
#include <slipway/migrations/differences.hpp>
#include <slipway/migrations/generate.hpp>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::migrations {

// The steps of a change that programs of before and of after can both live with; a file for each that has something.
enum class phase : std::uint8_t {
  expand,    // what is added
  indexes,   // without a transaction
  checked,   // what is proved about rows that are there
  contract,  // what is taken away, after the deployment
};
inline constexpr std::size_t phase_count = 4;

struct section {
  std::vector<std::string> up, down;  // statements with the remarks above them; `down` in the order of `up`
  bool foreign_keys_off = false;
  bool irreversible = false;
};

struct plan {
  std::array<section, phase_count> sections;
  section& operator[](phase p) noexcept { return sections[static_cast<std::size_t>(p)]; }
};

struct foreign_key {
  std::string table, column;  // where it leads to
};

class alterations {
 public:
  alterations(db::models const& models, engine_view const& view, bool destructive);
  virtual ~alterations() = default;

  migrations::plan write();

 protected:
  using changes = std::vector<difference const*>;

  // All changes of one table that is there.
  virtual void alter(changes const& of_one_table);
  virtual void add_column(difference const& d) = 0;
  virtual void drop_column(difference const& d) = 0;
  virtual void set_type(difference const& d) = 0;
  virtual void allow_null(difference const& d) = 0;
  virtual void forbid_null(difference const& d) = 0;
  virtual void add_index(difference const& d) = 0;

  // Engines' own words in a new table.
  virtual std::string generated_key() const = 0;  // "bigint AUTO_INCREMENT PRIMARY KEY"
  virtual std::string table_options(db::table_info const& table) const;
  virtual std::string more_columns(db::table_info const&) const { return {}; }  // ",\n  name type"
  virtual bool has_inline_references() const { return true; }
  virtual bool has_inline_indexes() const { return false; }  // in CREATE TABLE
  virtual bool indexes_references() const { return false; }  // by itself

  void put(phase p, std::string up, std::string down);
  // The same, written as a comment unless it was asked for.
  void put_destructive(phase p, std::string const& why, std::string up, std::string down);

  db::dialect dialect() const noexcept { return view_.dialect; }
  std::string wanted(difference const& d) const;  // type of the model's member
  std::string there(difference const& d) const;   // type of the column, in this engine's words
  // What rows get that are there already, as a literal, with a remark where that is a guess.
  std::string initial(difference const& d, std::string& remark) const;
  std::string no_null_for_old(difference const& d) const;
  std::optional<foreign_key> reference_of(db::table_info const& table, std::uint8_t member) const;
  // "type NOT NULL DEFAULT x", for a column that is added to rows.
  std::string added_definition(difference const& d, std::string& remark) const;
  // The column as it was, for rows that have lost it.
  std::string former_definition(difference const& d) const;
  table_state const* state_of(std::string_view table) const noexcept;
  // The index of this name, in whichever table: schemas of PostgreSQL and SQLite have one list of them.
  index_state const* index_of_name(std::string_view name) const noexcept;
  // A name for it that nothing has which can be used.
  std::string free_name(difference const& d) const;
  // "\"a\", \"b\"", as this engine takes them into an index of this table.
  virtual std::string index_columns(db::table_info const& table, db::index_rule const& rule) const;
  // "CREATE UNIQUE INDEX name ON table (columns) WHERE condition;", `how` after INDEX
  std::string create_index(db::table_info const& table, db::index_rule const& rule, std::string const& name,
                           std::string_view how = {}) const;
  static std::string constraint(difference const& d, std::string_view suffix);  // "notes_owner_id_fkey", quoted

  engine_view const& view_;
  migrations::plan plan_;
  bool destructive_;

 private:
  void create(db::model const& m);
  void create_after(db::model const& m, std::vector<db::model const*>& done, std::vector<db::model const*>& under_way);
  std::string column_line(db::model const& m, std::uint8_t member, std::size_t width) const;
  bool is_inline(db::index_rule const& rule) const;
  std::string index_lines(db::table_info const& table) const;
  void drop_table(difference const& d);
  bool is_missing(std::string_view table) const noexcept;
  // Where two new tables refer to each other, the one that is made first cannot say so.
  bool is_there_to_refer_to(db::table_info const& from, std::string_view table) const noexcept;

  db::models const& models_;
  std::vector<db::model const*> created_;
};

std::unique_ptr<alterations> make_sqlite_alterations(db::models const& m, engine_view const& v, bool destructive);
std::unique_ptr<alterations> make_postgres_alterations(db::models const& m, engine_view const& v, bool destructive);
std::unique_ptr<alterations> make_mysql_alterations(db::models const& m, engine_view const& v, bool destructive);

}  // namespace slipway::migrations
