// A record as text: one JSON object for programs, one readable line for people.
#pragma once

#include <slipway/log/line.hpp>
#include <slipway/log/redact.hpp>

#include <span>
#include <string_view>

namespace slipway::log {

struct record {
  std::string_view time;  // RFC 3339
  log::level level = level::info;
  std::string_view logger;
  std::string_view message;
  std::string_view correlation_id;
  trace_ids trace;
  std::span<field const> fields;
};

// Both return the whole line with its line break.
std::string_view render_json(line& out, record const& r, redactor const& secrets) noexcept;
std::string_view render_text(line& out, record const& r, redactor const& secrets, bool colours) noexcept;

// Text with what looks like a credential masked.
void put_guarded(line& out, std::string_view text) noexcept;

// Members of a JSON object, one after the other, for whoever knows that its keys are plain.
class json_members {
 public:
  explicit json_members(line& out) noexcept : out_{out} {}

  // `opening` is everything up to the value: `,"method":"` for a text (whose closing quote follows by itself),
  // `,"status":` for the others.
  void text(std::string_view opening, std::string_view value) noexcept {
    if (out_.cut()) return;
    auto* const before = out_.here();
    out_.raw(opening);
    if (out_.cut()) return out_.back(before);
    out_.escaped(value);
    close_text();
  }
  // A text that may hold a credential, such as the message of an exception.
  void guarded(std::string_view opening, std::string_view value) noexcept {
    if (out_.cut()) return;
    auto* const before = out_.here();
    out_.raw(opening);
    if (out_.cut()) return out_.back(before);
    put_guarded(out_, value);
    close_text();
  }
  // For what needs no escape.
  void plain(std::string_view opening, std::string_view value) noexcept {
    whole(opening, [&] { out_.raw(value), out_.raw('"'); });
  }
  template <class N>
  void number(std::string_view opening, N value) noexcept {
    whole(opening, [&] { out_.number(value); });
  }
  void id(std::string_view opening, uuid const& value) noexcept {
    whole(opening, [&] { out_.id(value), out_.raw('"'); });
  }
  // A member that is there as a whole or not at all.
  template <class F>
  void whole(std::string_view opening, F&& write_value) noexcept {
    if (out_.cut()) return;
    auto* const before = out_.here();
    out_.raw(opening);
    write_value();
    if (out_.cut()) out_.back(before);
  }
  void close_text() noexcept {
    if (!out_.cut()) out_.raw('"');
    in_text_ = out_.cut();
  }
  std::string_view finish() noexcept {
    if (!out_.cut()) [[likely]]
      return out_.finish("}\n");
    return out_.finish(in_text_ ? "\xe2\x80\xa6\",\"truncated\":true}\n" : ",\"truncated\":true}\n");
  }

 private:
  line& out_;
  bool in_text_ = false;
};

}  // namespace slipway::log
