#include "cmd/server/running.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/http_client/client.hpp>
#include <slipway/runtime/shards.hpp>

namespace app {
namespace {

std::string address_of(settings const& s) {
  if (s.operations.listen.empty())
    throw startup_error{exit_code::config,
                        "operations.listen is empty, so the running service cannot be asked. Say where it is with "
                        "--from http://host:port"};
  auto address = s.operations.listen.front();
  if (address.starts_with("0.0.0.0:")) address.replace(0, 7, "127.0.0.1");
  if (address.starts_with("[::]:")) address.replace(0, 4, "[::1]");
  return "http://" + address;
}

}  // namespace

std::string ask_running(settings const& s, std::string from, std::string const& path) {
  if (from.empty()) from = address_of(s);
  while (from.ends_with('/')) from.pop_back();
  shards on{1};
  http_client::client http{
      on, {.user_agent = s.service.name + "/" + version_text(), .max_body = 64 << 20, .private_addresses = true}};
  http_client::response answer;
  try {
    answer = on.run(http.send({.url = from + path}));
  } catch (unavailable_error const& why) {
    throw startup_error{exit_code::unavailable,
                        "the service does not answer at " + from + ": " + why.what() +
                            ". Start it, or say where its operators' address is with --from http://host:port"};
  }
  if (!answer.ok())
    throw startup_error{exit_code::unavailable, from + path + " answered " + std::to_string(answer.status) +
                                                    ": is this the operators' address of this service?"};
  return std::move(answer.body);
}

}  // namespace app
