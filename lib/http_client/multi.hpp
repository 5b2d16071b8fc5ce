// libcurl's multi interface on a shard's event loop. Private to the library.
#pragma once

#include <slipway/core/one_shot.hpp>
#include <slipway/http_client/address_policy.hpp>
#include <slipway/http_client/client.hpp>

#include <curl/curl.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace slipway::http_client {

// One call as libcurl sees it. It belongs to its multi, so that it can outlive by a moment the coroutine that wanted
// it: libcurl may be in the middle of one of its callbacks when that coroutine is cancelled.
struct transfer {
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  std::shared_ptr<request const> what;  // libcurl reads the body from here

  std::size_t max_head = 0, max_body = 0;
  std::function<bool(ip_address const&)> may_connect;  // of an address itself, not of a proxy; empty: anywhere
  std::function<void()> connected;                     // a new connection is made

  response answer;
  std::size_t head_bytes = 0, body_bytes = 0;
  bool head_done = false;
  bool sent = false;  // the other side may have got it, or a part of it
  bool refused = false, head_too_large = false, body_too_large = false;
  bool sink_stopped = false, sink_used = false, abandoned = false;
  std::exception_ptr sink_error;
  CURLcode code = CURLE_OK;
  one_shot done;
};

class multi {
 public:
  multi(shard& home, settings const& s);
  multi(multi const&) = delete;
  multi& operator=(multi const&) = delete;
  ~multi();

  // A transfer while it is held. Letting it go ends it.
  struct let_go {
    multi* owner;
    void operator()(transfer* t) const noexcept { owner->release(t); }
  };
  using lease = std::unique_ptr<transfer, let_go>;
  lease make();
  // Starts it; `t.done` fires with `t.code` set.
  void start(transfer& t);

  // Waits, and returns early when the multi closes. Throws cancelled_error when the context was cancelled.
  task<> pause(std::chrono::milliseconds how_long);
  // Ends everything that is under way or pauses.
  void close() noexcept;
  bool closing() const noexcept { return closing_; }

 private:
  friend struct let_go;
  struct impl;
  void release(transfer* t) noexcept;

  bool closing_ = false;
  std::unique_ptr<impl> impl_;
};

}  // namespace slipway::http_client
