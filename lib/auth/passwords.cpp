#include <slipway/auth/passwords.hpp>

#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>

#include <argon2.h>
#include <fmt/format.h>

#include <charconv>
#include <stdexcept>

namespace slipway::auth {
namespace {

constexpr std::size_t salt_bytes = 16;
constexpr std::size_t hash_bytes = 32;

// "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>", both in base64 without padding.
struct phc_string {
  password_settings cost;
  std::string salt;
  std::string hash;
};

std::string unpadded(std::string_view bytes) {
  auto text = base64(as_byte_span(bytes));
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::optional<std::string> from_unpadded(std::string_view text) {
  std::string padded{text};
  padded.append((4 - padded.size() % 4) % 4, '=');
  return from_base64(padded);
}

std::string write_phc(phc_string const& p) {
  return fmt::format("$argon2id$v=19$m={},t={},p={}${}${}", p.cost.memory_kib, p.cost.passes, p.cost.lanes,
                     unpadded(p.salt), unpadded(p.hash));
}

// Takes "name=number" and what follows it off the front.
bool take_number(std::string_view& text, std::string_view name, char end, std::uint32_t& out) noexcept {
  if (!text.starts_with(name)) return false;
  text.remove_prefix(name.size());
  auto const [at, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || at == text.data() + text.size() || *at != end) return false;
  text.remove_prefix(static_cast<std::size_t>(at - text.data()) + 1);
  return true;
}

bool is_possible(password_settings const& c) noexcept {
  return c.lanes >= 1 && c.lanes <= 16 && c.passes >= 1 && c.passes <= 100 && c.memory_kib >= 8 * c.lanes &&
         c.memory_kib <= 4194304;
}

std::optional<phc_string> read_phc(std::string_view text) {
  phc_string out;
  constexpr std::string_view head = "$argon2id$v=19$";
  constexpr std::size_t longest = 512;
  if (text.size() > longest || !text.starts_with(head)) return std::nullopt;
  text.remove_prefix(head.size());
  if (!take_number(text, "m=", ',', out.cost.memory_kib) || !take_number(text, "t=", ',', out.cost.passes) ||
      !take_number(text, "p=", '$', out.cost.lanes))
    return std::nullopt;
  auto const dollar = text.find('$');
  if (dollar == std::string_view::npos || !is_possible(out.cost)) return std::nullopt;
  auto salt = from_unpadded(text.substr(0, dollar)), hash = from_unpadded(text.substr(dollar + 1));
  if (!salt || !hash || salt->size() < 8 || hash->size() < 16) return std::nullopt;
  out.salt = *std::move(salt);
  out.hash = *std::move(hash);
  return out;
}

// Blocks for tens of milliseconds. Lanes are worked one after the other: the pool's threads are the parallelism.
std::string argon2id(std::string const& password, std::string const& salt, std::size_t size,
                     password_settings const& cost) {
  std::string out(size, '\0');
  auto const bytes = [](std::string const& s) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(s.data()));
  };  // argon2 takes no const
  argon2_context context{};
  context.out = bytes(out);
  context.outlen = static_cast<std::uint32_t>(out.size());
  context.pwd = bytes(password);
  context.pwdlen = static_cast<std::uint32_t>(password.size());
  context.salt = bytes(salt);
  context.saltlen = static_cast<std::uint32_t>(salt.size());
  context.t_cost = cost.passes;
  context.m_cost = cost.memory_kib;
  context.lanes = cost.lanes;
  context.threads = 1;
  context.version = ARGON2_VERSION_13;
  context.flags = ARGON2_DEFAULT_FLAGS;
  auto const code = ::argon2_ctx(&context, Argon2_id);
  if (code == ARGON2_MEMORY_ALLOCATION_ERROR) throw unavailable_error{"no memory to hash a password"};
  if (code != ARGON2_OK) throw std::runtime_error{fmt::format("argon2 failed: {}", ::argon2_error_message(code))};
  return out;
}

class argon2_passwords final : public passwords {
 public:
  argon2_passwords(password_settings settings, blocking_pool& pool, random_source& random)
      : settings_{settings},
        pool_{pool},
        random_{random},
        decoy_{settings, random_bytes(salt_bytes), random_bytes(hash_bytes)} {}

  task<std::string> hash(secret<std::string> password) override {
    if (password.reveal().size() > max_password_bytes)
      throw std::length_error{"a password of more than 1024 bytes reached the hash: the model's rules must refuse it"};
    phc_string made{settings_, random_bytes(salt_bytes), {}};
    made.hash = co_await pool_.run(
        [&password, &made] { return argon2id(password.reveal(), made.salt, hash_bytes, made.cost); });
    co_return write_phc(made);
  }

  task<bool> verify(secret<std::string> password, std::optional<std::string> phc) override {
    auto stored = phc ? read_phc(*phc) : std::nullopt;
    auto const real = stored.has_value() && password.reveal().size() <= max_password_bytes;
    if (!real) stored = decoy_;
    if (password.reveal().size() > max_password_bytes) password = secret<std::string>{std::string{"too long"}};
    auto const computed = co_await pool_.run(
        [&password, &stored] { return argon2id(password.reveal(), stored->salt, stored->hash.size(), stored->cost); });
    auto const equal = equal_in_constant_time(computed, stored->hash);
    co_return equal&& real;
  }

  bool needs_rehash(std::string_view phc) const override {
    auto const stored = read_phc(phc);
    return !stored || stored->cost.memory_kib != settings_.memory_kib || stored->cost.passes != settings_.passes ||
           stored->cost.lanes != settings_.lanes || stored->hash.size() != hash_bytes;
  }

 private:
  std::string random_bytes(std::size_t count) {
    std::string out(count, '\0');
    random_.fill(std::as_writable_bytes(std::span{out}));
    return out;
  }

  password_settings settings_;
  blocking_pool& pool_;
  random_source& random_;
  phc_string decoy_;  // no password has this hash: it is random
};

}  // namespace

void check(password_settings const& settings) {
  if (!is_possible(settings))
    throw startup_error{exit_code::config,
                        fmt::format("argon2 cannot run with memory_kib={}, passes={}, lanes={}: take 1 to 16 lanes, 1 "
                                    "to 100 passes, and at least 8 KiB of memory for each lane",
                                    settings.memory_kib, settings.passes, settings.lanes)};
}

std::unique_ptr<passwords> make_passwords(password_settings settings, blocking_pool& pool, random_source& random) {
  check(settings);
  return std::make_unique<argon2_passwords>(settings, pool, random);
}

}  // namespace slipway::auth
