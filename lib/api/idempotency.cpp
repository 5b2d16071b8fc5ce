#include <slipway/api/idempotency.hpp>
#include <slipway/api/operation.hpp>
#include <slipway/api/problem.hpp>
#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace slipway::api {
namespace {

constexpr std::size_t longest_key = 255;
constexpr std::chrono::minutes abandoned_after{2};  // longer than any request may run
constexpr std::array<std::string_view, 3> kept_headers{"Location", "ETag", "Link"};

std::string sha256(std::initializer_list<std::string_view> parts) {
  std::unique_ptr<EVP_MD_CTX, decltype([](EVP_MD_CTX* c) { EVP_MD_CTX_free(c); })> hash{EVP_MD_CTX_new()};
  std::array<std::byte, 32> digest;
  bool good = hash && EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr) == 1;
  for (auto part : parts) {
    auto const size = static_cast<std::uint64_t>(part.size());  // lengths first: "ab","c" is not "a","bc"
    good = good && EVP_DigestUpdate(hash.get(), &size, sizeof size) == 1 &&
           EVP_DigestUpdate(hash.get(), part.data(), part.size()) == 1;
  }
  if (!good || EVP_DigestFinal_ex(hash.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr) != 1)
    throw std::runtime_error{"SHA-256 failed"};
  return hex(digest);
}

bool well_formed(std::string_view key) {
  return !key.empty() && key.size() <= longest_key &&
         std::ranges::all_of(key, [](char c) { return c > 0x20 && c < 0x7f; });
}

stored_answer keep(http::exchange const& x) {
  stored_answer out{x.response.status, std::string{x.response.content_type}, std::string{x.response.body}, {}};
  for (auto name : kept_headers)
    if (auto const value = x.response.header(name); value.data() != nullptr) out.headers.emplace_back(name, value);
  return out;
}

void replay(http::exchange& x, stored_answer const& answer) {
  x.answer(answer.status, x.copy(answer.media_type), x.copy(answer.body));
  for (auto const& [name, value] : answer.headers) x.response.add(x.copy(name), x.copy(value));
  x.response.add("Idempotent-Replayed", "true");
}

}  // namespace

task<> idempotency_layer::around(http::exchange& x, http::handler const& next) {
  auto const sent = x.request.header("Idempotency-Key");
  if (sent.data() == nullptr) {
    co_await next(x);
    co_return;
  }
  if (!well_formed(sent)) {
    write_problem(x, 400, "bad_idempotency_key", "Idempotency-Key must be 1 to 255 printable ASCII characters.");
    co_return;
  }
  auto const user = x.who ? x.who->user().value.text() : std::string{x.request.peer.address};
  auto const key = sha256({user, x.route->pattern, http::to_string(x.request.verb), sent});
  // With the key, which is kept only inside the other hash: a body may hold a password, and whoever reads the table
  // must not be able to guess it past the slow hash that protects it elsewhere.
  auto const fingerprint = sha256({sent, x.request.target, x.request.header("Content-Type"), x.request.body});
  auto const now = clock_.now();
  auto const claim = co_await store_.claim(key, fingerprint, now, now - abandoned_after);
  if (claim.now != idempotency_claim::state::mine) {
    if (claim.fingerprint != fingerprint)
      write_problem(x, 422, "idempotency_key_reused",
                    "This Idempotency-Key was used for another request. Use a new key.");
    else if (claim.now == idempotency_claim::state::running)
      write_problem(x, fault{fault_kind::conflict, "idempotency_key_in_use"}.retry_after(std::chrono::seconds{1}));
    else
      replay(x, claim.answer);
    co_return;
  }
  // A client that leaves comes back with its key, and finds the answer there.
  auto* const operation = co_await this_context();
  if (operation != nullptr) operation->outlives_client = true;
  // What fails or is refused had no effect: the key is given back, and the client may try again. Of what was cancelled
  // (its time was up, the server stops) or lost its database on the way, nobody knows: that key stays claimed, so that a
  // repetition is told to wait instead of having the effect twice.
  std::exception_ptr failure;
  try {
    co_await next(x);
  } catch (cancelled_error const&) {
    throw;
  } catch (unknown_outcome_error const&) {
    throw;
  } catch (...) {
    failure = std::current_exception();
  }
  std::optional<stored_answer> answer;
  if (failure == nullptr && x.response.status < 400 && x.response.stream == nullptr) answer = keep(x);
  co_await settle(key, std::move(answer), operation);
  if (failure) std::rethrow_exception(failure);
}

// The effect is committed or undone by now: no failure here makes another answer of the one that the client gets.
task<> idempotency_layer::settle(std::string key, std::optional<stored_answer> answer, context const* operation) {
  bool const answered = answer.has_value();
  co_await uncancellable();  // the claim must end, also when the client has left
  try {
    if (answer)
      co_await store_.finish(std::move(key), std::move(*answer));
    else
      co_await store_.release(std::move(key));
  } catch (std::exception const& error) {
    log_.with(operation).warn(
        answered
            ? "an answer could not be stored under its Idempotency-Key; repeated after two minutes, the request has "
              "its effect once more"
            : "an Idempotency-Key could not be given back; it is in use for two minutes",
        {{"error", error.what()}});
  }
}

}  // namespace slipway::api
