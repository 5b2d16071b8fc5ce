#include "support.hpp"

#include <slipway/config/dotenv.hpp>
#include <slipway/config/nearest.hpp>
#include <slipway/config/rules.hpp>
#include <slipway/config/sources.hpp>

#include <gmock/gmock.h>

namespace slipway::config::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(Substitution, ReplacesVariablesAndFiles) {
  fixture f{R"(name: "${WHO}-${NOBODY:-x}${EMPTY:-y}"
http: { port: "${PORT}", listen: "${LISTEN}" }
ratio: ${RATIO:-0.75}
database_url: "$${WHO} $5 $ ${env:WHO}"
)"};
  f.dir.write("key", "s3cret\n");
  f.dir.write("local.yaml", "key: ${file:" + (f.dir / "key") + "}");
  f.from.variables = {{"WHO", "me"}, {"EMPTY", ""}, {"PORT", "99"}, {"LISTEN", "a,b"}};
  auto const s = f.load();
  EXPECT_EQ(s.value.name, "me-xy");
  EXPECT_EQ(s.value.http.port, 99);
  EXPECT_THAT(s.value.http.listen, ElementsAre("a", "b"));
  EXPECT_EQ(s.value.ratio, 0.75);
  EXPECT_EQ(s.value.database_url, "${WHO} $5 $ me");
  EXPECT_EQ(s.value.key.reveal(), "s3cret");
  EXPECT_THAT(s.came.referenced_files, ElementsAre(f.dir / "key"));
  EXPECT_THAT(s.came.referenced_keys, ElementsAre("database_url", "key"));
}

TEST(Substitution, WhatAValueHoldsIsNeverYaml) {
  fixture f{"name: ${EVIL}\n"};
  f.from.variables = {{"EVIL", "x\nratio: 0"}};
  EXPECT_EQ(f.load().value.name, "x\nratio: 0");
  EXPECT_EQ(f.load().value.ratio, 0.5);
  f.from.variables = {{"EVIL", "${EVIL}"}};
  EXPECT_EQ(f.load().value.name, "${EVIL}");
}

