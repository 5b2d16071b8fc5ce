#include "support.hpp"

#include <gmock/gmock.h>

namespace slipway::config::test {

struct needs_secret {
  secret<std::string> session_key;
  std::string region;
};
BOOST_DESCRIBE_STRUCT(needs_secret, (), (session_key, region))
struct outer {
  needs_secret auth;
};
BOOST_DESCRIBE_STRUCT(outer, (), (auth))

}  // namespace slipway::config::test

namespace slipway {

template <>
inline constexpr auto rules_of<config::test::needs_secret> =
    rules(field(&config::test::needs_secret::session_key).min_length(16),
          field(&config::test::needs_secret::region).not_blank());

}  // namespace slipway

namespace slipway::config::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Load, TakesTheDefaultsOfTheStruct) {
  fixture f;
  auto const s = f.load();
  EXPECT_EQ(s.value.http.port, 8080);
  EXPECT_THAT(s.came.from, IsEmpty());
}

TEST(Load, ReadsEveryKindOfValue) {
  fixture f{R"(
name: "a: b"
http:
  port: 81
  listen: [a, "b"]
  idle: 30s
  max_body: 16KB
  hosts:
    - name: one
    - { name: two, port: 8443 }
mode: careful
ratio: 0.25
debug: true
workers: 3
offset: -128
key: abc
modes: { x: careful }
store: { type: bucket_store, bucket: b }
)"};
  auto const s = f.load().value;
  EXPECT_EQ(s.name, "a: b");
  EXPECT_EQ(s.http.port, 81);
  EXPECT_THAT(s.http.listen, ElementsAre("a", "b"));
  EXPECT_EQ(s.http.idle, 30s);
  EXPECT_EQ(s.http.max_body, 16'384u);
  ASSERT_EQ(s.http.hosts.size(), 2u);
  EXPECT_EQ(s.http.hosts[0].port, 443);
  EXPECT_EQ(s.http.hosts[1].port, 8443);
  EXPECT_EQ(s.mode, mode::careful);
  EXPECT_EQ(s.ratio, 0.25);
  EXPECT_TRUE(s.debug);
  EXPECT_EQ(s.workers, 3);
  EXPECT_EQ(s.offset, -128);
  EXPECT_EQ(s.key.reveal(), "abc");
  EXPECT_EQ(s.modes.at("x"), mode::careful);
  EXPECT_EQ(std::get<bucket_store>(s.store).bucket, "b");
}

TEST(Load, LaterSourcesWin) {
  fixture f{"name: base\nhttp: { port: 1, idle: 1s }\nratio: 0.1\ndebug: true\nmode: careful\noffset: 1\nworkers: 1\n"};
  f.dir.write("development.yaml", "name: env\nhttp: { port: 2 }\nratio: 0.2\nmode: fast\noffset: 2\nworkers: 2\n");
  f.dir.write("local.yaml", "http: { port: 3 }\nratio: 0.3\noffset: 3\nworkers: 3\n");
  f.dir.write(".env", "SLIPWAY_HTTP__PORT=4\nexport SLIPWAY_OFFSET='4' # why\nSLIPWAY_WORKERS=4\n");
  f.from.variables = {{"SLIPWAY_HTTP__PORT", "5"}, {"SLIPWAY_WORKERS", "5"}, {"OTHER", "x"}};
  f.from.flags = {"http.port=6", "http.port=7"};
  auto const s = f.load();
  EXPECT_EQ(s.value.name, "env");
  EXPECT_EQ(s.value.http.idle, 1s);
  EXPECT_EQ(s.value.http.port, 7);
  EXPECT_EQ(s.value.ratio, 0.3);
  EXPECT_EQ(s.value.offset, 4);
  EXPECT_EQ(s.value.workers, 5);
  EXPECT_TRUE(s.value.debug);
  EXPECT_EQ(s.came.from.at("name"), f.dir / "development.yaml" + ":1");
  EXPECT_EQ(s.came.from.at("http.idle"), f.dir / "base.yaml" + ":2");
  EXPECT_EQ(s.came.from.at("http.port"), "--set http.port");
  EXPECT_EQ(s.came.from.at("offset"), f.dir / ".env" + ":2");
  EXPECT_EQ(s.came.from.at("workers"), "SLIPWAY_WORKERS");
}

TEST(Load, DotenvIsForDevelopmentAlone) {
  fixture f;
  f.dir.write(".env", "SLIPWAY_NAME=dot");
  f.dir.write("test.yaml", "");
  EXPECT_EQ(f.load().value.name, "dot");
  f.from.environment = "test";
  EXPECT_EQ(f.load().value.name, "app");
}

TEST(Load, VariablesAndFlagsTakeListsMapsAndStructs) {
  fixture f;
  f.from.variables = {{"SLIPWAY_HTTP__LISTEN", "a, b"},
                      {"SLIPWAY_MODES__API", "careful"},
                      {"SLIPWAY_HTTP__HOSTS", "[{name: x, port: 1}]"},
                      {"SLIPWAY_ENVIRONMENT", "development"},
                      {"SLIPWAY_TEST_DATABASE", "x"}};
  f.from.flags = {"modes={b: careful}", "name=a=b"};
  auto const s = f.load().value;
  EXPECT_THAT(s.http.listen, ElementsAre("a", "b"));
  EXPECT_EQ(s.modes.size(), 2u);
  EXPECT_EQ(s.http.hosts.at(0).port, 1);
  EXPECT_EQ(s.name, "a=b");
  f.from.flags = {"http.listen="};
  EXPECT_THAT(f.load().value.http.listen, IsEmpty());
  f.from.flags = {"http.listen=[::1]:80, [::]:81"};
  EXPECT_THAT(f.load().value.http.listen, ElementsAre("[::1]:80", "[::]:81"));
}

TEST(Load, NamesEveryProblemAtOnceWithItsPlaceAndARemedy) {
  fixture f{R"(http:
  prot: 81
  port: 70000
  idle: 30
  max_body: many
mode: fsat
debug: yes
ratio: 2
port: 1
name: ""
frobnicate: 1
http2: 5
offset: 1.5
modes: [1]
)"};
  f.from.variables = {{"SLIPWAY_HTTP__PROT", "1"}, {"SLIPWAY_NONSENSE_HERE", "1"}, {"SLIPWAY_RATIO__X", "1"}};
  f.from.flags = {"nmae=x", "http.idle"};
  EXPECT_EQ(f.problems(), R"(SLIPWAY_HTTP__PROT: http.prot: unknown key; did you mean SLIPWAY_HTTP__PORT?
SLIPWAY_NONSENSE_HERE: nonsense_here: unknown key; `config schema` lists all of them
SLIPWAY_RATIO__X: ratio.x: unknown key; SLIPWAY_RATIO is one value and has no keys of its own
--set nmae: nmae: unknown key; did you mean name?
--set http.idle: has no value; write --set http.idle=value
base.yaml:2:3: http.prot: unknown key; did you mean http.port?
base.yaml:3:9: http.port: must be a whole number from 0 to 65535, not "70000"
base.yaml:4:9: http.idle: must be a duration with its unit: "250ms", "30s", "15m", "12h" or "7d", not "30"
base.yaml:5:13: http.max_body: must be a whole number from 0 to 18446744073709551615, or a size such as "16KB", not "many"
base.yaml:6:7: mode: must be one of fast, careful, not "fsat"; did you mean fast?
base.yaml:7:8: debug: must be true or false, not "yes"
base.yaml:9:1: port: unknown key; did you mean http.port?
base.yaml:11:1: frobnicate: unknown key; `config schema` lists all of them
base.yaml:12:1: http2: unknown key; did you mean http?
base.yaml:13:9: offset: must be a whole number from -128 to 127, not "1.5"
base.yaml:14:8: modes: must hold keys and values of its own
base.yaml:10:7: name: must not be blank
base.yaml:8:8: ratio: must be at most 1
)");
  try {
    f.load();
    FAIL();
  } catch (startup_error const& e) {
    EXPECT_EQ(e.code(), exit_code::config);
    EXPECT_THAT(e.what(), StartsWith("18 problems with the configuration:\n  SLIPWAY_HTTP__PROT"));
  }
}

TEST(Load, ChecksRulesOfTimesListsAndNestedStructs) {
  fixture f{"http: { idle: 2h, listen: [a, a], port: 0, hosts: [ { nmae: x } ] }\n"};
  EXPECT_THAT(
      f.problems(),
      AllOf(HasSubstr("http.idle: must be at most 1h"), HasSubstr("http.listen: must not hold the same entry twice"),
            HasSubstr("http.port: must be at least 1"),
            HasSubstr("base.yaml:1:55: http.hosts[0].nmae: unknown key; did you mean http.hosts[0].name?")));
}

TEST(Load, SaysWhereToSetWhatIsMissing) {
  fixture f;
  std::string all;
  for (auto const& p : problems_of<outer>(f.from)) all += p.text() + "\n";
  EXPECT_EQ(all,
            "auth.session_key: is missing and must have at least 16 characters; set it in a file or as "
            "SLIPWAY_AUTH__SESSION_KEY\n"
            "auth.region: is missing and must not be blank; set it in a file or as SLIPWAY_AUTH__REGION\n");
}

TEST(Load, SaysWhyAFileCannotBeRead) {
  fixture f;
  std::filesystem::remove(f.dir / "base.yaml");
  f.from.environment = "prodution";
  EXPECT_THAT(f.problems(),
              AllOf(HasSubstr("base.yaml: cannot be read: No such file or directory; start in the directory"),
                    HasSubstr("prodution.yaml: cannot be read: No such file or directory; create it"),
                    HasSubstr("SLIPWAY_ENVIRONMENT")));
  std::filesystem::create_directory(f.dir / "base.yaml");
  f.from.environment = "../../etc/passwd";
  EXPECT_THAT(f.problems(), AllOf(HasSubstr("base.yaml: cannot be read: Is a directory"),
                                  HasSubstr("SLIPWAY_ENVIRONMENT: must be a name of letters")));
}

TEST(Load, WithoutADirectoryThereAreNoFiles) {
  sources from;
  from.directory.clear();
  from.environment = "production";
  EXPECT_THAT(problems_of<settings>(from), IsEmpty());
}

TEST(Load, RefusesWhatIsNotYamlOrNotSettings) {
  fixture f;
  auto const problem_of = [&](std::string_view text) {
    f.dir.write("base.yaml", text);
    return f.problems();
  };
  EXPECT_THAT(problem_of("a: [1\nb: 2"), HasSubstr("base.yaml:2:"));
  EXPECT_THAT(problem_of("\tname: x"), HasSubstr("not valid YAML"));
  EXPECT_THAT(problem_of("- a\n- b"), HasSubstr("the file must hold keys and values"));
  EXPECT_THAT(problem_of("just text"), HasSubstr("the file must hold keys and values"));
  EXPECT_THAT(problem_of("name: a\nratio: 1\nname: b"),
              HasSubstr("base.yaml:3:1: the key \"name\" stands here twice; its first value is at line 1"));
  EXPECT_THAT(problem_of("name: a\n---\nname: b"), HasSubstr("more than one YAML document"));
  EXPECT_THAT(problem_of("? [a]\n: 1"), HasSubstr("a key must be a plain name"));
  EXPECT_THAT(problem_of("name: *nothing"), HasSubstr("not valid YAML"));
  EXPECT_THAT(problem_of("name:"), HasSubstr("name: has no value; write \"\""));
  EXPECT_THAT(problem_of("name: [a]"), HasSubstr("name: must be one value, not a list"));
  EXPECT_THAT(problem_of("http: 5"), HasSubstr("http: must hold keys and values of its own"));
  EXPECT_THAT(problem_of("http: { listen: a }"), HasSubstr("http.listen: must be a list"));
  EXPECT_THAT(problem_of("store: { type: tape }"),
              HasSubstr("store: must have the key type with one of file_store, bucket_store"));
  EXPECT_THAT(problem_of("name: \"a\\0b\""), HasSubstr("NUL"));
  EXPECT_THAT(problem_of(std::string(5000, '[')), HasSubstr("not valid YAML"));
  EXPECT_THAT(problem_of(std::string(70, '[') + std::string(70, ']')), HasSubstr("more than 64 levels"));
  EXPECT_THAT(problem_of(std::string((1 << 20) + 1, '#')), HasSubstr("larger than 1048576 bytes"));
  EXPECT_THAT(problem_of("http:\nworkers: ~\n# nothing\n"), IsEmpty());
  EXPECT_THAT(problem_of(""), IsEmpty());
}

TEST(Load, AliasesAreExpandedWithinBounds) {
  fixture f{"name: &n shared\nhttp: { listen: [*n] }\n"};
  EXPECT_THAT(f.load().value.http.listen, ElementsAre("shared"));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    auto const last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 1; j < 10; ++j) bomb += ", " + last;
    bomb += "]\n";
  }
  f.dir.write("base.yaml", bomb);
  EXPECT_THAT(f.problems(), HasSubstr("more than 20000 values"));
}

