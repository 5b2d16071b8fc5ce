// What sessions of one kind have in common: versions, certificate, whom they trust. Made at the start, then read by
// all threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct ssl_ctx_st;  // OpenSSL's SSL_CTX

namespace slipway::tls {

struct free_context {
  void operator()(ssl_ctx_st* context) const noexcept;
};
using context = std::unique_ptr<ssl_ctx_st, free_context>;

// TLS 1.2 and 1.3 without compression and renegotiation. Throw std::bad_alloc.
context make_server_context();
// Verifies the server's certificate, always, and trusts nobody yet.
context make_client_context();

// A setting that names a file: both stand in messages.
struct file_setting {
  std::string name;
  std::string path;
};

// These throw startup_error(config), which begins with the setting's name and says what it must be.
// "1.2" or "1.3", as OpenSSL numbers them.
int version_number(std::string const& setting, std::string_view version);
void set_minimum_version(ssl_ctx_st* context, std::string const& setting, std::string_view version);
// Files of PEM: the chain with our own certificate first, and its key without a passphrase.
void use_certificate(ssl_ctx_st* context, file_setting const& chain, file_setting const& key);
// A file of PEM with the authorities' certificates. An empty path: the system's.
void trust(ssl_ctx_st* context, file_setting const& authorities);

}  // namespace slipway::tls
