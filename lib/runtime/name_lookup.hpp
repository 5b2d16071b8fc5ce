// Asks the system for the addresses of a host. Its resolver cannot be interrupted while it waits for a name server, which
// may take it half a minute. So it works for the question alone, and whoever asked goes on without it when they say so.
//
//   name_lookup names{home};
//   auto const found = co_await names.of("db.example.com");   // meanwhile, on the same shard: names.end()
#pragma once

#include <slipway/core/task.hpp>

#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace slipway {

class shard;

// On its shard's thread alone.
class name_lookup {
 public:
  explicit name_lookup(shard& home);
  name_lookup(name_lookup const&) = delete;
  name_lookup& operator=(name_lookup const&) = delete;
  // Nobody may still wait for an answer, unless it was ended.
  ~name_lookup();

  // Addresses as text, at least one, in the order in which they should be tried; or what the system says instead. What is
  // an address already is its own, without asking anybody. Once; not cancelled with any operation.
  task<std::expected<std::vector<std::string>, std::string>> of(std::string host);
  // Who waits goes on soon, and not before this returns. Does nothing where nobody waits for an answer.
  void end() noexcept;
  // Whether that was why there is no answer.
  bool was_ended() const noexcept;

 private:
  struct question;
  std::shared_ptr<question> asked_;
};

}  // namespace slipway