TEST(Load, SizesAreIntegersOfBytes) {
  fixture f;
  auto const read = [&](std::string_view text) {
    f.dir.write("base.yaml", "http: { max_body: " + std::string{text} + " }");
    return f.load().value.http.max_body;
  };
  EXPECT_EQ(read("1"), 1u);
  EXPECT_EQ(read("1MB"), 1u << 20);
  EXPECT_EQ(read("2 GiB"), 2ull << 30);
  EXPECT_EQ(read("18446744073709551615"), ~0ull);
  for (auto const* bad : {"-1", "1XB", "99999999TB", "18446744073709551616", "1.5MB", "\"\"", "0x10"})
    EXPECT_THROW(read(bad), startup_error) << bad;
  f.dir.write("base.yaml", "http: { port: 1KB }");
  EXPECT_THROW(f.load(), startup_error);  // a port is no size
}

TEST(provenance, says_where_a_setting_or_what_is_below_it_was_written) {
  provenance came;
  came.from = {{"nodes[0].name", "base.yaml:7"},
               {"nodes[1].name", "base.yaml:9"},
               {"nodes_of_others", "base.yaml:2"},
               {"http.port", "SLIPWAY_HTTP__PORT"},
               {"https", "base.yaml:1"}};
  EXPECT_EQ(at_its_place(came, "http.port", "is taken"), "SLIPWAY_HTTP__PORT: is taken");
  EXPECT_EQ(at_its_place(came, "http", "is wrong"), "SLIPWAY_HTTP__PORT: is wrong");
  EXPECT_EQ(at_its_place(came, "nodes", "are too few"), "base.yaml:7: are too few");
  EXPECT_EQ(at_its_place(came, "nodes[1]", "is the same"), "base.yaml:9: is the same");
  for (auto const* none : {"node", "nodes_of", "htt", "zones"}) EXPECT_EQ(at_its_place(came, none, "alone"), "alone");
}

}  // namespace
}  // namespace slipway::config::test
