// AWS Signature Version 4 in the header, as S3 wants it. Pure: the time is given. Private to the library.
// Source: "Authenticating Requests: Using the Authorization Header" in Amazon's S3 API reference.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/secret.hpp>
#include <slipway/http_client/client.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::s3 {

struct identity {
  std::string region;
  std::string access_key;
  secret<std::string> secret_key;
  secret<std::string> session_token;  // of temporary credentials; else empty
};

using query = std::vector<std::pair<std::string, std::string>>;

// Encoded and in the order of names; what is signed must also be what is sent.
std::string canonical(query const& q);

struct unsigned_request {
  std::string_view method;
  std::string_view host;   // as the Host header has it
  std::string_view path;   // encoded as it is sent
  std::string_view query;  // canonical
  std::string_view body;
  std::vector<http_client::header> headers;  // that are to be signed
};

// The headers with those that sign them. Good for 15 minutes.
std::vector<http_client::header> sign(unsigned_request r, identity const& who, time_point now);

}  // namespace slipway::s3
