#include <slipway/backup/tool.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/program.hpp>

#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/env.hpp>
#include <boost/process/io.hpp>
#include <boost/process/pipe.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

namespace slipway::backup {
namespace {

namespace bp = boost::process;

constexpr std::size_t piece_size = std::size_t{64} << 10;
constexpr std::size_t max_text = std::size_t{1} << 20;

std::string package_of(std::string const& program) {
  if (program.starts_with("pg_") || program == "psql") return "postgresql-client";
  if (program.starts_with("mariadb")) return "mariadb-client";
  return program;
}

std::string path_of(std::string const& program) {
  // Boost's own search would pull in Boost.Filesystem for this alone.
  if (auto path = find_program(program)) return std::move(*path);
  if (program.find('/') != std::string::npos)
    throw startup_error{exit_code::config,
                        program + " cannot be run: does backup.client_directory name the right place?"};
  throw startup_error{exit_code::config, program + " is not installed: apt-get install " + package_of(program) +
                                             ", or set backup.client_directory"};
}

bp::environment environment_of(tool const& t) {
  bp::environment out = boost::this_process::environment();
  for (auto const& [name, value] : t.environment) out[name] = value;
  return out;
}

// What the program says is kept for the error; the rest of a long complaint is read and dropped, so that it never
// blocks.
void hear(bp::ipstream& said, std::string& complaint) {
  std::string line;
  while (std::getline(said, line))
    if (complaint.size() < 2000) complaint += (complaint.empty() ? "" : "; ") + line;
}

void check(tool const& t, bp::child& child, std::string const& complaint) {
  child.wait();
  if (child.exit_code() != 0)
    throw startup_error{exit_code::unavailable, t.command[0] + " failed (" + std::to_string(child.exit_code()) +
                                                    "): " + (complaint.empty() ? "it does not say why" : complaint)};
}

std::vector<std::string> arguments_of(tool const& t) { return {t.command.begin() + 1, t.command.end()}; }

// False when the program has closed its input: its exit code says why.
bool write_all(bp::pipe& to, std::span<std::byte const> piece) {
  while (!piece.empty()) {
    auto const n = ::write(to.native_sink(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    piece = piece.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

// Writing to a program that has ended must be an error and not our end.
class ignore_broken_pipes {
 public:
  ignore_broken_pipes() : before_{std::signal(SIGPIPE, SIG_IGN)} {}
  ignore_broken_pipes(ignore_broken_pipes const&) = delete;
  ignore_broken_pipes& operator=(ignore_broken_pipes const&) = delete;
  ~ignore_broken_pipes() { std::signal(SIGPIPE, before_); }

 private:
  void (*before_)(int);
};

}  // namespace

void run_into(tool const& t, sink& to) {
  bp::pipe out;
  bp::ipstream said;
  std::string complaint;
  bp::child child{path_of(t.command[0]), bp::args(arguments_of(t)), environment_of(t),
                  bp::std_in<bp::null, bp::std_out> out, bp::std_err > said};
  std::jthread listener{[&] { hear(said, complaint); }};
  std::vector<std::byte> piece(piece_size);
  try {
    for (;;) {
      auto const n = out.read(reinterpret_cast<char*>(piece.data()), static_cast<int>(piece.size()));
      if (n <= 0) break;
      to.write(std::span{piece}.first(static_cast<std::size_t>(n)));
    }
  } catch (...) {
    child.terminate();
    throw;
  }
  listener.join();
  check(t, child, complaint);
  to.finish();
}

void run_from(tool const& t, source& in) {
  ignore_broken_pipes const quiet;
  bp::pipe input;
  bp::ipstream said;
  std::string complaint;
  bp::child child{path_of(t.command[0]), bp::args(arguments_of(t)), environment_of(t),
                  bp::std_in<input, bp::std_out> bp::null, bp::std_err > said};
  std::jthread listener{[&] { hear(said, complaint); }};
  std::vector<std::byte> piece(piece_size);
  try {
    while (auto const n = in.read(piece)) {
      if (!write_all(input, std::span{piece}.first(n))) break;
    }
  } catch (...) {
    child.terminate();
    throw;
  }
  input.close();
  listener.join();
  check(t, child, complaint);
}

namespace {

class text_sink final : public sink {
 public:
  void write(std::span<std::byte const> piece) override {
    if (text.size() < max_text) text.append(reinterpret_cast<char const*>(piece.data()), piece.size());
  }
  void finish() override {}
  std::string text;
};

}  // namespace

std::string run(tool const& t) {
  text_sink out;
  run_into(t, out);
  return std::move(out.text);
}

}  // namespace slipway::backup
