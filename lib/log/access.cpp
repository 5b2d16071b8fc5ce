#include <slipway/log/access.hpp>

#include <slipway/log/journal_core.hpp>

#include <array>

namespace slipway::log {
namespace {

constexpr std::size_t most_path = 1024, most_agent = 256, most_internal = 4096;

std::string_view to_json(line& out, access_record const& r, std::string_view time, std::uint32_t sample) noexcept {
  out.raw("{\"time\":\"");
  out.raw(time);
  out.raw(r.status >= 500 ? "\",\"level\":\"error\",\"logger\":\"access\",\"message\":\"request\""
                          : "\",\"level\":\"info\",\"logger\":\"access\",\"message\":\"request\"");
  json_members members{out};
  if (!r.correlation_id.empty()) members.text(",\"correlation_id\":\"", r.correlation_id);
  if (!r.trace_id.empty()) members.text(",\"trace_id\":\"", r.trace_id);
  members.text(",\"method\":\"", r.method.substr(0, 32));
  if (!r.route.empty()) members.text(",\"route\":\"", r.route.substr(0, most_path));
  members.text(",\"path\":\"", r.path.substr(0, most_path));
  members.number(",\"status\":", r.status);
  members.number(",\"duration_us\":", r.duration.count());
  if (r.bytes_in >= 0) members.number(",\"bytes_in\":", r.bytes_in);
  if (r.bytes_out >= 0) members.number(",\"bytes_out\":", r.bytes_out);
  if (r.statements > 0) {
    members.number(",\"sql_count\":", r.statements);
    members.number(",\"sql_us\":", r.in_statements.count());
  }
  if (!r.peer.empty()) members.text(",\"peer\":\"", r.peer.substr(0, 128));
  if (r.user_id != nullptr) members.id(",\"user_id\":\"", *r.user_id);
  if (!r.fault.empty()) members.text(",\"fault\":\"", r.fault.substr(0, 128));
  if (!r.internal.empty()) members.guarded(",\"error\":\"", r.internal.substr(0, most_internal));
  if (!r.user_agent.empty()) members.text(",\"user_agent\":\"", r.user_agent.substr(0, most_agent));
  // Whoever sums up must know that this line stands for several.
  if (sample > 1 && r.status < 500) members.number(",\"sample\":", sample);
  return members.finish();
}

std::string_view to_text(line& out, access_record const& r, std::string_view time, journal_core const& core) noexcept {
  std::array<field, 12> fields;
  std::size_t n = 0;
  auto const add = [&](std::string_view key, value const& v) { fields[n++] = {key, v}; };
  add("status", r.status);
  add("took", r.duration);
  if (r.bytes_in > 0) add("bytes_in", r.bytes_in);
  if (r.bytes_out >= 0) add("bytes_out", r.bytes_out);
  if (r.statements > 0) {
    add("sql_count", r.statements);
    add("sql_took", r.in_statements);
  }
  if (!r.peer.empty()) add("peer", r.peer);
  if (r.user_id != nullptr) add("user_id", *r.user_id);
  if (!r.fault.empty()) add("fault", r.fault);
  if (!r.internal.empty()) add("error", r.internal.substr(0, most_internal));
  std::array<char, 32 + 1 + most_path> what;
  auto const method = r.method.substr(0, 32), path = r.path.substr(0, most_path);
  auto* end = std::copy(method.begin(), method.end(), what.data());
  *end++ = ' ';
  end = std::copy(path.begin(), path.end(), end);
  return core.render(out, {.time = time,
                           .level = r.status >= 500 ? level::error : level::info,
                           .logger = "access",
                           .message = {what.data(), static_cast<std::size_t>(end - what.data())},
                           .correlation_id = r.correlation_id,
                           .trace = {r.trace_id, {}},
                           .fields = {fields.data(), n}});
}

}  // namespace

access_log::access_log(journal& to, access_settings s) : channel_{&to.core().named("access")} { change(s); }

void access_log::change(access_settings s) noexcept {
  enabled_ = s.enabled;
  sample_ = s.sample;
  slow_us_ = std::chrono::microseconds{s.slow}.count();
}

bool access_log::turn(std::uint32_t n) noexcept {
  auto* const l = channel_->core->lane_of_this_thread();
  if (l == nullptr) return false;
  // Not one atomic step, and need not be: only threads that share a lane could lose a count to each other.
  auto const count = l->requests.load(std::memory_order_relaxed) + 1;
  auto const mine = count >= n;
  l->requests.store(mine ? 0 : count, std::memory_order_relaxed);
  return mine;
}

void access_log::write(access_record const& r) noexcept {
  auto& core = *channel_->core;
  auto const sample =
      r.duration.count() >= slow_us_.load(std::memory_order_relaxed) ? 1 : sample_.load(std::memory_order_relaxed);
  // A flood of failing requests must not make the shard wait as well.
  core.submit(when_full::drop, [&](line& out, std::string_view time) noexcept {
    return core.as_text() ? to_text(out, r, time, core) : to_json(out, r, time, sample);
  });
}

}  // namespace slipway::log
