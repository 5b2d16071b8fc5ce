// What the numbers and texts of a server's errors mean here. The connection asks for English texts.
#include <slipway/core/ascii.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/db/mysql_wire.hpp>
#include <slipway/db/no_room.hpp>

#include <algorithm>
#include <array>

namespace slipway::db::detail {
namespace {

// What stands between the last `open` and the next `close` after it.
std::string between(std::string_view text, std::string_view open, char close) {
  auto const at = text.rfind(open);
  if (at == std::string_view::npos) return {};
  auto rest = text.substr(at + open.size());
  return std::string{rest.substr(0, rest.find(close))};
}

// Takes a text apart into words and quoted names.
class words {
 public:
  explicit words(std::string_view text) noexcept : rest_{text} {}

  std::string next() {
    skip_space();
    if (rest_.empty()) return {};
    std::string out;
    if (auto const quote = rest_[0]; quote == '"' || quote == '`') {
      auto const end = rest_.find(quote, 1);
      out = rest_.substr(1, end == std::string_view::npos ? end : end - 1);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
      return out;
    }
    while (!rest_.empty() && rest_[0] != ' ' && rest_[0] != '\n' && rest_[0] != '\t' && rest_[0] != '(' &&
           rest_[0] != '.' && rest_[0] != '\r') {
      out += rest_[0];
      rest_.remove_prefix(1);
    }
    return out;
  }
  bool take(char c) {
    skip_space();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

 private:
  void skip_space() noexcept {
    while (!rest_.empty() && (rest_[0] == ' ' || (rest_[0] >= '\t' && rest_[0] <= '\r'))) rest_.remove_prefix(1);
  }
  std::string_view rest_;
};

// notes.owner_id, or notes.a,notes.b, from "... constraint fails (`db`.`notes`, CONSTRAINT `x` FOREIGN KEY (`owner_id`)
// REFERENCES ...", where the quotes are those of the session's SQL mode.
my_violation foreign_key_of(std::string_view message) {
  my_violation out{.kind = constraint_kind::foreign_key, .table = {}, .name = {}};
  auto const opened = message.find('(');
  if (opened == std::string_view::npos) return out;
  words place{message.substr(opened + 1)};
  out.table = place.next();
  if (place.take('.')) out.table = place.next();
  auto const list = between(message, " FOREIGN KEY (", ')');
  words columns{list};
  for (auto column = columns.next(); !column.empty(); column = columns.next()) {
    out.name.append(out.name.empty() ? "" : ",").append(out.table).append(".").append(column);
    if (!columns.take(',')) break;
  }
  return out;
}

template <std::size_t N>
bool is_one_of(int number, std::array<int, N> const& list) noexcept {
  return std::ranges::find(list, number) != list.end();
}

}  // namespace

std::string changed_table(std::string_view sql) {
  words in{sql};
  auto const verb = ascii_lowered(in.next());
  if (verb != "insert" && verb != "replace" && verb != "update") return {};
  for (;;) {
    auto name = in.next();
    auto const word = ascii_lowered(name);
    if (word == "low_priority" || word == "high_priority" || word == "delayed" || word == "ignore" || word == "into")
      continue;
    return in.take('.') ? in.next() : name;  // of another schema: the name alone
  }
}

std::optional<my_violation> violation_of(int number, std::string_view message) {
  switch (number) {
    case 1062:  // Duplicate entry '..' for key 'users.email' (MySQL), for key 'email' (MariaDB)
    case 1586: {
      auto key = between(message, " for key '", '\'');
      my_violation out{.kind = constraint_kind::unique, .table = {}, .name = {}};
      if (auto const dot = key.find('.'); dot != std::string::npos) {
        out.table = key.substr(0, dot);
        key.erase(0, dot + 1);
      }
      out.name = std::move(key);
      return out;
    }
    case 1048:  // Column 'title' cannot be null
    case 1263:  // Column set to default value; NULL supplied to NOT NULL column 'title' at row 1
    case 1364:  // Field 'title' doesn't have a default value
      return my_violation{.kind = constraint_kind::not_null,
                          .table = {},
                          .name = between(message,
                                          number == 1048   ? "Column '"
                                          : number == 1364 ? "Field '"
                                                           : "NOT NULL column '",
                                          '\'')};
    case 1216:
    case 1217: return my_violation{.kind = constraint_kind::foreign_key, .table = {}, .name = {}};
    case 1451:  // ... constraint fails (`db`.`notes`, CONSTRAINT `x` FOREIGN KEY (`owner_id`) REFERENCES ...
    case 1452: return foreign_key_of(message);
    case 3819:  // Check constraint 'stars_positive' is violated. (MySQL)
      return my_violation{.kind = constraint_kind::check, .table = {}, .name = between(message, "constraint '", '\'')};
    case 4025:  // CONSTRAINT `stars_positive` failed for `db`.`notes` (MariaDB)
      return my_violation{.kind = constraint_kind::check, .table = {}, .name = between(message, "CONSTRAINT `", '`')};
    default: return std::nullopt;
  }
}

namespace {

// A disk, or a table's file; or another failure whose cause is the system's ENOSPC.
bool says_full(int number, std::string_view message) noexcept {
  if (is_one_of(number, std::array{1021, 1114})) return true;
  return is_one_of(number, std::array{3, 20, 1026, 1030}) &&
         (message.contains("rror 28 ") || message.contains("Errcode: 28 "));
}

}  // namespace

std::exception_ptr error_of(int number, std::string const& message) {
  auto const code = std::to_string(number);
  auto const what = "MySQL: " + message + " (" + code + ")";
  // Deadlock, a lock that was not given in time or at once, and MariaDB's snapshot that is out of date.
  if (is_one_of(number, std::array{1213, 1205, 3572, 1020})) return std::make_exception_ptr(conflict_error{what, code});
  // Out of range, too long, no number, no date, no UTF-8, no JSON.
  if (is_one_of(number, std::array{1264, 1265, 1292, 1300, 1366, 1367, 1406, 1411, 1416, 1441,
                                   1525, 1690, 3140, 3141, 3143, 3144, 3156, 3157, 4037, 4038}))
    return std::make_exception_ptr(input_error{what, code});
  if (number == 1365) return std::make_exception_ptr(value_error{what, code});  // division by zero
  if (is_one_of(number, std::array{1969, 3024}))
    return std::make_exception_ptr(unavailable_error{what + ": database.statement_timeout"});
  if (says_full(number, message)) return no_room_left(what);
  // Full: connections, memory, locks, statements. Going down, read only, killed.
  if (is_one_of(number, std::array{1030, 1037, 1038, 1040, 1041, 1053, 1135, 1180, 1203, 1206, 1226, 1290, 1317, 1461,
                                   1836, 1927, 3169, 4031}))
    return std::make_exception_ptr(unavailable_error{what});
  return std::make_exception_ptr(db::error{what, code});
}

bool ends_transaction(int number) noexcept { return is_one_of(number, std::array{1213, 1205, 1020}); }

bool refuses_for_good(int number) noexcept {
  return is_one_of(number, std::array{1044, 1045, 1049, 1130, 1251, 1449, 1524, 1526, 1698, 1820, 1862, 3118, 3159,
                                      4151, 1142, 1227, 1193, 1115, 1273});
}

}  // namespace slipway::db::detail
