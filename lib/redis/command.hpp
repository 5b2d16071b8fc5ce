// One command as it goes over the wire (RESP2: an array of bulk strings), and what has to be known to route it.
#pragma once

#include <slipway/redis/reading.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::redis {

// How keys are named and counted in one client.
struct naming {
  std::string prefix;
  bool cluster = false;
  read_from reads = read_from::primary;
};

class command {
 public:
  explicit command(std::string_view name, naming const* names = nullptr)
      : names_{names}, from_{names != nullptr ? names->reads : read_from::primary} {
    add(name);
  }

  command& arg(std::string_view text) {
    add(text);
    return *this;
  }
  command& arg(char const* text) { return arg(std::string_view{text}); }
  template <std::integral I>
  command& arg(I number) {
    return whole(static_cast<std::int64_t>(number));
  }
  command& arg(double number);  // in the shortest form that reads back the same
  // With the client's prefix before it; decides which server of a cluster gets the command.
  command& key(std::string_view name);
  // Changes nothing: may be sent again when the connection is lost, and to a replica where the naming's
  // `reads` says so.
  command& reads() noexcept {
    reads_ = repeats_ = true;
    return *this;
  }
  // Done twice it is the same: may be sent again when the connection is lost.
  command& repeats() noexcept {
    repeats_ = true;
    return *this;
  }
  // Takes the words as they are; the first after the name is taken for the key of the route.
  command& route_by(std::string_view whole_key);

  static constexpr int no_slot = -1;
  int slot() const noexcept { return slot_; }  // of a cluster; no_slot: any server
  bool several_slots() const noexcept { return several_slots_; }
  bool may_repeat() const noexcept { return repeats_; }
  bool may_use_replica() const noexcept { return reads_ && from_ != read_from::primary; }
  read_from where() const noexcept { return from_; }
  std::string_view name() const noexcept;
  std::uint32_t size() const noexcept { return count_; }  // words
  std::size_t bytes() const noexcept { return body_.size() + 16; }
  void write_to(std::string& out) const;

 private:
  void add(std::string_view word) { add(word, {}); }
  void add(std::string_view first, std::string_view second);
  command& whole(std::int64_t number);

  naming const* names_;
  std::string body_;
  std::uint32_t count_ = 0;
  int slot_ = no_slot;
  read_from from_;
  bool reads_ = false, repeats_ = false, several_slots_ = false;
};

}  // namespace slipway::redis
