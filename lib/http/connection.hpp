// One connection: a detached coroutine that waits for its socket without a buffer, then borrows a workspace and
// answers whatever has come.
#pragma once

#include <slipway/core/task.hpp>
#include <slipway/http/chunked.hpp>
#include <slipway/http/transport.hpp>
#include <slipway/http/worker.hpp>

#include <span>
#include <string>

namespace slipway::http {

// Why a wait was ended from outside.
enum class verdict : std::uint8_t {
  none,
  late,     // its time is up
  evicted,  // others need the place
  drained,  // the server stops
  cut,      // the server's patience with stopping is at its end
};

class connection final : public waiting_link, poller::watcher, body_source {
 public:
  // Owns itself from here on.
  static void start(worker& home, int socket, std::optional<address> peer, bool secure);

  connection(connection const&) = delete;
  connection& operator=(connection const&) = delete;

  // For the worker. Ends the wait that is under way.
  void interrupt(verdict why) noexcept;
  // Cancels the operation that is under way.
  void cancel(cancel_reason why) noexcept;
  // For a handler at work: its deadline, and whether its client is still there.
  void check(worker::time now) noexcept;
  // For a client that is to read: true when its time was up, and it is cut off.
  bool check_reader(worker::time now) noexcept;

  phase waits_for = phase::idle;
  worker::time since;

 private:
  enum class wait : std::uint8_t { nothing, to_read, to_write };
  enum class step : std::uint8_t { need_more, read_body, run, answer };
  enum class body_state : std::uint8_t { none, counted, chunked, finished };
  enum class flush_state : std::uint8_t { done, blocked, broken };

  struct socket_wait;
  struct body_wait;
  struct handler_run;

  connection(worker& home, int socket, std::optional<address> peer, bool secure);
  ~connection();

  void ready(std::uint32_t events) noexcept override;
  void wait_for(wait what, std::coroutine_handle<> waiter);
  void end_wait() noexcept;
  // Reads, and knows afterwards whether there is anything left to read.
  io_result read_some(char* into, std::size_t room) noexcept;

  // connection.cpp: the life of a connection.
  detail::detached run();
  task<bool> prepare(bool secure);
  task<bool> read_proxy_header();
  task<bool> read_exactly(char* into, std::size_t size);
  io_state receive();
  void set_peer(std::optional<address> const& peer);
  void rest(bool answered);
  void resumed() noexcept;
  void suspended() noexcept;

  // request.cpp: from the bytes to the handler, and from the handler to the head of the response.
  step begin_request();
  step refuse_head(int status, std::string_view why);
  bool pass(std::span<middleware* const> layers);
  step route_request();
  bool may_just_run() const noexcept;
  step answer_early(int status, std::string_view allow);
  step fail(int status, std::string_view why = {}) noexcept;
  step begin_body();
  int status_before_handler(std::string_view allow) noexcept;
  bool is_our_host(std::string_view host) const noexcept;
  void believe_proxy();
  task<> call_handler();
  void handle_exception() noexcept;
  void end_request();
  void end_handler() noexcept;
  bool keeps_alive() noexcept;

  // request_body.cpp: how bodies come in.
  task<std::string_view> next() override;
  task<std::optional<body_error>> collect();
  task<> await_input();
  task<> send_continue();
  std::string_view take_piece();
  void count_piece(std::size_t size);
  task<bool> discard_rest();

  // output.cpp: how answers go out.
  flush_state flush_now(std::string_view behind = {}) noexcept;
  task<bool> flush(std::string_view behind = {});
  task<> send_rest();
  task<> send_stream();
  task<bool> send_piece(std::string_view piece);
  task<> close_politely();
  void reset_on_close() noexcept;

  worker& home_;
  transport io_;
  int socket_;
  std::coroutine_handle<> waiter_;  // whoever waits for the socket
  workspace* work_ = nullptr;
  worker::time now_;  // read once for each batch of input, and again when a handler has waited

  std::string peer_text_;
  std::uint64_t peer_hash_ = 0;
  std::optional<address> peer_;

  chunked_decoder decoder_;
  std::uint64_t body_left_ = 0;  // of a counted body
  std::uint64_t body_size_ = 0;  // read so far
  std::uint64_t body_limit_ = 0;
  std::uint64_t sent_ = 0;              // of the answer, since the socket was full for the first time
  std::chrono::nanoseconds blocked_{};  // how long the answer has waited for the client to read
  std::size_t layers_run_ = 0;
  worker::time next_look_{};  // when to look again whether the client is there

  verdict verdict_ = verdict::none;
  wait waits_ = wait::nothing;
  bool readable_ = false;       // there may be something to read
  bool hung_up_ = false;        // the peer has ended its side: there always is, if only the end
  bool asks_writable_ = false;  // the poller tells when there is room for output
  body_state body_ = body_state::none;
  body_form form_ = body_form::whole;
  bool trusted_ = false;       // the peer may speak for others
  bool closing_ = false;       // no further request
  bool broken_ = false;        // nothing can be sent any more
  bool linger_ = false;        // the peer may still be sending
  bool continue_due_ = false;  // the client waits for 100
  bool awaits_body_ = false;   // whoever waits, waits for the client's body
  bool handling_ = false;      // between handler and end of response: counted as in flight
  bool looked_ = false;        // whether the client is there, since the handler began
  bool half_closed_ = false;   // it has ended its side, and waits
  bool must_prepare_ = false;
  bool end_seen_ = false;
};

}  // namespace slipway::http
