#include <slipway/http/tls.hpp>

#include <slipway/http/message.hpp>
#include <slipway/tls/context.hpp>

#include <openssl/ssl.h>

#include <algorithm>

namespace slipway::http {
namespace {

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

// `where` is the setting that holds the two files.
tls::context make_context(std::string const& where, std::string const& certificate, std::string const& key,
                          std::string const& minimum_version) {
  auto context = tls::make_server_context();
  tls::set_minimum_version(context.get(), "http.tls.minimum_version", minimum_version);
  // HTTP's own framing tells whether anything is missing. Idle connections hold no buffers of OpenSSL's.
  ::SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  constexpr unsigned char session_name[] = "slipway";
  ::SSL_CTX_set_session_id_context(context.get(), session_name, sizeof session_name - 1);
  tls::use_certificate(context.get(), {where + ".certificate_file", certificate}, {where + ".key_file", key});
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
      : default_{make_context("http.tls", settings.certificate_file, settings.key_file, settings.minimum_version)} {
    for (auto const& host : settings.hosts)
      hosts_.push_back({host.name, make_context("http.tls.hosts[" + std::to_string(hosts_.size()) + "]",
                                                host.certificate_file, host.key_file, settings.minimum_version)});
    ::SSL_CTX_set_tlsext_servername_callback(default_.get(), &openssl_certificates::choose);
    ::SSL_CTX_set_tlsext_servername_arg(default_.get(), this);
  }
  openssl_certificates(openssl_certificates const&) = delete;
  openssl_certificates& operator=(openssl_certificates const&) = delete;

  std::unique_ptr<tls::session> accept(int socket) const override {
    // Held by the session: a reload must not take away what a handshake asks for certificates.
    auto made = std::make_unique<tls::session>(default_.get(), socket, shared_from_this());
    made->accept();
    return made;
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
    tls::context context;
  };
  tls::context default_;
  std::vector<named> hosts_;
};

}  // namespace

std::shared_ptr<tls_certificates const> load_certificates(tls_settings const& settings) {
  return std::make_shared<openssl_certificates>(settings);
}

}  // namespace slipway::http
