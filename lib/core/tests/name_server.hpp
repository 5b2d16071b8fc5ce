// The machine's resolver asks a name server of the test's, which may be silent. Needs root, as mounting does.
#pragma once

#include "own_mounts.hpp"
#include "temporary_folder.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

namespace slipway::tests {

// For the threads that are started by this one, from here on.
class name_server {
 public:
  name_server() : why_not_{mounts_.why_not()} {
    if (!why_not_.empty()) return;
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(53);
    auto const address = "127.53." + std::to_string(::getpid() >> 8 & 255) + "." + std::to_string(::getpid() & 255);
    ::inet_pton(AF_INET, address.c_str(), &at.sin_addr);
    auto const file = folder_.path() + "/resolv.conf";
    std::ofstream{file} << "nameserver " << address << "\nsearch .\noptions timeout:30 attempts:1\n";
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
      why_not_ = "no name server at " + address + ": " + std::strerror(errno);
    else if (::mount(file.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) != 0)
      why_not_ = std::string{"/etc/resolv.conf cannot be another: "} + std::strerror(errno);
    else
      thread_ = std::jthread{[this](std::stop_token const& stop) { serve(stop); }};
  }
  name_server(name_server const&) = delete;
  name_server& operator=(name_server const&) = delete;
  ~name_server() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    ::close(socket_);
  }
  std::string const& why_not() const noexcept { return why_not_; }

  // Questions wait, and are answered when it speaks again. Every name is 127.0.0.1.
  void be_silent() noexcept { silent_ = true; }
  void speak() noexcept { silent_ = false; }
  // Whether a question waits.
  bool is_asked() const noexcept {
    pollfd asked{socket_, POLLIN, 0};
    return silent_ && ::poll(&asked, 1, 0) == 1;
  }

 private:
  void serve(std::stop_token const& stop) {
    while (!stop.stop_requested()) {
      pollfd asked{socket_, POLLIN, 0};
      if (silent_)
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
      else if (::poll(&asked, 1, 1) == 1)
        answer_one();
    }
  }
  void answer_one() {
    char text[512];
    sockaddr_in who{};
    socklen_t length = sizeof who;
    auto const got = ::recvfrom(socket_, text, sizeof text, 0, reinterpret_cast<sockaddr*>(&who), &length);
    if (got < 17) return;
    std::string_view const question{text, static_cast<std::size_t>(got)};
    auto const end = question.find('\0', 12);  // of the name
    if (end == std::string_view::npos || end + 5 > question.size()) return;
    bool const has_address = question[end + 2] == 1;  // A; of AAAA there is none
    std::string reply{question.substr(0, end + 5)};
    reply[2] = static_cast<char>(0x81);  // an answer
    reply[3] = static_cast<char>(0x80);  // without an error
    reply[7] = has_address ? 1 : 0;
    std::fill(reply.begin() + 8, reply.begin() + 12, '\0');
    using namespace std::string_view_literals;
    if (has_address) reply += "\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1"sv;
    ::sendto(socket_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&who), length);
  }

  mounts_of_our_own mounts_;
  temporary_folder folder_{"name-server"};
  int socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  std::string why_not_;
  std::atomic<bool> silent_{false};
  std::jthread thread_;
};

}  // namespace slipway::tests
