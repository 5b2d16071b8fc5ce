#include <slipway/redis/tls.hpp>

#include <slipway/core/errors.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>

#include <algorithm>
#include <climits>
#include <new>

namespace slipway::redis {
namespace {

std::string last_reason() {
  char text[256] = "no reason given";
  if (auto const code = ::ERR_peek_last_error(); code != 0) ::ERR_error_string_n(code, text, sizeof text);
  ::ERR_clear_error();
  return text;
}

[[noreturn]] void refuse(std::string const& what) {
  auto const reason = last_reason();
  throw startup_error{exit_code::config, what + " (" + reason + ")"};
}

bool is_address(std::string const& host) noexcept {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

class session final : public tls_session {
 public:
  session(SSL_CTX* context, int socket, endpoint const& to) : ssl_{::SSL_new(context)} {
    if (ssl_ == nullptr) throw std::bad_alloc{};
    auto const named =
        is_address(to.host)
            ? ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl_), to.host.c_str()) == 1
            : ::SSL_set1_host(ssl_, to.host.c_str()) == 1 && ::SSL_set_tlsext_host_name(ssl_, to.host.c_str()) == 1;
    if (!named || ::SSL_set_fd(ssl_, socket) != 1) {
      ::SSL_free(ssl_);
      throw std::bad_alloc{};
    }
    ::SSL_set_connect_state(ssl_);
  }
  session(session const&) = delete;
  session& operator=(session const&) = delete;
  ~session() override { ::SSL_free(ssl_); }

  io_result handshake() noexcept override {
    ::ERR_clear_error();
    auto const made = ::SSL_do_handshake(ssl_);
    return made == 1 ? io_result{io_state::done} : outcome_of(made);
  }
  io_result read(char* into, std::size_t size) noexcept override {
    ::ERR_clear_error();
    auto const made = ::SSL_read(ssl_, into, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
    return made > 0 ? io_result{io_state::done, static_cast<std::size_t>(made)} : outcome_of(made);
  }
  io_result write(std::string_view text) noexcept override {
    ::ERR_clear_error();
    auto const made = ::SSL_write(ssl_, text.data(), static_cast<int>(std::min<std::size_t>(text.size(), INT_MAX)));
    return made > 0 ? io_result{io_state::done, static_cast<std::size_t>(made)} : outcome_of(made);
  }
  std::string reason() const override {
    if (auto const why = ::SSL_get_verify_result(ssl_); why != X509_V_OK)
      return std::string{"the server's certificate is not trusted: "} + ::X509_verify_cert_error_string(why);
    return reason_.empty() ? "the connection was closed" : reason_;
  }
  bool is_refusal() const noexcept override { return refused_ || ::SSL_get_verify_result(ssl_) != X509_V_OK; }

 private:
  io_result outcome_of(int made) noexcept {
    switch (::SSL_get_error(ssl_, made)) {
      case SSL_ERROR_WANT_READ: return {io_state::wait_read};
      case SSL_ERROR_WANT_WRITE: return {io_state::wait_write};
      case SSL_ERROR_ZERO_RETURN: return {io_state::end};
      case SSL_ERROR_SSL: {
        refused_ = ::ERR_GET_LIB(::ERR_peek_last_error()) == ERR_LIB_SSL;
        reason_ = last_reason();
        return {io_state::failed};
      }
      default: ::ERR_clear_error(); return {io_state::failed};
    }
  }
  SSL* ssl_;
  std::string reason_;
  bool refused_ = false;
};

struct free_context {
  void operator()(SSL_CTX* context) const noexcept { ::SSL_CTX_free(context); }
};

class client final : public tls_client {
 public:
  explicit client(settings const& s) : context_{::SSL_CTX_new(::TLS_client_method())} {
    if (context_ == nullptr) throw std::bad_alloc{};
    auto* const c = context_.get();
    ::SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
    ::SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    ::SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    ::SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
    ::ERR_clear_error();
    if (s.ca_file.empty() ? ::SSL_CTX_set_default_verify_paths(c) != 1
                          : ::SSL_CTX_load_verify_locations(c, s.ca_file.c_str(), nullptr) != 1)
      refuse("redis.ca_file: cannot use '" + s.ca_file + "': it must be a readable PEM file of certificates");
    if (s.certificate_file.empty() != s.key_file.empty())
      throw startup_error{exit_code::config, "redis.certificate_file and redis.key_file belong together: set both"};
    if (s.certificate_file.empty()) return;
    if (::SSL_CTX_use_certificate_chain_file(c, s.certificate_file.c_str()) != 1)
      refuse("redis.certificate_file: cannot use '" + s.certificate_file + "': it must be a readable PEM file");
    if (::SSL_CTX_use_PrivateKey_file(c, s.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
        ::SSL_CTX_check_private_key(c) != 1)
      refuse("redis.key_file: '" + s.key_file + "' must be a readable PEM file without a passphrase, and belong to '" +
             s.certificate_file + "'");
  }
  std::unique_ptr<tls_session> connect(int socket, endpoint const& to) const override {
    return std::make_unique<session>(context_.get(), socket, to);
  }

 private:
  std::unique_ptr<SSL_CTX, free_context> context_;
};

}  // namespace

std::unique_ptr<tls_client> make_tls_client(settings const& s) { return std::make_unique<client>(s); }

}  // namespace slipway::redis
