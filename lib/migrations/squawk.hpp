// What squawk, a linter of PostgreSQL migrations (https://squawkhq.com), says of ours; on top of lint.hpp, where it is
// installed. Its rules are called squawk/<its name> here and are allowed in the same way. Those that lint.hpp has as
// well are left out, and so are those that the migrator makes true: time-outs of locks and statements, statements that
// can be repeated.
#pragma once

#include <slipway/migrations/lint.hpp>

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace slipway::migrations {

// `named` when it is not empty; else where `npm ci` puts it under `node_modules`, without the wrapper that needs
// Node.js; else in the PATH. Throws startup_error when the one that was named cannot be run.
std::optional<std::string> find_squawk(std::string const& named, std::filesystem::path const& node_modules);

// In the order of the migrations and their lines. Throws startup_error with what squawk says when it fails.
std::vector<finding> squawk_findings(std::string const& program, std::span<migration const> migrations);

}  // namespace slipway::migrations
