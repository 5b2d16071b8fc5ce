// Where an object store is that speaks S3, and who we are there.
#pragma once

#include <slipway/core/secret.hpp>
#include <slipway/meta/description.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::s3 {

struct settings {
  std::string endpoint;
  std::string region = "us-east-1";
  std::string access_key;
  secret<std::string> secret_key;
  secret<std::string> session_token;
  bool path_style = false;
  bool private_network = false;
  std::string ca_file;
  std::uint32_t part_size = 16U << 20;
  std::chrono::milliseconds timeout{120'000};
};
BOOST_DESCRIBE_STRUCT(settings, (),
                      (endpoint, region, access_key, secret_key, session_token, path_style, private_network, ca_file,
                       part_size, timeout))

// "s3://bucket/some/prefix": names of buckets as S3 has them; in the prefix letters, digits, '.', '_', '-' and '/'.
struct location {
  std::string bucket;
  std::string prefix;  // ends with '/' or is empty
};
std::optional<location> parse_location(std::string_view text);
bool is_location(std::string_view text);
// "https://host" or "https://host:port", also http; nothing behind it.
bool is_endpoint(std::string_view text);
bool is_region(std::string_view text);

}  // namespace slipway::s3

template <>
inline constexpr auto slipway::rules_of<slipway::s3::settings> = rules(
    field(&slipway::s3::settings::endpoint)
        .optional()
        .format("endpoint", "^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$", slipway::s3::is_endpoint)
        .help("The object store's address, such as https://minio.example.com:9000. Empty: Amazon's of the region."),
    field(&slipway::s3::settings::region)
        .format("region", "^[a-z0-9-]{1,64}$", slipway::s3::is_region)
        .help("Amazon's region; self-hosted stores mostly take us-east-1, Cloudflare's R2 takes auto."),
    field(&slipway::s3::settings::access_key).optional().max_length(256).help("The id of the access key."),
    field(&slipway::s3::settings::secret_key)
        .optional()
        .help("Its secret half; best a reference such as ${file:/run/secrets/s3}."),
    field(&slipway::s3::settings::session_token).optional().help("Of temporary credentials; else empty."),
    field(&slipway::s3::settings::path_style)
        .help("Whether the bucket is in the path (https://host/bucket) and not in the host's name; most self-hosted "
              "stores want that."),
    field(&slipway::s3::settings::private_network)
        .help("Whether the endpoint may lead to loopback, private or link-local addresses."),
    field(&slipway::s3::settings::ca_file)
        .optional()
        .help("PEM file of the authorities whose certificates are trusted; empty: the system's."),
    field(&slipway::s3::settings::part_size)
        .minimum(5 << 20)
        .maximum(1 << 30)
        .unit("bytes")
        .help("What is larger goes up in parts of this size, at most 10,000 of them; one part is held in memory."),
    field(&slipway::s3::settings::timeout)
        .minimum(1'000)
        .maximum(900'000)  // a repetition goes out with the first one's signature, which is good for 15 minutes
        .help("For one request with its repetitions: enough for one part on a slow line."));
