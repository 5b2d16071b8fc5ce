#include <slipway/core/errors.hpp>
#include <slipway/http/message.hpp>
#include <slipway/http/tls.hpp>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>

namespace slipway::http {
namespace {

struct free_context {
  void operator()(SSL_CTX* context) const noexcept { ::SSL_CTX_free(context); }
};
using context_ptr = std::unique_ptr<SSL_CTX, free_context>;

[[noreturn]] void refuse(std::string const& what) {
  char reason[256] = "no reason given";
  if (auto const code = ::ERR_peek_last_error(); code != 0) ::ERR_error_string_n(code, reason, sizeof reason);
  ::ERR_clear_error();
  throw startup_error{exit_code::config, fmt::format("{} ({})", what, reason)};
}

class openssl_session final : public tls_session {
 public:
  openssl_session(SSL_CTX* context, std::shared_ptr<void const> owner, int socket)
      : owner_{std::move(owner)}, ssl_{::SSL_new(context)} {
    if (ssl_ == nullptr) throw std::bad_alloc{};
    if (::SSL_set_fd(ssl_, socket) != 1) {
      ::SSL_free(ssl_);
      throw std::bad_alloc{};
    }
    ::SSL_set_accept_state(ssl_);
  }
  openssl_session(openssl_session const&) = delete;
  openssl_session& operator=(openssl_session const&) = delete;
  ~openssl_session() override { ::SSL_free(ssl_); }

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
  bool has_buffered() const noexcept override { return ::SSL_has_pending(ssl_) == 1 && ::SSL_pending(ssl_) > 0; }
  void close_notify() noexcept override {
    ::ERR_clear_error();
    // Not waited for: the peer's own close_notify would tell nothing that HTTP's framing has not told.
    if (::SSL_is_init_finished(ssl_) == 1 && !broken_) ::SSL_shutdown(ssl_);
    ::ERR_clear_error();
  }

 private:
  io_result outcome_of(int made) noexcept {
    switch (::SSL_get_error(ssl_, made)) {
      case SSL_ERROR_WANT_READ: return {io_state::wait_read};
      case SSL_ERROR_WANT_WRITE: return {io_state::wait_write};
      case SSL_ERROR_ZERO_RETURN: return {io_state::end};
      default:
        broken_ = true;  // SSL_shutdown must not be called after a fatal error
        ::ERR_clear_error();
        return {io_state::failed};
    }
  }
  std::shared_ptr<void const> owner_;  // a reload must not take away what a handshake asks for certificates
  SSL* ssl_;
  bool broken_ = false;
};

// Only HTTP/1.1 is spoken here. A client that offers other protocols alone goes on without ALPN.
int choose_protocol(SSL*, unsigned char const** out, unsigned char* out_size, unsigned char const* offered,
                    unsigned size, void*) {
  constexpr std::string_view ours = "http/1.1";
  for (unsigned at = 0; at < size; at += 1u + offered[at]) {
    std::string_view const name{reinterpret_cast<char const*>(offered) + at + 1,
                                std::min<std::size_t>(offered[at], size - at - 1)};
    if (name != ours) continue;
    *out = offered + at + 1;
    *out_size = static_cast<unsigned char>(name.size());
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

context_ptr make_context(std::string const& certificate, std::string const& key, std::string const& minimum) {
  auto const version = minimum == "1.3" ? TLS1_3_VERSION : minimum == "1.2" ? TLS1_2_VERSION : 0;
  if (version == 0)
    throw startup_error{exit_code::config, fmt::format("tls.minimum_version is '{}': write 1.2 or 1.3", minimum)};
  context_ptr context{::SSL_CTX_new(::TLS_server_method())};
  if (context == nullptr) throw std::bad_alloc{};
  ::SSL_CTX_set_min_proto_version(context.get(), version);
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Idle connections hold no buffers of OpenSSL's; a write goes on from wherever its bytes are by then.
  ::SSL_CTX_set_mode(context.get(),
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  ::SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  constexpr unsigned char session_name[] = "slipway";
  ::SSL_CTX_set_session_id_context(context.get(), session_name, sizeof session_name - 1);
  ::ERR_clear_error();
  if (::SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1)
    refuse(
        fmt::format("cannot use the certificate chain in '{}': it must be a readable PEM file, the server's own "
                    "certificate first",
                    certificate));
  if (::SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1)
    refuse(
        fmt::format("cannot use the key in '{}': it must be a readable PEM file without a passphrase, and belong "
                    "to the certificate in '{}'",
                    key, certificate));
  if (::SSL_CTX_check_private_key(context.get()) != 1)
    refuse(fmt::format("the key in '{}' does not belong to the certificate in '{}'", key, certificate));
  return context;
}

// "*.example.org" stands for one label.
bool name_fits(std::string_view pattern, std::string_view name) noexcept {
  if (equal_names(pattern, name)) return true;
  if (!pattern.starts_with("*.")) return false;
  auto const dot = name.find('.');
  return dot != std::string_view::npos && dot != 0 && equal_names(pattern.substr(1), name.substr(dot));
}

class openssl_certificates final : public tls_certificates, public std::enable_shared_from_this<openssl_certificates> {
 public:
  explicit openssl_certificates(tls_settings const& settings)
      : default_{make_context(settings.certificate_file, settings.key_file, settings.minimum_version)} {
    for (auto const& host : settings.hosts)
      hosts_.push_back({host.name, make_context(host.certificate_file, host.key_file, settings.minimum_version)});
    ::SSL_CTX_set_tlsext_servername_callback(default_.get(), &openssl_certificates::choose);
    ::SSL_CTX_set_tlsext_servername_arg(default_.get(), this);
  }
  openssl_certificates(openssl_certificates const&) = delete;
  openssl_certificates& operator=(openssl_certificates const&) = delete;

  std::unique_ptr<tls_session> accept(int socket) const override {
    return std::make_unique<openssl_session>(default_.get(), shared_from_this(), socket);
  }

 private:
  // A name that nobody knows gets the default certificate: the client decides whether it likes it.
  static int choose(SSL* ssl, int*, void* self) {
    auto const* name = ::SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    for (auto const& host : static_cast<openssl_certificates const*>(self)->hosts_)
      if (name_fits(host.name, name)) {
        ::SSL_set_SSL_CTX(ssl, host.context.get());
        break;
      }
    return SSL_TLSEXT_ERR_OK;
  }

  struct named {
    std::string name;
    context_ptr context;
  };
  context_ptr default_;
  std::vector<named> hosts_;
};

}  // namespace

std::shared_ptr<tls_certificates const> load_certificates(tls_settings const& settings) {
  return std::make_shared<openssl_certificates>(settings);
}

}  // namespace slipway::http
