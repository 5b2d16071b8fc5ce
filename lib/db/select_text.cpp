// The text of a query.
#include <slipway/db/select_text.hpp>

#include <utility>

namespace slipway::db::detail {
namespace {

class select_text {
 public:
  explicit select_text(select_state const& s)
      : s_{s}, out_{s.shared.kind}, qualify_{s.parts && !s.parts->joins.empty()} {}

  // The placeholders are counted in the order of the values: joins, condition, having, cursor, limit and offset.
  std::string make(select_state::wanted what) {
    auto const* parts = s_.parts.get();
    auto const from = sources();
    auto const filter = condition();
    auto const having = parts != nullptr && !parts->having.code.empty()
                            ? " having " + out_.condition(s_.info, parts->having.code, qualify_)
                            : std::string{};
    auto const rows = what == select_state::wanted::rows;
    auto const is_wrapped = !rows && parts != nullptr && (parts->distinct || !parts->groups.empty());
    auto const columns = rows || (is_wrapped && parts->distinct)              ? outputs()
                         : what == select_state::wanted::count && !is_wrapped ? "count(*)"
                                                                              : "1";
    auto text = "select " + columns + from + filter + groups() + having;
    if (rows) text += orders() + limits();
    if (what == select_state::wanted::exists && !is_wrapped) text += " limit 1";
    if (is_wrapped)  // what is counted are the rows that come out
      text = (what == select_state::wanted::count ? "select count(*) from (" : "select 1 from (") + text +
             ") as counted" + (what == select_state::wanted::exists ? " limit 1" : "");
    return text;
  }

 private:
  std::string column(std::uint8_t index) const {
    return qualify_ ? out_.column(source_info{&s_.info, {}}, index) : out_.column(s_.info, index);
  }

  std::string outputs() {
    sql_writer list{s_.shared.kind};
    if (s_.parts && s_.parts->distinct) list.text = "distinct ";
    if (s_.parts && !s_.parts->outputs.empty())
      list.text += commas(s_.parts->outputs, true);
    else if (qualify_)
      list.columns(source_info{&s_.info, {}});
    else
      list.columns(s_.info);
    if (s_.parts && !s_.parts->further.empty()) list.text += ", " + commas(s_.parts->further);
    return std::move(list.text);
  }

  // `read`: as they are given back.
  std::string commas(std::string_view program, bool read = false) {
    std::string out;
    for (auto const& each : out_.evaluate(s_.info, program, qualify_))
      out += (out.empty() ? "" : ", ") + (read && each.is_array ? words::array_as_json(out_.kind, each.sql) : each.sql);
    return out;
  }

  std::string sources() {
    sql_writer names{s_.shared.kind};
    names.text = " from ";
    names.name(s_.info.name);
    if (!s_.parts) return std::move(names.text);
    for (auto const& each : s_.parts->joins) {
      names.text += each.is_left ? " left join " : " join ";
      names.name(each.with->table->name);
      if (!each.with->alias.empty()) names.text += " as " + quoted(each.with->alias);
      names.text += " on " + out_.condition(s_.info, each.on.code, true);
      // Rows that are marked as deleted are not there for the join either.
      auto const deleted = s_.deleted == deleted_rows::with ? deleted_rows::with : deleted_rows::without;
      if (auto const alive = out_.not_deleted(*each.with, deleted, true); !alive.empty()) names.text += " and " + alive;
    }
    return std::move(names.text);
  }

  std::string condition() {
    std::string all;
    auto add = [&all](std::string const& part) {
      if (!part.empty()) all += (all.empty() ? " where " : " and ") + part;
    };
    if (!s_.where.code.empty()) add(out_.condition(s_.info, s_.where.code, qualify_));
    add(out_.not_deleted(source_info{&s_.info, {}}, s_.deleted, qualify_));
    if (!s_.after_nulls.empty()) add(after_cursor());
    return all;
  }

  std::string groups() {
    return s_.parts && !s_.parts->groups.empty() ? " group by " + commas(s_.parts->groups) : std::string{};
  }

