// Who is asking. It has no default constructor and is the first parameter of every repository method that touches
// owned rows, so that forgetting the check does not compile.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/id.hpp>

#include <cstdint>
#include <type_traits>

namespace slipway {

// A set of at most 64 permissions, numbered by the application's own enum.
class permission_set {
 public:
  constexpr permission_set() = default;
  template <class E, class... More>
    requires std::is_enum_v<E>
  constexpr permission_set(E first, More... more) noexcept : bits_{(bit(first) | ... | bit(more))} {}

  template <class E>
    requires std::is_enum_v<E>
  constexpr bool has(E p) const noexcept {
    return (bits_ & bit(p)) != 0;
  }
  constexpr bool has_all(permission_set other) const noexcept { return (bits_ & other.bits_) == other.bits_; }
  constexpr permission_set operator|(permission_set other) const noexcept { return from_bits(bits_ | other.bits_); }
  constexpr bool empty() const noexcept { return bits_ == 0; }
  constexpr std::uint64_t bits() const noexcept { return bits_; }
  static constexpr permission_set from_bits(std::uint64_t bits) noexcept {
    permission_set out;
    out.bits_ = bits;
    return out;
  }
  friend constexpr bool operator==(permission_set, permission_set) = default;

 private:
  template <class E>
  static constexpr std::uint64_t bit(E p) noexcept {
    return std::uint64_t{1} << static_cast<unsigned>(p);
  }
  std::uint64_t bits_ = 0;
};

class scope {
 public:
  scope(uuid user, permission_set permissions) noexcept : user_{user}, permissions_{permissions} {}
  // Somebody who has logged in: the login's id, and when the proof of it runs out.
  scope(uuid user, permission_set permissions, uuid session, time_point until) noexcept
      : user_{user}, permissions_{permissions}, session_{session}, until_{until} {}

  // The id of the user, for whatever type the application gives its users.
  struct user_id {
    uuid value;
    template <class User>
    operator id_of<User>() const noexcept {
      return id_of<User>{value};
    }
  };
  user_id user() const noexcept { return {user_}; }
  permission_set permissions() const noexcept { return permissions_; }
  // Nil outside a login.
  uuid session() const noexcept { return session_; }
  // For what goes on after the request has been let in, such as a stream of events: it ends then.
  time_point until() const noexcept { return until_; }
  template <class E>
  bool may(E permission) const noexcept {
    return permissions_.has(permission);
  }

 private:
  uuid user_;
  permission_set permissions_;
  uuid session_;
  time_point until_ = time_point::max();
};

}  // namespace slipway
