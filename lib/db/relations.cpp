// Eager loading: the related rows of any number of rows, in one statement for each relation.
#include <slipway/core/all.hpp>
#include <slipway/db/row_values.hpp>
#include <slipway/db/sql_writer.hpp>

#include <cstring>
#include <typeinfo>

namespace slipway::db::detail {

void refuse_unloaded(char const* what) {
  throw std::logic_error{
      std::string{"a relation was looked at that was not loaded: name it in with<...>() or load<...>() ("} + what +
      ")"};
}

namespace {

constexpr std::uint32_t no_group = ~std::uint32_t{0};
constexpr std::size_t keys_at_once = 4096;

// A key as bytes that can be compared: of integers and ids the number itself, of text a view of it.
struct key_bytes {
  std::uint64_t low = 0, high = 0;
  std::string_view text{};
  bool operator==(key_bytes const& other) const noexcept = default;

  std::size_t hash() const noexcept {
    auto h = (low ^ (high * 0x9e3779b97f4a7c15)) * 0xbf58476d1ce4e5b9;
    for (char c : text) h = (h ^ static_cast<std::uint8_t>(c)) * 1099511628211u;
    return static_cast<std::size_t>(h ^ (h >> 31));
  }
  static key_bytes of(value const& v) noexcept {
    key_bytes out;
    if (v.kind() == value_kind::uuid) {
      std::memcpy(&out.low, v.id().bytes.data(), 8);
      std::memcpy(&out.high, v.id().bytes.data() + 8, 8);
    } else if (v.kind() == value_kind::text) {
      out.text = v.text();
    } else {
      out.low = static_cast<std::uint64_t>(v.integer());
    }
    return out;
  }
  static key_bytes of(cell const& c, value_kind kind, std::string_view name) {
    key_bytes out;
    if (kind == value_kind::uuid) {
      uuid id;
      read_cell(meta::describe<uuid>, &id, c, name);
      std::memcpy(&out.low, id.bytes.data(), 8);
      std::memcpy(&out.high, id.bytes.data() + 8, 8);
    } else if (kind == value_kind::text) {
      out.text = c.text;
    } else {
      out.low = static_cast<std::uint64_t>(c.integer);
    }
    return out;
  }
};

// Different keys, numbered in the order of their coming.
class key_groups {
 public:
  explicit key_groups(std::size_t most) {
    std::size_t room = 16;
    while (room < most * 2) room *= 2;
    slots_.assign(room, no_group);
  }
  std::uint32_t add(value key) {
    auto const found = place(key_bytes::of(key));
    if (slots_[found] == no_group) {
      slots_[found] = static_cast<std::uint32_t>(keys_.size());
      // Of text, the view must be of what is kept: `values` never moves what it holds, because it has room.
      if (keys_.capacity() == keys_.size()) grow();
      keys_.push_back(std::move(key));
      bytes_.push_back(key_bytes::of(keys_.back()));
    }
    return slots_[found];
  }
  std::uint32_t find(key_bytes const& key) const noexcept { return slots_[place(key)]; }
  std::size_t size() const noexcept { return keys_.size(); }
  value const& key(std::size_t group) const noexcept { return keys_[group]; }

