#include "server.hpp"

#include <slipway/core/errors.hpp>

#include <algorithm>
#include <fstream>
#include <thread>

namespace slipway::redis::tests {

bool is_installed(char const* program) { return !slipway::tests::find_program(program).empty(); }

server::server(std::vector<std::string> more, std::string program, int port)
    : process_{program}, program_{std::move(program)}, more_{std::move(more)}, port_{port != 0 ? port : free_port()} {
  start();
}

void server::start() {
  std::vector<std::string> command{slipway::tests::find_program(program_)};
  if (program_ == "redis-sentinel") command.push_back(files() + "/sentinel.conf");
  if (program_ == "redis-sentinel") std::ofstream{files() + "/sentinel.conf", std::ios::app}.flush();
  for (auto const& each : {std::string{"--bind"}, std::string{"127.0.0.1"}, std::string{"--dir"}, files()})
    command.push_back(each);
  if (std::find(more_.begin(), more_.end(), "--port") == more_.end()) {
    command.emplace_back("--port");
    command.push_back(std::to_string(port_));
  }
  if (program_ == "redis-server") {
    command.emplace_back("--save");
    command.emplace_back("");
  }
  command.insert(command.end(), more_.begin(), more_.end());
  process_.start(command, [this] { return slipway::tests::accepts_at(port_); });
}

std::string server::cli(std::vector<std::string> words) const {
  std::string line = "redis-cli -h 127.0.0.1 -p " + std::to_string(port_);
  for (auto const* list : {&cli_, static_cast<std::vector<std::string> const*>(&words)})
    for (auto const& each : *list) line += " '" + each + "'";
  auto* const pipe = ::popen((line + " 2>&1").c_str(), "r");
  std::string out;
  char part[4096];
  for (std::size_t n; (n = std::fread(part, 1, sizeof part, pipe)) > 0;) out.append(part, n);
  ::pclose(pipe);
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

bool wait_until(std::function<bool()> const& holds, std::chrono::seconds most) {
  auto const end = std::chrono::steady_clock::now() + most;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

task<std::string> outcome(task<> work) {
  try {
    auto inner = std::move(work);
    co_await std::move(inner);
  } catch (error const& e) {
    co_return "error " + e.code();
  } catch (refused_error const& e) {
    co_return "refused " + e.code();
  } catch (lost_error const& e) {
    co_return e.may_have_been_done() ? "lost, may have been done" : "lost, not sent";
  } catch (unavailable_error const&) {
    co_return "unavailable";
  } catch (cancelled_error const&) {
    co_return "cancelled";
  }
  co_return "nothing";
}

std::string outcome_of_connecting(settings const& s, shards& on) {
  try {
    auto const made = connect(s, on);
    return "it connected";
  } catch (startup_error const& error) {
    return std::string{error.code() == exit_code::config        ? "config: "
                       : error.code() == exit_code::unavailable ? "unavailable: "
                                                                : "other: "} +
           error.what();
  }
}

}  // namespace slipway::redis::tests
