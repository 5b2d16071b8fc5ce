// Password hashing with argon2id (RFC 9106) on a bounded pool: an attempt costs tens of milliseconds of processor
// and megabytes of memory, which must neither block a shard nor be had without limit.
#pragma once

#include <slipway/core/secret.hpp>
#include <slipway/core/task.hpp>
#include <slipway/meta/description.hpp>
#include <slipway/runtime/blocking_pool.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::auth {

// The defaults are the first choice of the OWASP password storage cheat sheet. Changing them is safe at any time:
// stored hashes carry their own parameters, and `needs_rehash` finds the old ones at the next login.
struct password_settings {
  std::uint32_t memory_kib = 19456;
  std::uint32_t passes = 2;
  std::uint32_t lanes = 1;
};
BOOST_DESCRIBE_STRUCT(password_settings, (), (memory_kib, passes, lanes))

// Longer passwords are refused before any work is done on them.
inline constexpr std::size_t max_password_bytes = 1024;

// One for the process, used by every shard.
class passwords {
 public:
  virtual ~passwords() = default;

  // The hash as a PHC string ("$argon2id$v=19$m=19456,t=2,p=1$salt$hash"), with a salt of its own.
  // Throws unavailable_error when the pool is full or memory is short, and std::length_error for a password above
  // max_password_bytes, which the model's rules refuse long before.
  virtual task<std::string> hash(secret<std::string> password) = 0;

  // Whether the password belongs to the hash. Without a hash (unknown user), and with one that cannot be read, the
  // answer is no after the same work, so that the time does not tell whether the account exists.
  // Throws unavailable_error like `hash`.
  virtual task<bool> verify(secret<std::string> password, std::optional<std::string> phc) = 0;

  // Whether the hash was made with other parameters than those in force: hash the password again after a login.
  virtual bool needs_rehash(std::string_view phc) const = 0;
};

// Throws startup_error(exit_code::config) for parameters that argon2 does not take.
void check(password_settings const& settings);

// `pool` must outlive the object; its thread count times `memory_kib` is what hashing takes at most.
// Throws as `check` does.
std::unique_ptr<passwords> make_passwords(password_settings settings, blocking_pool& pool,
                                          random_source& random = system_random());

}  // namespace slipway::auth

template <>
inline constexpr auto slipway::rules_of<slipway::auth::password_settings> =
    slipway::rules(slipway::field(&slipway::auth::password_settings::memory_kib)
                       .minimum(8)
                       .maximum(4194304)
                       .unit("KiB")
                       .help("Memory that hashing one password takes."),
                   slipway::field(&slipway::auth::password_settings::passes)
                       .minimum(1)
                       .maximum(100)
                       .help("How often argon2 goes over that memory."),
                   slipway::field(&slipway::auth::password_settings::lanes)
                       .minimum(1)
                       .maximum(16)
                       .help("Lanes of argon2, worked on one after the other."));
