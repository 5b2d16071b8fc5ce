#include <slipway/tls/session.hpp>

#include <slipway/tls/error_text.hpp>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>
#include <stdexcept>
#include <system_error>

namespace slipway::tls {
namespace {

bool is_address(std::string const& host) noexcept {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

// What OpenSSL takes at once.
int at_most(std::size_t size) noexcept { return static_cast<int>(std::min<std::size_t>(size, INT_MAX)); }

}  // namespace

void session::free_session::operator()(ssl_st* session) const noexcept { ::SSL_free(session); }

session::session(ssl_ctx_st* context, int socket, std::shared_ptr<void const> owner)
    : owner_{std::move(owner)}, ssl_{::SSL_new(context)} {
  if (ssl_ == nullptr || ::SSL_set_fd(ssl_.get(), socket) != 1) throw std::bad_alloc{};
}

session::~session() = default;

void session::accept() noexcept { ::SSL_set_accept_state(ssl_.get()); }

void session::connect(std::string const& host) {
  // OpenSSL takes an empty name as the wish that none be verified.
  auto const named = is_address(host) ? ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl_.get()), host.c_str()) == 1
                                      : !host.empty() && ::SSL_set1_host(ssl_.get(), host.c_str()) == 1 &&
                                            ::SSL_set_tlsext_host_name(ssl_.get(), host.c_str()) == 1;
  if (!named) throw std::invalid_argument{"'" + host + "' is no name that a certificate can be verified for"};
  ::SSL_set_connect_state(ssl_.get());
}

io_result session::handshake() noexcept {
  ::ERR_clear_error();
  auto const made = ::SSL_do_handshake(ssl_.get());
  return made == 1 ? io_result{io_state::done} : outcome_of(made);
}

io_result session::read(char* into, std::size_t size) noexcept {
  ::ERR_clear_error();
  auto const made = ::SSL_read(ssl_.get(), into, at_most(size));
  return made > 0 ? io_result{io_state::done, static_cast<std::size_t>(made)} : outcome_of(made);
}

io_result session::write(std::string_view text) noexcept {
  ::ERR_clear_error();
  auto const made = ::SSL_write(ssl_.get(), text.data(), at_most(text.size()));
  return made > 0 ? io_result{io_state::done, static_cast<std::size_t>(made)} : outcome_of(made);
}

bool session::has_buffered() const noexcept {
  return ::SSL_has_pending(ssl_.get()) == 1 && ::SSL_pending(ssl_.get()) > 0;
}

void session::close_notify() noexcept {
  if (broken_ || ::SSL_is_init_finished(ssl_.get()) != 1) return;
  ::ERR_clear_error();
  ::SSL_shutdown(ssl_.get());
  ::ERR_clear_error();
}

io_result session::outcome_of(int made) noexcept {
  auto const system_error = errno;
  switch (::SSL_get_error(ssl_.get(), made)) {
    case SSL_ERROR_WANT_READ: return {io_state::wait_read};
    case SSL_ERROR_WANT_WRITE: return {io_state::wait_write};
    case SSL_ERROR_ZERO_RETURN: return {io_state::end};
    case SSL_ERROR_SYSCALL: system_error_ = system_error; break;
    default: error_ = ::ERR_peek_last_error(); break;
  }
  broken_ = true;  // SSL_shutdown must not be called after a fatal error
  ::ERR_clear_error();
  return {io_state::failed};
}

std::string session::reason() const {
  if (auto const why = ::SSL_get_verify_result(ssl_.get()); why != X509_V_OK)
    return std::string{::SSL_is_server(ssl_.get()) == 1 ? "the client's" : "the server's"} +
           " certificate is not trusted: " + ::X509_verify_cert_error_string(why);
  if (error_ != 0) return text_of(error_);
  if (system_error_ != 0) return std::generic_category().message(system_error_);
  return "the connection was closed";
}

bool session::is_refusal() const noexcept {
  if (::SSL_get_verify_result(ssl_.get()) != X509_V_OK) return true;
  return ERR_GET_LIB(error_) == ERR_LIB_SSL && ERR_GET_REASON(error_) != SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

}  // namespace slipway::tls
