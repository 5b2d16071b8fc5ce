#include <slipway/tls/context.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/tls/error_text.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <new>

namespace slipway::tls {
namespace {

context make(SSL_METHOD const* side) {
  context made{::SSL_CTX_new(side)};
  if (made == nullptr) throw std::bad_alloc{};
  ::SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(made.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  ::SSL_CTX_set_mode(made.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A key with a passphrase is refused: by itself OpenSSL asks for it on the terminal, and waits.
  ::SSL_CTX_set_default_passwd_cb(made.get(), [](char*, int, int, void*) { return -1; });
  return made;
}

[[noreturn]] void refuse(file_setting const& file, std::string const& what) {
  auto const reason = first_error_text();
  throw startup_error{exit_code::config, file.name + ": cannot use '" + file.path + "': " + what + " (" + reason + ")"};
}

}  // namespace

void free_context::operator()(ssl_ctx_st* context) const noexcept { ::SSL_CTX_free(context); }

context make_server_context() {
  auto made = make(::TLS_server_method());
  ::SSL_CTX_set_options(made.get(), SSL_OP_CIPHER_SERVER_PREFERENCE);
  return made;
}

context make_client_context() {
  auto made = make(::TLS_client_method());
  ::SSL_CTX_set_verify(made.get(), SSL_VERIFY_PEER, nullptr);
  return made;
}

int version_number(std::string const& setting, std::string_view version) {
  auto const number = version == "1.3" ? TLS1_3_VERSION : version == "1.2" ? TLS1_2_VERSION : 0;
  if (number == 0)
    throw startup_error{exit_code::config, setting + " is '" + std::string{version} + "': write 1.2 or 1.3"};
  return number;
}

void set_minimum_version(ssl_ctx_st* context, std::string const& setting, std::string_view version) {
  ::SSL_CTX_set_min_proto_version(context, version_number(setting, version));
}

void use_certificate(ssl_ctx_st* context, file_setting const& chain, file_setting const& key) {
  ::ERR_clear_error();
  if (::SSL_CTX_use_certificate_chain_file(context, chain.path.c_str()) != 1)
    refuse(chain, "it must be a readable PEM file of certificates, our own first");
  if (::SSL_CTX_use_PrivateKey_file(context, key.path.c_str(), SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_check_private_key(context) != 1)
    refuse(key, "it must be a readable PEM file without a passphrase, and belong to the certificate in '" + chain.path +
                    "'");
}

void trust(ssl_ctx_st* context, file_setting const& authorities) {
  ::ERR_clear_error();
  if (authorities.path.empty() ? ::SSL_CTX_set_default_verify_paths(context) != 1
                               : ::SSL_CTX_load_verify_locations(context, authorities.path.c_str(), nullptr) != 1)
    refuse(authorities, "it must be a readable PEM file of certificates");
}

}  // namespace slipway::tls
