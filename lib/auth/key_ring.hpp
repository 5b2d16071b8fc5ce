// The keys of this service: one signs, its predecessors verify until they retire, a successor may be published
// ahead. They are files in a directory, so that several processes can share them and an administrator can see them:
//
//   20260131T120000Z.pem    signs from that moment (UTC) until the next file's; PKCS #8, Ed25519, P-256 or RSA
//   20260131T120000Z.key    the same for HS256: at least 32 bytes as base64url
//
// A key retires `retire_after` after its successor began, and `rotate` removes it then.
#pragma once

#include <slipway/auth/key.hpp>
#include <slipway/core/clock.hpp>
#include <slipway/meta/description.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::auth {

struct key_settings {
  std::string directory = "var/keys";
  auth::algorithm algorithm = auth::algorithm::eddsa;
  std::chrono::milliseconds retire_after{std::chrono::hours{24}};
  bool create = true;
};
BOOST_DESCRIBE_STRUCT(key_settings, (), (directory, algorithm, retire_after, create))

// Any thread may use it.
class key_ring {
 public:
  struct entry {
    auth::key key;
    time_point since;  // signs from then on
    std::string file;  // its name; empty when it came from elsewhere
  };
  // The state at one moment; it does not change any more.
  struct snapshot {
    std::vector<entry> entries;  // oldest first
    key_set keys;                // those that verify
    key const* signing = nullptr;
    time_point next_change = time_point::max();  // when a key begins to sign, or retires
  };

  // Reads the directory; makes it (0700) and a first key (0600) if there is none and `create` is set.
  // Throws startup_error, with what to do, when it cannot be read, when others may read it, and when a file in it
  // is not understood.
  explicit key_ring(key_settings const& settings, clock_source const& clock = system_clock(),
                    random_source& random = system_random());
  // Keys from elsewhere; there must be one that can sign. `reload` does nothing then, and `rotate` throws std::logic_error.
  explicit key_ring(std::vector<entry> keys, std::chrono::milliseconds retire_after,
                    clock_source const& clock = system_clock());
  ~key_ring();

  // The keys in force now.
  std::shared_ptr<snapshot const> current() const;
  // Changes whenever the keys do; what was concluded from other keys is void.
  std::uint64_t generation() const noexcept;
  // The document for /.well-known/jwks.json: public keys only, the published successor among them.
  std::string jwks() const;

  // Reads the directory again. On an error the old keys stay and the error is thrown.
  void reload();
  // `reload`, at most once in ten seconds and without throwing: for a token with an unknown key id, which another
  // process may have made. True when the keys changed.
  bool reload_for_unknown_key() noexcept;
  // Makes a new key that signs from now + `after` on (a whole number of seconds; other processes and caches of the
  // published keys see it before it signs), and removes retired ones. Returns its kid.
  std::string rotate(std::chrono::seconds after = std::chrono::seconds{0});

 private:
  struct state;
  std::unique_ptr<state> state_;
};

// Makes the first key of a directory, whatever `create` says, and returns its kid; nothing when it holds keys already.
// Throws startup_error as the ring does.
std::optional<std::string> make_first_key(key_settings const& settings, clock_source const& clock = system_clock(),
                                          random_source& random = system_random());

}  // namespace slipway::auth

template <>
inline constexpr auto slipway::rules_of<slipway::auth::key_settings> = slipway::rules(
    slipway::field(&slipway::auth::key_settings::directory)
        .not_blank()
        .help("Where the keys are that sign access tokens. Made when it is missing, with a parent only right in the "
              "working directory."),
    slipway::field(&slipway::auth::key_settings::algorithm).help("What kind of key `keys rotate` makes."),
    slipway::field(&slipway::auth::key_settings::retire_after)
        .minimum(60000)
        .help("How long a key goes on verifying after its successor took over; more than an access token lives."),
    slipway::field(&slipway::auth::key_settings::create)
        .help("Make a first key when there is none. Off where several machines must share one."));
