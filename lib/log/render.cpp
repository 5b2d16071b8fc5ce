#include <slipway/log/render.hpp>

#include <slipway/core/time.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace slipway::log {

void put_guarded(line& out, std::string_view text) noexcept {
  text = text.substr(0, max_line);
  std::size_t from = 0;
  while (true) {
    auto const part = find_sensitive(text, from);
    if (part.begin >= part.end) break;
    out.escaped(text.substr(from, part.begin - from));
    out.raw(mask);
    from = part.end;
  }
  out.escaped(text.substr(from));
}

namespace {

// What is no text: written the same for programs and for people.
void put_bare(line& out, value const& v) noexcept {
  switch (v.what()) {
    case value::kind::null: return out.raw("null");
    case value::kind::boolean: return out.raw(v.integer() != 0 ? "true" : "false");
    case value::kind::integer: return out.number(v.integer());
    case value::kind::natural: return out.number(v.natural());
    case value::kind::number:
      if (std::isfinite(v.number()))
        out.number(v.number());
      else
        out.raw("null");  // JSON has no infinity
      return;
    case value::kind::id: return out.id(v.id());
    case value::kind::time: {
      std::array<char, rfc3339_max> text;
      auto const* end = write_rfc3339(text.data(), time_point{std::chrono::microseconds{v.integer()}});
      return out.raw({text.data(), static_cast<std::size_t>(end - text.data())});
    }
    case value::kind::microseconds: out.number(v.integer()); return out.raw("us");
    case value::kind::enumeration:
      if (auto const name = v.enumerator(); !name.empty())
        out.raw(name);
      else
        out.number(v.enumeration_value());
      return;
    case value::kind::text: return put_guarded(out, v.text());
  }
}

constexpr bool is_bare(value::kind k) noexcept {
  return k == value::kind::null || k == value::kind::boolean || k == value::kind::integer ||
         k == value::kind::natural || k == value::kind::number;
}

bool is_masked(field const& f, redactor const& secrets) noexcept {
  return f.value.what() != value::kind::null && f.value.what() != value::kind::boolean && secrets.masks(f.key);
}

constexpr std::array<std::string_view, 5> own_keys{"time", "level", "logger", "message", "truncated"};
constexpr std::array<std::string_view, 3> operation_keys{"correlation_id", "trace_id", "span_id"};

void put_key(line& out, std::string_view key, record const& of) noexcept {
  // A field must not pose as one of the record's own members.
  if (std::ranges::find(own_keys, key) != own_keys.end() ||
      (!of.correlation_id.empty() && std::ranges::find(operation_keys, key) != operation_keys.end()))
    out.raw('_');
  out.escaped(key.substr(0, 256));
}

void put_json_field(line& out, json_members& members, field const& f, record const& of,
                    redactor const& secrets) noexcept {
  if (out.cut()) return;
  auto* const before = out.here();
  out.raw(",\"");
  put_key(out, f.key, of);
  out.raw("\":");
  auto const masked = is_masked(f, secrets);
  if (!masked && is_bare(f.value.what())) {
    put_bare(out, f.value);
    if (out.cut()) out.back(before);
    return;
  }
  out.raw('"');
  if (out.cut()) return out.back(before);
  if (masked)
    out.raw(mask);
  else
    put_bare(out, f.value);
  members.close_text();
}

constexpr std::array<std::string_view, 7> json_levels{
    ",\"level\":\"trace\",\"logger\":\"", ",\"level\":\"debug\",\"logger\":\"", ",\"level\":\"info\",\"logger\":\"",
    ",\"level\":\"warn\",\"logger\":\"",  ",\"level\":\"error\",\"logger\":\"", ",\"level\":\"fatal\",\"logger\":\"",
    ",\"level\":\"off\",\"logger\":\""};

struct style {
  std::string_view name, colour;
};
constexpr std::array<style, 7> text_levels{{{"TRACE", "\x1b[90m"},
                                            {"DEBUG", "\x1b[36m"},
                                            {"INFO ", "\x1b[32m"},
                                            {"WARN ", "\x1b[33m"},
                                            {"ERROR", "\x1b[31m"},
                                            {"FATAL", "\x1b[97;41m"},
                                            {"OFF  ", ""}}};

bool reads_bare(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 256 &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\' && c != '='; });
}

class text_members {
 public:
  text_members(line& out, bool colours) noexcept : out_{out}, colours_{colours} {}

  void put(field const& f, record const& of, redactor const& secrets) noexcept {
    begin([&] { put_key(out_, f.key, of); });
    if (out_.cut()) return;
    auto const& v = f.value;
    if (is_masked(f, secrets)) return out_.raw(mask);
    auto const quoted = v.what() == value::kind::text && !reads_bare(v.text());
    if (quoted) out_.raw('"');
    put_bare(out_, v);
    if (quoted) out_.raw('"');
  }
  // One of the record's own.
  void put(std::string_view key, std::string_view text) noexcept {
    if (text.empty()) return;
    begin([&] { out_.raw(key); });
    out_.escaped(text);
  }
  void colour(std::string_view sequence) noexcept {
    if (colours_) out_.raw(sequence);
  }

 private:
  template <class Key>
  void begin(Key&& put_key_itself) noexcept {
    if (out_.cut()) return;
    out_.raw(' ');
    colour("\x1b[2m");
    put_key_itself();
    out_.raw('=');
    colour("\x1b[0m");
  }
  line& out_;
  bool colours_;
};

}  // namespace

std::string_view render_json(line& out, record const& r, redactor const& secrets) noexcept {
  out.raw("{\"time\":\"");
  out.raw(r.time);
  out.raw('"');
  json_members members{out};
  members.text(json_levels[static_cast<std::size_t>(r.level)], r.logger);
  members.guarded(",\"message\":\"", r.message);
  if (!r.correlation_id.empty()) members.text(",\"correlation_id\":\"", r.correlation_id);
  if (!r.trace.trace_id.empty()) members.text(",\"trace_id\":\"", r.trace.trace_id);
  if (!r.trace.span_id.empty()) members.text(",\"span_id\":\"", r.trace.span_id);
  for (auto const& f : r.fields) put_json_field(out, members, f, r, secrets);
  return members.finish();
}

std::string_view render_text(line& out, record const& r, redactor const& secrets, bool colours) noexcept {
  text_members members{out, colours};
  auto const& [name, colour] = text_levels[static_cast<std::size_t>(r.level)];
  members.colour("\x1b[2m");
  out.raw(r.time.substr(std::min<std::size_t>(r.time.size(), 11), 12));  // the time of day, to the millisecond
  members.colour("\x1b[0m");
  out.raw(' ');
  members.colour(colour);
  out.raw(name);
  members.colour("\x1b[0m");
  out.raw(' ');
  out.escaped(r.logger);
  out.raw(": ");
  put_guarded(out, r.message);
  if (!r.fields.empty()) out.raw(' ');
  for (auto const& f : r.fields) members.put(f, r, secrets);
  members.put("correlation_id", r.correlation_id);
  members.put("trace_id", r.trace.trace_id);
  if (!out.cut()) return out.finish("\n");
  return out.finish(colours ? "\x1b[0m\xe2\x80\xa6 (truncated)\n" : "\xe2\x80\xa6 (truncated)\n");
}

}  // namespace slipway::log
