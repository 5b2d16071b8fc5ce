#include <slipway/redis/errors.hpp>
#include <slipway/redis/slots.hpp>

#include <gtest/gtest.h>

using namespace slipway::redis;

namespace {

reply text(std::string t) { return {.what = reply::kind::text, .text = std::move(t)}; }
reply number(std::int64_t n) { return {.what = reply::kind::integer, .number = n}; }
reply list(std::vector<reply> items) { return {.what = reply::kind::list, .items = std::move(items)}; }
reply range(std::int64_t first, std::int64_t last, reply master) {
  return list(
      {number(first), number(last), std::move(master), list({text("10.0.0.9"), number(6399), text("replica")})});
}
endpoint const asked{.host = "10.0.0.1", .port = 7000, .path = {}};

// Reference values of CLUSTER KEYSLOT.
TEST(redis_slots, of_keys) {
  EXPECT_EQ(slot_of("123456789"), 0x31c3u % slot_count);
  EXPECT_EQ(slot_of("foo"), 12182u);
  EXPECT_EQ(slot_of("somekey"), 11058u);
  EXPECT_EQ(slot_of(""), 0u);
}

TEST(redis_slots, only_the_first_braces_count_and_only_when_they_hold_something) {
  EXPECT_EQ(slot_of("{user1000}.following"), slot_of("user1000"));
  EXPECT_EQ(slot_of("foo{}{bar}"), slot_of(std::string_view{"foo{}{bar}"}));
  EXPECT_NE(slot_of("foo{}{bar}"), slot_of("bar"));
  EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of("{bar"));
  EXPECT_EQ(slot_of("foo{bar}{zap}"), slot_of("bar"));
  EXPECT_NE(slot_of("foo{bar"), slot_of("bar"));
}

TEST(redis_slots, of_the_map) {
  auto const map = read_slots(list({range(0, 100, list({text("10.0.0.1"), number(7000), text("id")})),
                                    range(101, 16383, list({text(""), number(7001), text("id2")})),
                                    range(200, 200, list({text("10.0.0.1"), number(7000), text("id")}))}),
                              asked);
  ASSERT_EQ(map.masters.size(), 2u);
  EXPECT_EQ(map.masters[1].text(), "10.0.0.1:7001");  // without a host: the one that was asked
  EXPECT_EQ(map.owner[100], 0);
  EXPECT_EQ(map.owner[101], 1);
  EXPECT_EQ(map.owner[200], 0);
  ASSERT_EQ(map.replicas.size(), 2u);
  ASSERT_EQ(map.replicas[0].size(), 1u) << "named twice, kept once";
  EXPECT_EQ(map.replicas[0][0].text(), "10.0.0.9:6399");
}

reply server_entry(std::string host, std::int64_t port, std::string role, std::string health = "online") {
  return list({text("id"), text("abc"), text("port"), number(port), text("tls-port"), number(port + 1), text("ip"),
               text("10.1.1.1"), text("endpoint"), host == "nil" ? reply{} : text(std::move(host)), text("role"),
               text(std::move(role)), text("replication-offset"), number(72), text("health"), text(std::move(health))});
}
reply shard(std::vector<reply> slots, std::vector<reply> servers) {
  return list({text("slots"), list(std::move(slots)), text("nodes"), list(std::move(servers))});
}

