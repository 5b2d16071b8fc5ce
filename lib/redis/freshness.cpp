#include <slipway/redis/freshness.hpp>

#include <algorithm>
#include <charconv>

namespace slipway::redis {
namespace {

std::optional<std::string_view> field_of(std::string_view info, std::string_view name) {
  while (!info.empty()) {
    auto const end = std::min(info.find("\r\n"), info.size());
    auto const line = info.substr(0, end);
    if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
      return line.substr(name.size() + 1);
    info.remove_prefix(std::min(end + 2, info.size()));
  }
  return std::nullopt;
}

bool read_number(std::string_view text, std::int64_t& out) {
  auto const [stopped, failed] = std::from_chars(text.begin(), text.end(), out);
  return failed == std::errc{} && stopped == text.end();
}

}  // namespace

std::optional<position> read_position(std::string_view info) {
  auto const history = field_of(info, "master_replid");
  // What a replica has received is more than what it has replayed.
  auto offset = field_of(info, "slave_repl_offset");
  if (!offset) offset = field_of(info, "master_repl_offset");
  if (!history || history->empty() || !offset) return std::nullopt;
  position out{std::string{*history}};
  if (!read_number(*offset, out.offset)) return std::nullopt;
  auto const previous = field_of(info, "master_replid2"), end = field_of(info, "second_repl_offset");
  if (previous && end && read_number(*end, out.previous_end) && out.previous_end > 0) out.previous = *previous;
  return out;
}

void freshness::primary_was_at(position where, time asked) {
  if (where.history != history_ || (!samples_.empty() && where.offset < samples_.back().offset)) {
    samples_.clear();
    history_ = std::move(where.history);
  }
  // Of a primary that stands still the latest time counts.
  if (!samples_.empty() && samples_.back().offset == where.offset) {
    samples_.back().asked = asked;
    return;
  }
  if (samples_.size() == most) samples_.pop_front();
  samples_.push_back({where.offset, asked});
}

std::optional<freshness::time> freshness::covered_by(position const& where) const noexcept {
  auto offset = where.offset;
  if (where.history != history_) {
    if (where.previous.empty() || where.previous != history_) return std::nullopt;
    offset = std::min(offset, where.previous_end - 1);
  }
  auto const beyond = std::ranges::upper_bound(samples_, offset, {}, &sample::offset);
  if (beyond == samples_.begin()) return std::nullopt;
  return std::prev(beyond)->asked;
}

}  // namespace slipway::redis
