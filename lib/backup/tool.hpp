// The programs that engines bring for their own backups (pg_dump, mariadb-dump, tar), run with their output or input
// as a stream. Secrets go to them by the environment, never by arguments, which everybody on the machine can read.
#pragma once

#include <slipway/backup/stream.hpp>

#include <map>
#include <string>
#include <vector>

namespace slipway::backup {

struct tool {
  std::vector<std::string> command;                // the program's name or path, and its arguments
  std::map<std::string, std::string> environment;  // on top of ours
};

// Each throws startup_error: `unavailable` with what the program wrote to its standard error when it fails, and
// `config` when it is not there, with the package that brings it.
void run_into(tool const& t, sink& to);    // its standard output goes to `to`, which is finished after success
void run_from(tool const& t, source& in);  // its standard input comes from `in`
std::string run(tool const& t);            // its standard output; 1 MiB at most

}  // namespace slipway::backup
