#include <slipway/db/repetition.hpp>

#include <algorithm>
#include <string_view>

namespace slipway::db {
namespace {

// More kinds of statements than this are not counted for one operation.
constexpr std::size_t most_kinds = 256;

bool is_same_place(std::source_location const& a, std::source_location const& b) noexcept {
  return a.line() == b.line() && a.column() == b.column() && std::string_view{a.file_name()} == b.file_name();
}

// The statements of one operation, by text and place.
class statement_notes final : public operation_notes {
 public:
  // How often it was seen, this time included; zero when there are too many kinds.
  unsigned count(query_event const& event) {
    auto const hash = std::hash<std::string_view>{}(event.sql);
    for (auto& each : kinds_)
      if (each.hash == hash && is_same_place(each.at, event.at)) return ++each.count;
    if (kinds_.size() == most_kinds) return 0;
    kinds_.push_back({hash, event.at, 1});
    return 1;
  }

 private:
  struct kind {
    std::size_t hash;
    std::source_location at;
    unsigned count;
  };
  std::vector<kind> kinds_;
};

}  // namespace

std::string repetition::place() const {
  std::string_view file = at.file_name();
  // The last two parts of the path say enough and are the same on every machine.
  if (auto const last = file.rfind('/'); last != std::string_view::npos && last > 0)
    if (auto const before = file.rfind('/', last - 1); before != std::string_view::npos) file.remove_prefix(before + 1);
  return std::string{file} + ":" + std::to_string(at.line());
}

repetition_watch::repetition_watch(unsigned limit, std::function<void(repetition const&)> report, observer* next)
    : limit_{limit}, report_{std::move(report)}, next_{next} {}

void repetition_watch::on_query(query_event const& event) noexcept {
  if (next_ != nullptr) next_->on_query(event);
  // Whoever writes batches, or reads page after page, has done what is asked for here.
  if (event.operation == nullptr || event.is_batch || event.continues) return;
  auto& notes = event.operation->notes;
  if (!notes) notes = std::make_unique<statement_notes>();
  auto* mine = dynamic_cast<statement_notes*>(notes.get());
  if (mine == nullptr) return;  // somebody else takes notes of this operation
  if (auto const count = mine->count(event); count == limit_ + 1) tell(event, count);
}

void repetition_watch::tell(query_event const& event, unsigned count) {
  repetition const one{std::string{event.sql}, event.at, count};
  {
    std::lock_guard const lock{mutex_};
    auto const known = std::any_of(found_.begin(), found_.end(), [&one](repetition const& each) {
      return is_same_place(each.at, one.at) && each.sql == one.sql;
    });
    if (known) return;
    found_.push_back(one);
  }
  if (report_) report_(one);
}

std::vector<repetition> repetition_watch::found() const {
  std::lock_guard const lock{mutex_};
  return found_;
}

}  // namespace slipway::db
