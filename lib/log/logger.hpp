// What code writes its lines with. A logger is two pointers: copy it freely, keep it as a member. It comes from a
// journal (journal.hpp), which must outlive it; a default one writes nothing, for tests that do not care.
//
//   log_.info("user signed up", {{"user_id", user.id}, {"took_us", took.count()}});
//
// The message is a constant and says what happened; what varies goes into fields. Below the logger's level a call
// is one load and one branch, and allocates nothing.
#pragma once

#include <slipway/core/context.hpp>
#include <slipway/log/field.hpp>
#include <slipway/log/level.hpp>

#include <atomic>
#include <initializer_list>
#include <string>
#include <string_view>

namespace slipway::log {

class journal_core;

// The part of a journal that one name has: its level, which may change at any time.
struct channel {
  std::atomic<level> threshold{level::off};
  std::string name;
  journal_core* core = nullptr;
};

class logger {
 public:
  logger() noexcept = default;
  explicit logger(channel& to, context const* operation = nullptr) noexcept : channel_{&to}, operation_{operation} {}

  // The same logger, whose lines carry the operation's correlation id and trace. The context must outlive it.
  logger with(context const& operation) const noexcept { return logger{channel_, &operation}; }
  // For coroutines: `log_.with(co_await this_context())`. Null: no operation.
  logger with(context const* operation) const noexcept { return logger{channel_, operation}; }

  bool enabled(level l) const noexcept {
    return channel_ != nullptr && l >= channel_->threshold.load(std::memory_order_relaxed);
  }

  using fields = std::initializer_list<field>;
  void trace(std::string_view message, fields about = {}) const noexcept { put(level::trace, message, about); }
  void debug(std::string_view message, fields about = {}) const noexcept { put(level::debug, message, about); }
  void info(std::string_view message, fields about = {}) const noexcept { put(level::info, message, about); }
  void warn(std::string_view message, fields about = {}) const noexcept { put(level::warn, message, about); }
  void error(std::string_view message, fields about = {}) const noexcept { put(level::error, message, about); }
  // Returns when the line is written (or cannot be, within a second). The caller then ends the process.
  void fatal(std::string_view message, fields about = {}) const noexcept { put(level::fatal, message, about); }
  void put(level l, std::string_view message, fields about = {}) const noexcept {
    if (enabled(l)) [[unlikely]]
      write(l, message, about);
  }

 private:
  logger(channel* to, context const* operation) noexcept : channel_{to}, operation_{operation} {}
  void write(level l, std::string_view message, fields about) const noexcept;

  channel* channel_ = nullptr;
  context const* operation_ = nullptr;
};

}  // namespace slipway::log
