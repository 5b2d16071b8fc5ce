// Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a client that repeats a request whose answer it never
// saw gets the first answer again instead of a second effect.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/http/router.hpp>
#include <slipway/log/logger.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slipway::api {

struct stored_answer {
  int status = 0;
  std::string media_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // Location, ETag
};

struct idempotency_claim {
  enum class state { mine, running, finished };
  state now = state::mine;
  std::string fingerprint;  // of the request that claimed the key first
  stored_answer answer;     // when finished
};

// Where keys are kept. Keys are hashes (64 hexadecimal digits) that already hold who asks and for which operation.
class idempotency_store {
 public:
  virtual ~idempotency_store() = default;
  // Claims the key, or says who has it. A claim older than `abandoned` with no answer may be taken over.
  virtual task<idempotency_claim> claim(std::string key, std::string fingerprint, time_point now,
                                        time_point abandoned) = 0;
  virtual task<> finish(std::string key, stored_answer answer) = 0;
  virtual task<> release(std::string key) = 0;
};

// 409 idempotency_key_in_use while the first request runs, 422 idempotency_key_reused for another body, 400 for a key
// that is not 1 to 255 printable ASCII characters. Answers of 400 and above are not kept: what was refused or failed had
// no effect, so its key may be used again, also with a corrected body. A request whose client has left is carried through. The
// key of one that was cancelled, or lost its database between question and answer, stays in use for two minutes: its
// effect may be there.
//
// The answer is stored after the effect was committed. When that fails, the answer stands and the log says so; the key is
// in use until two minutes after its request began, and a repetition after that has its effect once more.
class idempotency_layer final : public http::waiting_layer {
 public:
  idempotency_layer(idempotency_store& store, clock_source const& clock, log::logger log = {})
      : store_{store}, clock_{clock}, log_{log} {}
  task<> around(http::exchange& x, http::handler const& next) override;

 private:
  task<> settle(std::string key, std::optional<stored_answer> answer, context const* operation);

  idempotency_store& store_;
  clock_source const& clock_;
  log::logger log_;
};

}  // namespace slipway::api