TEST(Substitution, NamesWhatIsWrongOnce) {
  fixture f{
      "name: ${UNSET}\nratio: ${RATIO\ndatabase_url: ${1x}\nkey: \"${file:/no/such/file}\"\nhttp: { listen: [\"${A "
      "B}\"] }\nmodes: { a: \"${file:}\" }\n"};
  EXPECT_EQ(f.problems(),
            R"(base.yaml:1:7: name: the environment variable UNSET is not set; set it, or write ${UNSET:-default}
base.yaml:2:8: ratio: a ${ without its }; write $${ for a literal ${
base.yaml:3:15: database_url: "${1x}" is no reference; use ${NAME}, ${NAME:-default}, ${env:NAME} or ${file:path}, and $${ for a literal ${
base.yaml:4:6: key: the file /no/such/file cannot be read: No such file or directory; make it readable for this user or change the reference
base.yaml:5:18: http.listen: "${A B}" is no reference; use ${NAME}, ${NAME:-default}, ${env:NAME} or ${file:path}, and $${ for a literal ${
base.yaml:6:13: modes.a: ${file:} names no file
)");
}

TEST(Substitution, VariablesAndFlagsAreLiteralButForWholeReferences) {
  fixture f;
  f.dir.write("key", "from file");
  f.from.variables = {
      {"SLIPWAY_NAME", "pa${x}ss"}, {"SLIPWAY_KEY", "${file:" + (f.dir / "key") + "}"}, {"URL", "sqlite:x"}};
  f.from.flags = {"database_url=${env:URL}"};
  auto const s = f.load().value;
  EXPECT_EQ(s.name, "pa${x}ss");
  EXPECT_EQ(s.key.reveal(), "from file");
  EXPECT_EQ(s.database_url, "sqlite:x");
}

TEST(Substitution, DoesNotHangOnPipesOrReadDirectories) {
  fixture f{"name: \"${file:/dev/zero}\"\nkey: \"${file:/}\"\n"};
  EXPECT_THAT(f.problems(), AllOf(HasSubstr("not a regular file"), HasSubstr("Is a directory")));
}

TEST(Dotenv, ReadsTheUsualForms) {
  std::vector<problem> problems;
  auto const v =
      parse_dotenv("# c\n\nA=1\n export B = two words # c\r\nC='a # $x'\nD=\"l1\\nl2 \\\"q\\\"\" # c\nE=\nA=3\nF=a#b",
                   ".env", problems);
  EXPECT_THAT(problems, IsEmpty());
  EXPECT_EQ(v.at("A").text, "3");
  EXPECT_EQ(v.at("A").line, 8);
  EXPECT_EQ(v.at("B").text, "two words");
  EXPECT_EQ(v.at("C").text, "a # $x");
  EXPECT_EQ(v.at("D").text, "l1\nl2 \"q\"");
  EXPECT_EQ(v.at("E").text, "");
  EXPECT_EQ(v.at("F").text, "a#b");
  parse_dotenv("x\n1A=2\nB='open\nC=\"a\" b\n=3", ".env", problems);
  std::string all;
  for (auto const& p : problems) all += p.text() + "\n";
  EXPECT_EQ(all,
            ".env:1: is not of the form NAME=value\n.env:2: is not of the form NAME=value\n.env:3: the quote does not "
            "end where the line does\n.env:4: the quote does not end where the line does\n"
            ".env:5: is not of the form NAME=value\n");
}

TEST(Secrets, ProductionRefusesPlaceholders) {
  for (auto const* bad : {"changeme", "secret", "password", "please-ChangeMe-before-production-use-it",
                          "example-key-example-key-example-key", "short", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                          "your-secret-here-your-secret-here-1234"}) {
    fixture f;
    f.dir.write("production.yaml", "key: " + std::string{bad});
    f.dir.write("test.yaml", "key: " + std::string{bad});
    f.from.environment = "test";
    EXPECT_THAT(f.problems(), IsEmpty()) << bad;
    f.from.environment = "production";
    EXPECT_THAT(f.problems(), AllOf(HasSubstr("production.yaml:1:6: key: "), HasSubstr("openssl rand"))) << bad;
    EXPECT_THAT(f.problems(), Not(HasSubstr(std::string{bad} + " "))) << "the value itself is not repeated";
    f.from.environment = "staging";
    f.dir.write("staging.yaml", "");
    f.dir.write("base.yaml", "key: " + std::string{bad});
    EXPECT_THAT(f.problems(), HasSubstr("openssl rand")) << bad;
  }
}

TEST(Secrets, ProductionTakesRealOnes) {
  fixture f;
  f.from.environment = "production";
  f.dir.write("production.yaml",
              "key: 7vT0c1rEyBq4Fz8pLw2uXk9sHd3mJg5n\ndatabase_url: postgres://app:Zk81xTq@db/app\n");
  EXPECT_THAT(f.problems(), IsEmpty());
  f.dir.write("production.yaml", "database_url: postgres://app:changeme@db/app\n");
  EXPECT_THAT(f.problems(), HasSubstr("database_url: is a placeholder"));
  f.dir.write("production.yaml", "database_url: postgres://app:password@db/app\n");
  EXPECT_THAT(f.problems(), HasSubstr("database_url: is a placeholder"));
}

TEST(Secrets, ARuleOfItsOwnSaysHowLong) {
  EXPECT_EQ(placeholder_of("hF7#kQ2p", true, true), "");
  EXPECT_NE(placeholder_of("hF7#kQ2p", true, false), "");
  EXPECT_EQ(placeholder_of("smtp.example.com", false, false), "");
}

TEST(Nearest, FindsTyposAndNothingElse) {
  std::vector<std::string> const names{"port", "host", "max_body", "idle"};
  EXPECT_EQ(nearest("prot", names), "port");
  EXPECT_EQ(nearest("maxbody", names), "max_body");
  EXPECT_EQ(nearest("max-body", names), "max_body");
  EXPECT_EQ(nearest("database", names), "");
  EXPECT_EQ(nearest(std::string(10'000, 'x'), names), "");
  EXPECT_EQ(edit_distance("kitten", "sitting", 9), 3u);
  EXPECT_EQ(edit_distance("ab", "ba", 9), 1u);
}

TEST(Flags, AreTakenOutOfTheCommandLine) {
  std::vector<std::string> arguments{"serve",          "--set",        "http.port=1", "--verbose",
                                     "--http.idle=3s", "--set=name=x", "--log.level", "debug",
                                     "file.yaml",      "--",           "--a.b=c"};
  EXPECT_THAT(take_flags(arguments), ElementsAre("http.port=1", "http.idle=3s", "name=x", "log.level=debug"));
  EXPECT_THAT(arguments, ElementsAre("serve", "--verbose", "file.yaml", "--", "--a.b=c"));
  arguments = {"--http.port", "--verbose", "--set"};
  EXPECT_THAT(take_flags(arguments), ElementsAre("http.port"));
  EXPECT_THAT(arguments, ElementsAre("--verbose", "--set"));
  arguments = {"openapi", "--3.0"};
  EXPECT_THAT(take_flags(arguments), ElementsAre());
  EXPECT_THAT(arguments, ElementsAre("openapi", "--3.0"));
}

}  // namespace
}  // namespace slipway::config::test
