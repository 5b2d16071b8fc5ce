// Bytes to and from one server, plain or through TLS, on the shard's loop. For the .cpp files of this folder.
#pragma once

#include <slipway/core/task.hpp>
#include <slipway/redis/url.hpp>
#include <slipway/runtime/shard.hpp>
#include <slipway/tls/session.hpp>

#include <boost/asio/generic/stream_protocol.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace slipway::redis {

// Why a connection could not be opened. `is_final`: the server is there and says no, so trying again is no use.
class connect_error : public std::runtime_error {
 public:
  connect_error(std::string const& what, bool is_final) : std::runtime_error{what}, is_final_{is_final} {}
  bool is_final() const noexcept { return is_final_; }

 private:
  bool is_final_;
};

class stream : public std::enable_shared_from_this<stream> {
 public:
  class user {
   public:
    virtual void on_bytes(std::string_view bytes) = 0;
    // Everything that was to be sent is with the system.
    virtual void on_sent() = 0;
    virtual void on_closed(std::string const& why) = 0;

   protected:
    ~user() = default;
  };

  // Resolves, connects, shakes hands unless `secure` is null. Bounded by `limit`; not cancelled with any operation. Throws connect_error.
  static task<std::shared_ptr<stream>> open(shard& home, endpoint to, ssl_ctx_st* secure,
                                            std::chrono::milliseconds limit);
  stream(shard& home, endpoint to);
  ~stream();

  // From here on `who` is told what comes, until `close`. It must live until then.
  void listen(user& who);
  // What is to be sent: append to it, then `send`.
  std::string& output() noexcept { return out_; }
  void send();
  bool is_sending() const noexcept { return writing_; }
  void close() noexcept;
  bool is_open() const noexcept { return socket_.is_open(); }
  // Whether what broke the connection was a "no" of TLS. In TLS 1.3 the server judges our certificate when the handshake
  // is over for us.
  bool is_refused() const noexcept { return tls_ != nullptr && tls_->is_refusal(); }
  endpoint const& to() const noexcept { return to_; }

 private:
  struct step;
  task<> connect_to(boost::asio::generic::stream_protocol::endpoint at);
  task<> shake_hands();
  void read_some();
  void wait_readable();
  void wait_writable();
  tls::io_result read(char* into, std::size_t size) noexcept;
  tls::io_result write(std::string_view text) noexcept;
  std::string why_broken() const;
  std::string why_not_sent();
  void fail(std::string const& why);

  endpoint to_;
  boost::asio::generic::stream_protocol::socket socket_;
  std::unique_ptr<tls::session> tls_;
  user* user_ = nullptr;
  std::string out_;
  std::size_t sent_ = 0;  // of out_
  bool waits_readable_ = false, writing_ = false, timed_out_ = false, connected_ = false;
};

}  // namespace slipway::redis