 private:
  std::size_t place(key_bytes const& key) const noexcept {
    auto at = key.hash() & (slots_.size() - 1);
    while (slots_[at] != no_group && !(bytes_[slots_[at]] == key)) at = (at + 1) & (slots_.size() - 1);
    return at;
  }
  void grow() {
    keys_.reserve(std::max<std::size_t>(16, keys_.size() * 2));
    for (std::size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = key_bytes::of(keys_[i]);
  }

  values keys_;
  std::vector<key_bytes> bytes_;
  std::vector<std::uint32_t> slots_;
};

// For whoever watches the statements.
struct origin {
  std::source_location at;
  bool continues;
};

// The rows that a relation begins at.
struct row_list {
  void* first;
  std::size_t stride, count;
  void* operator[](std::size_t i) const noexcept { return static_cast<char*>(first) + i * stride; }
};

value enumerator_value(meta::type const& column, std::int64_t number) {
  auto const& type = column.what == meta::kind::optional ? *column.element : column;
  if (type.what != meta::kind::enumeration) return number;
  for (auto const& each : type.enumerators)
    if (each.value == number) return each.name;
  return number;
}

bool means(meta::member const& type_column, void* row, std::int64_t number) {
  auto const* type = type_column.of;
  void const* at = type_column.at(row);
  if (type->what == meta::kind::optional) {
    at = type->as_optional->get(const_cast<void*>(at));
    type = type->element;
  }
  return at != nullptr && meta::read_integer(*type, at) == number;
}

// One target of one relation, for some rows.
class loading {
 public:
  loading(core& shared, link& to, table_info const& owner, row_list rows, load_step const& step,
          relation_target const& target, origin from)
      : shared_{shared},
        to_{to},
        owner_{owner},
        rows_{rows},
        step_{step},
        target_{target},
        child_{target.table()},
        from_{from},
        keys_{rows.count} {
    auto const& r = *step.what;
    // The target's column that meets our keys.
    meets_ = r.what == relation_kind::belongs_to || r.what == relation_kind::belongs_to_any ? child_.key : r.remote;
    is_between_ = r.what == relation_kind::many_to_many;
    if (!is_between_ && meets_ == no_column)
      throw error{"the table " + std::string{child_.name} + " has no primary key that a relation could lead to"};
  }

  task<> run() {
    group_rows();
    std::vector<db::rows> answers;
    for (std::size_t begin = 0; begin < keys_.size(); begin += keys_at_once) answers.push_back(co_await ask(begin));
    auto const children = read(answers);
    hand_over(children);
    if (!step_.then.empty() && children.count > 0)
      co_await load_related(shared_, to_, child_, {children.first, children.stride, children.count}, step_.then, from_);
  }

  static task<> load_related(core& shared, link& to, table_info const& owner, row_list rows,
                             std::vector<load_step> const& steps, origin from) {
    std::vector<task<>> parts;
    for (auto const& step : steps)
      for (std::size_t t = 0; t < step.what->target_count; ++t)
        parts.push_back(load_part(shared, to, owner, rows, step, step.what->targets[t], from));
    if (parts.size() > 1 && shared.questions_travel_together()) co_return void(co_await all(std::move(parts)));
    for (auto& part : parts) co_await std::move(part);
  }

 private:
  struct child_rows : row_list {
    std::shared_ptr<void> owner;
    std::vector<std::uint32_t> begins;  // of each group, and the end of the last
  };

  static task<> load_part(core& shared, link& to, table_info const& owner, row_list rows, load_step const& step,
                          relation_target const& target, origin from) {
    loading one{shared, to, owner, rows, step, target, from};
    co_await one.run();
  }

  bool concerns(void* row) const {
    auto const& r = *step_.what;
    return r.what != relation_kind::belongs_to_any ||
           means(owner_.row->members[r.type_column], row, target_.type_value);
  }

  void group_rows() {
    auto const& column = owner_.row->members[step_.what->local];
    groups_.assign(rows_.count, no_group);
    for (std::size_t i = 0; i < rows_.count; ++i) {
      if (!concerns(rows_[i])) continue;
      auto key = value::of(*column.of, column.at(rows_[i]));
      if (!key.is_null()) groups_[i] = keys_.add(std::move(key));
    }
  }

  task<db::rows> ask(std::size_t begin) {
    select_state query{shared_, to_, child_};
    query.at = from_.at;
    query.continues = from_.continues;
    query.deleted = step_.deleted;
    query.orders = step_.orders;
    query.where.code = step_.where.code;
    query.where.values = step_.where.values;
    auto const& r = *step_.what;
    if (r.type_column != no_column && r.what != relation_kind::belongs_to_any) {
      untyped_condition type;
      type.add(operation_code::equal, r.type_column);
      type.values.push_back(enumerator_value(*child_.row->members[r.type_column].of, target_.type_value));
      query.where.join(std::move(type), operation_code::conjunction);
    }
    values list;
    for (auto i = begin; i < std::min(keys_.size(), begin + keys_at_once); ++i) list.push_back(keys_.key(i));
    untyped_condition in;
    if (is_between_) {
      go_between(query);
      add_source(in.code, r.through());
      untyped_condition plain;
      add_list(plain, r.through_local, std::move(list));
      in.code += plain.code;
      in.values = std::move(plain.values);
    } else {
      add_list(in, meets_, std::move(list));
    }
    query.where.join(std::move(in), operation_code::conjunction);
    co_return co_await query.fetch(select_state::wanted::rows);
  }