  std::string orders() {
    std::string all;
    for (std::size_t i = 0; i < s_.orders.size(); i += 2) {
      auto const index = static_cast<std::uint8_t>(s_.orders[i]);
      all += (all.empty() ? "" : ", ") + out_.order(column(index), is_nullable(s_.info, index), s_.orders[i + 1]);
    }
    if (s_.parts && !s_.parts->orders.empty()) all += (all.empty() ? "" : ", ") + commas(s_.parts->orders);
    return all.empty() ? all : " order by " + all;
  }

  std::string limits() {
    std::string out;
    if (s_.limit == 1)
      out += " limit 1";  // the most frequent one costs no parameter
    else if (s_.limit >= 0)
      out += " limit " + out_.placeholder();
    else if (s_.offset >= 0)
      out += words::no_limit[out_.kind];
    if (s_.offset >= 0) out += " offset " + out_.placeholder();
    if (s_.lock == lock_mode::update) out += words::for_update[out_.kind];
    if (s_.lock == lock_mode::skip_locked) out += words::skip_locked[out_.kind];
    return out;
  }

  // Whether one comparison of rows says what comes after: every column descends, or none, and none may be null.
  bool is_uniform() const noexcept {
    if (!words::compares_rows[out_.kind]) return false;
    for (std::size_t i = 0; i < s_.orders.size(); i += 2)
      if ((s_.orders[i + 1] & descending) != (s_.orders[1] & descending) ||
          is_nullable(s_.info, static_cast<std::uint8_t>(s_.orders[i])))
        return false;
    return true;
  }

  // What comes after the row with these values: (a, b) < ($1, $2) where that is possible, which an index serves;
  // otherwise a > $1 or (a = $1 and b < $2).
  std::string after_cursor() {
    auto const count = s_.orders.size() / 2;
    std::vector<std::string> name(count), mark(count);
    for (std::size_t i = 0; i < count; ++i) {
      name[i] = column(static_cast<std::uint8_t>(s_.orders[2 * i]));
      if (s_.after_nulls[i] == 0) mark[i] = out_.placeholder();
    }
    if (is_uniform()) {
      std::string left, right;
      for (std::size_t i = 0; i < count; ++i) {
        left += (i == 0 ? "" : ", ") + name[i];
        right += (i == 0 ? "" : ", ") + mark[i];
      }
      return "(" + left + ")" + ((s_.orders[1] & descending) != 0 ? " < " : " > ") + "(" + right + ")";
    }
    std::string all, equal_so_far;
    for (std::size_t i = 0; i < count; ++i) {
      auto const beyond = beyond_one(i, name[i], mark[i]);
      if (!beyond.empty()) all += (all.empty() ? "(" : " or (") + equal_so_far + beyond + ")";
      equal_so_far += name[i] + (s_.after_nulls[i] != 0 ? std::string{" is null"} : " = " + mark[i]) + " and ";
    }
    return all.empty() ? "1 = 0" : "(" + all + ")";
  }
  std::string beyond_one(std::size_t i, std::string const& name, std::string const& mark) const {
    auto const flags = s_.orders[2 * i + 1];
    auto const nulls_are_first = (flags & nulls_first) != 0;
    if (s_.after_nulls[i] != 0) return nulls_are_first ? name + " is not null" : std::string{};
    auto beyond = name + ((flags & descending) != 0 ? " < " : " > ") + mark;
    if (!is_nullable(s_.info, static_cast<std::uint8_t>(s_.orders[2 * i])) || nulls_are_first) return beyond;
    return "(" + beyond + " or " + name + " is null)";
  }

  select_state const& s_;
  sql_writer out_;
  bool qualify_;
};

}  // namespace

std::unique_ptr<statement> make_select(select_state const& s, select_state::wanted what) {
  auto made = std::make_unique<statement>();
  made->sql = select_text{s}.make(what);
  made->reads = s.lock == lock_mode::none;
  return made;
}

}  // namespace slipway::db::detail