TEST(redis_slots, of_the_shards) {
  auto const answer = [] {
    return list(
        {shard({number(0), number(99), number(200), number(200)},
               {server_entry("h2", 7002, "replica"), server_entry("h1", 7001, "master")}),
         shard({number(100), number(199)}, {server_entry("h3", 7003, "master", "failed"),
                                            server_entry("h4", 7004, "master"), server_entry("?", 7005, "replica")}),
         shard({number(201), number(16383)}, {server_entry("nil", 7006, "master")}),
         shard({}, {server_entry("h7", 7007, "master")})});
  };
  auto const map = read_shards(answer(), asked, false);
  ASSERT_EQ(map.masters.size(), 3u) << "one that serves nothing is none";
  EXPECT_EQ(map.masters[0].text(), "h1:7001");
  EXPECT_EQ(map.masters[1].text(), "h4:7004") << "the one that is online";
  EXPECT_EQ(map.masters[2].text(), "10.0.0.1:7006") << "without a host: the one that was asked";
  EXPECT_EQ(map.owner[99], 0);
  EXPECT_EQ(map.owner[199], 1);
  EXPECT_EQ(map.owner[200], 0);
  EXPECT_EQ(map.owner[16383], 2);
  ASSERT_EQ(map.replicas[0].size(), 1u);
  EXPECT_EQ(map.replicas[0][0].text(), "h2:7002");
  EXPECT_TRUE(map.replicas[1].empty());
  EXPECT_EQ(read_shards(answer(), asked, true).masters[0].text(), "h1:7002") << "the port of TLS";
}

TEST(redis_slots, shards_that_make_no_sense_are_refused) {
  auto const good = [] { return server_entry("h", 7001, "master"); };
  EXPECT_THROW(read_shards(list({shard({number(0)}, {good()})}), asked, false), error);
  EXPECT_THROW(read_shards(list({shard({number(0), number(16384)}, {good()})}), asked, false), error);
  EXPECT_THROW(read_shards(list({shard({number(0), number(1)}, {})}), asked, false), error);
  EXPECT_THROW(read_shards(list({shard({number(0), number(1)}, {server_entry("h", 99999, "master")})}), asked, false),
               error);
  EXPECT_THROW(read_shards(list({number(1)}), asked, false), error);
  EXPECT_THROW(read_shards(text("no"), asked, false), error);
}

TEST(redis_slots, servers_that_know_slots_alone) {
  EXPECT_TRUE(knows_no_shards("ERR Unknown subcommand or wrong number of arguments for 'SHARDS'. Try CLUSTER HELP."));
  EXPECT_TRUE(knows_no_shards("ERR unknown subcommand 'SHARDS'. Try CLUSTER HELP."));
  EXPECT_TRUE(knows_no_shards("NOPERM this user has no permissions to run the 'cluster|shards' command"));
  EXPECT_FALSE(knows_no_shards("ERR This instance has cluster support disabled"));
  EXPECT_FALSE(knows_no_shards("LOADING Redis is loading the dataset in memory"));
}

TEST(redis_slots, a_map_that_makes_no_sense_is_refused) {
  auto const good = list({text("10.0.0.1"), number(7000), text("id")});
  EXPECT_THROW(read_slots(list({range(-1, 5, good)}), asked), error);
  EXPECT_THROW(read_slots(list({range(0, 16384, good)}), asked), error);
  EXPECT_THROW(read_slots(list({range(5, 4, good)}), asked), error);
  EXPECT_THROW(read_slots(list({range(0, 5, list({text("h"), number(70000)}))}), asked), error);
  EXPECT_THROW(read_slots(list({number(1)}), asked), error);
  EXPECT_THROW(read_slots(text("no"), asked), error);
  EXPECT_TRUE(read_slots(list({}), asked).masters.empty());
}

TEST(redis_slots, redirections) {
  auto const moved = read_redirection("MOVED 3999 127.0.0.1:6381", asked);
  ASSERT_TRUE(moved);
  EXPECT_FALSE(moved->ask);
  EXPECT_EQ(moved->slot, 3999u);
  EXPECT_EQ(moved->to.text(), "127.0.0.1:6381");
  EXPECT_TRUE(read_redirection("ASK 1 ::1:6381", asked)->ask);
  EXPECT_EQ(read_redirection("ASK 1 ::1:6381", asked)->to.host, "::1");
  EXPECT_EQ(read_redirection("MOVED 1 :7009", asked)->to.text(), "10.0.0.1:7009");
  for (auto const* bad : {"MOVED", "MOVED x 1:1", "MOVED 16384 h:1", "MOVED 1 h", "MOVED 1 h:0", "MOVED 1 h:99999",
                          "MOVED 1 h:1x", "ERR MOVED 1 h:1", ""})
    EXPECT_FALSE(read_redirection(bad, asked)) << bad;
}

}  // namespace
