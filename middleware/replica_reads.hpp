// Lets requests read from the database's replicas, and see there what they wrote before. Innermost, after
// authentication.
//
// Reads of GET and HEAD may go to replicas; requests that change something read from the primary. How far the primary's
// log was after a write is kept for the user and for the client's address, for their later requests to this process,
// and is told in the header Consistency-Token, for other processes: a client that sends it back there sees its writes
// as well.
#pragma once

#include <slipway/db/recent_writes.hpp>
#include <slipway/http/router.hpp>

namespace app::middleware {

using namespace slipway;

class replica_reads final : public http::middleware {
 public:
  static constexpr std::string_view header = "Consistency-Token";

  bool before(http::exchange& x) override;
  void after(http::exchange& x) override;

 private:
  std::uint64_t known_of(http::exchange const& x) const noexcept;

  db::recent_writes writes_;
};

}  // namespace app::middleware
