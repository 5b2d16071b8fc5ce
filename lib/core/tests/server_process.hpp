// A server that tests start as a process of their own: on loopback, a free port, and in a folder that goes with it. Used
// by the tests of every library that needs a real one.
#pragma once

#include "temporary_folder.hpp"

#include <functional>
#include <string>
#include <vector>

namespace slipway::tests {

// Nobody listens there, no other test is given it while this process lives, and no outgoing connection takes it.
int free_port();
// Whether somebody accepts connections there.
bool accepts_at(int port);
// The first bytes that a server sends by itself; fewer when it ends or is silent for two seconds.
std::string greeting_at(int port, std::size_t size);
// The file of a program, in PATH and in the folders of the system's services; empty when it is not installed.
std::string find_program(std::string const& name);

class server_process {
 public:
  // `name` is for messages and for the folder. `user`: who runs it where the tests are run by root, for servers that
  // refuse to be.
  explicit server_process(std::string name, std::string user = {});
  ~server_process();

  std::string const& directory() const noexcept { return folder_.path(); }
  // What it and its tools have written.
  std::string log() const;

  // Runs a tool of the server's to its end, in the folder: its exit code.
  int run(std::vector<std::string> const& command) const;
  // Waits until `answers`. Throws std::runtime_error with the end of the log when it ends before, or after 30 seconds.
  // A server whose test crashes gets the signal `when_left`.
  void start(std::vector<std::string> const& command, std::function<bool()> const& answers, int when_left);
  void start(std::vector<std::string> const& command, std::function<bool()> const& answers);
  bool is_running() const noexcept { return id_ > 0; }
  int id() const noexcept { return id_; }
  // Ends it with this signal, and waits for it.
  void end(int signal);
  // As a power failure does.
  void kill();
  // It keeps its connections, and does nothing.
  void freeze(bool on) const;

 private:
  int spawn(std::vector<std::string> const& command, int when_left) const;

  std::string name_, user_;
  temporary_folder folder_;
  int id_ = 0;
};

}  // namespace slipway::tests
