#include <slipway/redis/errors.hpp>

#include <algorithm>
#include <array>

namespace slipway::redis {
namespace {

constexpr std::array<std::string_view, 12> passing{"LOADING",    "READONLY", "OOM",        "CLUSTERDOWN",
                                                   "MASTERDOWN", "MISCONF",  "NOREPLICAS", "BUSY",
                                                   "TRYAGAIN",   "NOAUTH",   "WRONGPASS",  "UNKILLABLE"};

// What somebody who reads the log should do about it.
std::string_view advice(std::string_view code) noexcept {
  if (code == "LOADING") return " (it reads its data from disk and will answer afterwards)";
  if (code == "READONLY")
    return " (it is a replica: after a failover the client finds the new master by itself with redis+sentinel:// or "
           "redis+cluster://)";
  if (code == "OOM") return " (maxmemory is reached: raise it, or choose a maxmemory-policy that evicts)";
  if (code == "NOAUTH") return " (it asks for a password: write it into redis.url or redis.password)";
  if (code == "WRONGPASS") return " (correct redis.user and redis.password)";
  if (code == "CROSSSLOT") return " (the keys of one command must lie in one slot: give them the same {tag})";
  if (code == "NOPERM") return " (the ACL of this user does not allow it)";
  return {};
}

}  // namespace

std::string_view code_of(std::string_view error_text) noexcept { return error_text.substr(0, error_text.find(' ')); }

bool passes(std::string_view code) noexcept { return std::ranges::find(passing, code) != passing.end(); }

void throw_error(std::string_view place, std::string_view error_text) {
  auto const code = code_of(error_text);
  std::string what{"Redis at "};
  what.append(place).append(": ").append(error_text.substr(0, 300)).append(advice(code));
  if (passes(code)) throw refused_error{code, what};
  throw error{code, what};
}

}  // namespace slipway::redis
