#include <slipway/redis/command.hpp>

#include <slipway/redis/slots.hpp>

#include <charconv>
#include <cstring>

namespace slipway::redis {
namespace {

// hiredis' own formatter allocates each command anew and prints its numbers with snprintf: 2,500 instructions for a GET,
// which is as much as all the rest of its way, against 500 here. A test holds the bytes to it.
char* write_number(char* at, std::uint64_t n) noexcept { return std::to_chars(at, at + 20, n).ptr; }

}  // namespace

void command::add(std::string_view first, std::string_view second) {
  char head[32];
  head[0] = '$';
  auto* end = write_number(head + 1, first.size() + second.size());
  *end++ = '\r';
  *end++ = '\n';
  auto const head_size = static_cast<std::size_t>(end - head);
  auto const before = body_.size();
  auto const size = head_size + first.size() + second.size() + 2;
  if (body_.capacity() - before < size) body_.reserve(before + size + 48);
  body_.append(head, head_size).append(first).append(second).append("\r\n", 2);
  ++count_;
}

command& command::whole(std::int64_t number) {
  char text[24];
  auto const* const end = std::to_chars(text, text + sizeof text, number).ptr;
  return arg(std::string_view{text, static_cast<std::size_t>(end - text)});
}

command& command::arg(double number) {
  char text[40];
  auto const* const end = std::to_chars(text, text + sizeof text, number).ptr;
  return arg(std::string_view{text, static_cast<std::size_t>(end - text)});
}

command& command::key(std::string_view name) {
  auto const prefix = names_ != nullptr ? std::string_view{names_->prefix} : std::string_view{};
  add(prefix, name);
  if (names_ != nullptr && names_->cluster) {
    auto const whole_key =
        std::string_view{body_}.substr(body_.size() - 2 - prefix.size() - name.size(), prefix.size() + name.size());
    route_by(whole_key);
  }
  return *this;
}

command& command::route_by(std::string_view whole_key) {
  auto const mine = static_cast<int>(slot_of(whole_key));
  if (slot_ != no_slot && slot_ != mine) several_slots_ = true;
  if (slot_ == no_slot) slot_ = mine;
  return *this;
}

std::string_view command::name() const noexcept {
  auto const begin = body_.find('\n') + 1;
  return std::string_view{body_}.substr(begin, body_.find('\r', begin) - begin);
}

void command::write_to(std::string& out) const {
  char head[16];
  head[0] = '*';
  auto* end = write_number(head + 1, count_);
  *end++ = '\r';
  *end++ = '\n';
  out.append(head, static_cast<std::size_t>(end - head)).append(body_);
}

}  // namespace slipway::redis
