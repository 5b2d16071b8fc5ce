// Documents made by hand, piece by piece: problem+json, log lines, OpenAPI.
//
//   json::buffer out;
//   {
//     json::object_writer problem{out};
//     problem.add("title", "Not Found").add("status", 404);
//     auto errors = problem.array("errors");
//     errors.object().add("code", "required");
//   }                                             // each closes its bracket when it goes
//
// While an inner writer lives, the outer one must not be used: there is one text and one place where it grows.
#pragma once

#include <slipway/json/buffer.hpp>
#include <slipway/json/writer.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>

namespace slipway::json {

class array_writer;

namespace detail {

void write_signed(buffer& out, std::int64_t value);
void write_unsigned(buffer& out, std::uint64_t value);

// Hand-made integers are written as they are: whoever adds one knows its range.
template <class V>
void write_any(buffer& out, V const& value) {
  if constexpr (std::same_as<V, bool>)
    out.append(value ? "true" : "false");
  else if constexpr (std::same_as<V, std::nullptr_t>)
    out.append("null");
  else if constexpr (std::signed_integral<V>)
    write_signed(out, value);
  else if constexpr (std::unsigned_integral<V>)
    write_unsigned(out, value);
  else if constexpr (std::floating_point<V>)
    write_number(out, value);
  else if constexpr (std::convertible_to<V const&, std::string_view>)
    write_text(out, value);
  else
    write_to(out, value);
}

}  // namespace detail

class object_writer {
 public:
  explicit object_writer(buffer& out) : out_{&out} { out.push('{'); }
  object_writer(object_writer&& other) noexcept : out_{std::exchange(other.out_, nullptr)}, first_{other.first_} {}
  object_writer& operator=(object_writer&&) = delete;
  ~object_writer() { close(); }

  // Text, numbers, bool, nullptr, and everything described.
  template <class V>
  object_writer& add(std::string_view name, V const& value) {
    detail::write_any(key(name), value);
    return *this;
  }
  object_writer& add(std::string_view name, char const* text) { return add(name, std::string_view{text}); }
  // JSON text that is known to be good.
  object_writer& add_raw(std::string_view name, std::string_view json) {
    key(name).append(json);
    return *this;
  }
  object_writer object(std::string_view name) { return object_writer{key(name)}; }
  array_writer array(std::string_view name);
  // Writes the name; the caller writes exactly one value into what is returned.
  buffer& key(std::string_view name);

  void close() {
    if (out_ != nullptr) out_->push('}');
    out_ = nullptr;
  }

 private:
  buffer* out_;
  bool first_ = true;
};

class array_writer {
 public:
  explicit array_writer(buffer& out) : out_{&out} { out.push('['); }
  array_writer(array_writer&& other) noexcept : out_{std::exchange(other.out_, nullptr)}, first_{other.first_} {}
  array_writer& operator=(array_writer&&) = delete;
  ~array_writer() { close(); }

  template <class V>
  array_writer& add(V const& value) {
    detail::write_any(item(), value);
    return *this;
  }
  array_writer& add(char const* text) { return add(std::string_view{text}); }
  array_writer& add_raw(std::string_view json) {
    item().append(json);
    return *this;
  }
  object_writer object() { return object_writer{item()}; }
  array_writer array() { return array_writer{item()}; }
  // The caller writes exactly one value into what is returned.
  buffer& item() {
    if (!first_) out_->push(',');
    first_ = false;
    return *out_;
  }

  void close() {
    if (out_ != nullptr) out_->push(']');
    out_ = nullptr;
  }

 private:
  buffer* out_;
  bool first_ = true;
};

inline array_writer object_writer::array(std::string_view name) { return array_writer{key(name)}; }

}  // namespace slipway::json
