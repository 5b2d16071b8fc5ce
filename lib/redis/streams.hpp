// Entries of streams. https://redis.io/docs/latest/develop/data-types/streams/
#pragma once

#include <slipway/redis/reply.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace slipway::redis {

struct stream_entry {
  std::string id;                                           // "1700000000000-0"
  std::vector<std::pair<std::string, std::string>> fields;  // none: the entry was deleted
};

struct xadd_options {
  std::uint64_t max_length = 0;  // older entries go; zero: none do
  bool exact = false;            // else about as many as max_length stay, which is much cheaper
  bool make_stream = true;       // false: nothing is added, and nothing returned, when there is no such stream
  std::string id = "*";
};

struct claimed_entries {
  std::string next;  // where the next call goes on; "0-0": it was all
  std::vector<stream_entry> entries;
  std::vector<std::string> deleted;  // were pending, and are in the stream no more
};

struct pending_summary {
  std::int64_t count = 0;
  std::string first, last;  // ids; empty when there are none
  std::vector<std::pair<std::string, std::int64_t>> consumers;
};

// Each throws error{"UNEXPECTED"}.
std::vector<stream_entry> read_entries(reply r);
// Of XREAD and XREADGROUP: the entries of each stream by its whole name.
std::vector<std::pair<std::string, std::vector<stream_entry>>> read_streams(reply r);
claimed_entries read_claimed(reply r);
pending_summary read_pending(reply r);

}  // namespace slipway::redis
