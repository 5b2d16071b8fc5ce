// The server's settings as configuration: names, ranges and help for server_settings.
#pragma once

#include <slipway/http/server.hpp>
#include <slipway/meta/description.hpp>

namespace slipway::http {

BOOST_DESCRIBE_STRUCT(tls_settings::host, (), (name, certificate_file, key_file))
BOOST_DESCRIBE_STRUCT(tls_settings, (), (certificate_file, key_file, minimum_version, hosts))
BOOST_DESCRIBE_STRUCT(server_settings, (),
                      (listen, tls, proxy_protocol, trusted_proxies, hosts, max_head, max_uri, max_fields,
                       max_connections, max_in_flight, head_timeout, body_timeout, idle_timeout, write_timeout,
                       write_rate, drain_delay, drain_limit))

}  // namespace slipway::http

namespace slipway {

template <>
inline constexpr auto rules_of<http::tls_settings::host> =
    rules(field(&http::tls_settings::host::name).min_length(1).help("The server name that a client asks for (SNI)."),
          field(&http::tls_settings::host::certificate_file).min_length(1).help("PEM file with the certificate chain."),
          field(&http::tls_settings::host::key_file).min_length(1).help("PEM file with the private key."));

template <>
inline constexpr auto rules_of<http::tls_settings> =
    rules(field(&http::tls_settings::certificate_file).help("PEM file with the certificate chain; empty: no TLS."),
          field(&http::tls_settings::key_file).help("PEM file with the private key."),
          field(&http::tls_settings::minimum_version).help("1.2 or 1.3."),
          field(&http::tls_settings::hosts).help("Further certificates, by server name."));

template <>
inline constexpr auto rules_of<http::server_settings> = rules(
    field(&http::server_settings::listen)
        .min_items(1)
        .help("host:port, [::1]:port or unix:/path; port 0 takes any free one."),
    field(&http::server_settings::tls).help("Transport security."),
    field(&http::server_settings::proxy_protocol)
        .help("Whether trusted peers begin connections with a PROXY protocol version 2 header."),
    field(&http::server_settings::trusted_proxies)
        .help("Networks (CIDR) whose Forwarded and X-Forwarded-* fields are believed."),
    field(&http::server_settings::hosts)
        .help(
            "Names that this service answers to, each in full and without a scheme; another Host is refused with 421. "
            "Empty: any."),
    field(&http::server_settings::max_head)
        .minimum(1024)
        .maximum(1'048'576)
        .unit("bytes")
        .help("The longest request line with its fields; more is 431."),
    field(&http::server_settings::max_uri)
        .minimum(64)
        .maximum(1'048'576)
        .unit("bytes")
        .help("The longest target; more is 414."),
    field(&http::server_settings::max_fields).minimum(4).maximum(64).help("The most header fields; more is 431."),
    field(&http::server_settings::max_connections)
        .minimum(1)
        .reloadable()
        .help("Open connections; above it the longest idle one is closed."),
    field(&http::server_settings::max_in_flight).minimum(1).reloadable().help("Requests being answered; more are 503."),
    field(&http::server_settings::head_timeout)
        .minimum(100)
        .reloadable()
        .help("From the first byte of a request to the end of its head; later is 408."),
    field(&http::server_settings::body_timeout)
        .minimum(100)
        .reloadable()
        .help("Between two pieces of a body; later is 408."),
    field(&http::server_settings::idle_timeout).minimum(100).reloadable().help("Between two requests of a connection."),
    field(&http::server_settings::write_timeout)
        .minimum(100)
        .reloadable()
        .help("How long a client may leave an answer unread."),
    field(&http::server_settings::write_rate)
        .unit("bytes a second")
        .reloadable()
        .help("What a client must read of an answer on average, beyond the time of write_timeout; slower ones are "
              "disconnected. Streams of events are exempt. 0: any rate."),
    field(&http::server_settings::drain_delay)
        .help("How long the application waits after SIGTERM before it stops its servers: unready, and still accepting, "
              "so that balancers notice."),
    field(&http::server_settings::drain_limit).help("Then the time that requests in flight have to end."));

}  // namespace slipway