  // The table between is joined, and gives the key of ours after the columns of the target.
  void go_between(select_state& query) const {
    auto const& r = *step_.what;
    auto const& between = r.through();
    auto& parts = query.more();
    untyped_condition on;
    on.add(operation_code::column, child_.key);
    add_source(on.code, between);
    on.add(operation_code::column, r.through_remote);
    on.add(operation_code::compare_two, static_cast<std::uint8_t>(operation_code::equal));
    parts.joins.push_back({&between, false, std::move(on)});
    add_source(parts.further, between);
    parts.further.push_back(static_cast<char>(operation_code::column));
    parts.further.push_back(static_cast<char>(r.through_local));
  }

  child_rows read(std::vector<db::rows> const& answers) {
    auto const key_column = is_between_ ? child_.row->members.size() : meets_;
    auto const kind = kind_of(*owner_.row->members[step_.what->local].of);
    auto const name = is_between_ ? std::string_view{"key"} : child_.column(meets_);
    // What was asked for with one key has that key; texts alone may be equal and differ, by their collation.
    auto const all_alike = keys_.size() == 1 && kind != value_kind::text;
    std::vector<std::uint32_t> group;
    child_rows out{};
    out.begins.assign(keys_.size() + 1, 0);
    for (auto const& answer : answers)
      for (std::size_t i = 0; i < answer.size(); ++i) {
        auto const g = all_alike ? 0 : keys_.find(key_bytes::of(answer.at(i, key_column), kind, name));
        group.push_back(g);
        if (g != no_group) ++out.begins[g + 1];
      }
    for (std::size_t g = 1; g < out.begins.size(); ++g) out.begins[g] += out.begins[g - 1];
    out.count = out.begins.back();
    out.stride = target_.rows->stride;
    if (out.count == 0) return out;
    out.owner = target_.rows->make(out.count, out.first);
    auto next = out.begins;
    std::size_t n = 0;
    for (auto const& answer : answers)
      for (std::size_t i = 0; i < answer.size(); ++i)
        if (auto const g = group[n++]; g != no_group) read_row(shared_, child_, out[next[g]++], answer, i);
    return out;
  }

  void hand_over(child_rows const& children) {
    for (std::size_t i = 0; i < rows_.count; ++i) {
      auto* holder = step_.what->member(rows_[i]);
      auto const g = groups_[i];
      auto const count = g != no_group ? children.begins[g + 1] - children.begins[g] : 0;
      if (count > 0)
        target_.set(holder, children.owner, children[children.begins[g]], count);
      else if (step_.what->what != relation_kind::belongs_to_any || concerns(rows_[i]) || !is_known(rows_[i]))
        target_.set(holder, nullptr, nullptr, 0);
    }
  }
  // Whether the row's type is that of one of the targets, each of which sees to its own rows.
  bool is_known(void* row) const {
    auto const& r = *step_.what;
    for (std::size_t t = 0; t < r.target_count; ++t)
      if (means(owner_.row->members[r.type_column], row, r.targets[t].type_value)) return true;
    return false;
  }

  core& shared_;
  link& to_;
  table_info const& owner_;
  row_list rows_;
  load_step const& step_;
  relation_target const& target_;
  table_info const& child_;
  origin from_;
  key_groups keys_;
  std::vector<std::uint32_t> groups_;
  std::uint8_t meets_ = no_column;
  bool is_between_ = false;
};

}  // namespace

task<> load_related(core& shared, link& to, table_info const& owner, void* first, std::size_t stride, std::size_t count,
                    std::vector<load_step> const& steps, std::source_location at, bool continues) {
  if (count > 0) co_await loading::load_related(shared, to, owner, {first, stride, count}, steps, {at, continues});
}

}  // namespace slipway::db::detail
