// The published attack vectors of Project Wycheproof for JSON Web Signatures and Keys. They are not part of this
// repository: SLIPWAY_CORPORA names the directory that holds wycheproof-jose/.
#include <slipway/auth/jws.hpp>

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace slipway::auth {
namespace {

namespace dom = simdjson::dom;

std::optional<std::filesystem::path> vectors(char const* name) {
  auto const* root = std::getenv("SLIPWAY_CORPORA");
  if (root == nullptr) return std::nullopt;
  auto path = std::filesystem::path{root} / "wycheproof-jose" / "testvectors_v1" / name;
  return std::filesystem::exists(path) ? std::optional{path} : std::nullopt;
}

// What we do not implement may be valid; it must be refused like everything else that we do not know.
bool is_of_another_algorithm(dom::element const& key) {
  std::string_view alg;
  if (key["alg"].get(alg) != simdjson::SUCCESS) return false;
  return !algorithm_from(alg);
}

// Four signature vectors contradict the others or the RFC, and are held to the RFC instead:
// 367 and 370 are called invalid, and are byte for byte the token of 357, which is valid;
// 372 and 373 are called valid, and have a '?' within base64url (RFC 7515, section 2, has no such character).
std::optional<bool> by_the_rfc(std::int64_t id) {
  if (id == 367 || id == 370) return true;
  if (id == 372 || id == 373) return false;
  return std::nullopt;
}

struct tally {
  int valid = 0, invalid = 0, foreign = 0;
};

void expect(dom::element const& test, result<key_set> const& keys, bool foreign, tally& counts,
            std::optional<bool> instead = std::nullopt) {
  auto const id = std::to_string(std::int64_t(test["tcId"])) + " " + std::string{std::string_view(test["comment"])};
  auto const token = std::string_view(test["jws"]);
  auto const accepted = keys.has_value() && verify_jws(token, *keys).has_value();
  auto const valid = instead.value_or(std::string_view(test["result"]) == "valid");
  if (foreign) {
    ++counts.foreign;
    EXPECT_FALSE(accepted) << id;
  } else {
    ++(valid ? counts.valid : counts.invalid);
    EXPECT_EQ(accepted, valid) << id << ": " << token << (keys ? "" : " " + keys.error().more().internal);
  }
}

TEST(wycheproof, json_web_signatures) {
  auto const path = vectors("json_web_signature_test.json");
  if (!path)
    GTEST_SKIP()
        << "SKIPPED: set SLIPWAY_CORPORA to the directory that holds wycheproof-jose to run the Wycheproof vectors";
  dom::parser parser;
  dom::element root = parser.load(path->string());
  tally counts;
  for (dom::element group : root["testGroups"]) {
    dom::element jwk;
    if (group["public"].get(jwk) != simdjson::SUCCESS) jwk = group["private"];
    auto const keys = key_set::from_jwks(R"({"keys":[)" + simdjson::minify(jwk) + "]}");
    for (dom::element test : group["tests"])
      expect(test, keys, is_of_another_algorithm(jwk), counts, by_the_rfc(test["tcId"]));
  }
  RecordProperty("valid", counts.valid);
  RecordProperty("invalid", counts.invalid);
  RecordProperty("foreign", counts.foreign);
  EXPECT_EQ(counts.valid + counts.invalid + counts.foreign, std::int64_t(root["numberOfTests"]));
  EXPECT_GE(counts.valid, 18);
  EXPECT_GE(counts.invalid, 290);
}

TEST(wycheproof, json_web_keys) {
  auto const path = vectors("json_web_key_test.json");
  if (!path)
    GTEST_SKIP()
        << "SKIPPED: set SLIPWAY_CORPORA to the directory that holds wycheproof-jose to run the Wycheproof vectors";
  dom::parser parser;
  dom::element root = parser.load(path->string());
  tally counts;
  for (dom::element group : root["testGroups"]) {
    dom::element set;
    if (group["public"].get(set) != simdjson::SUCCESS) set = group["private"];
    auto const keys = key_set::from_jwks(simdjson::minify(set));
    bool foreign = false;
    for (dom::element jwk : set["keys"]) foreign = foreign || is_of_another_algorithm(jwk);
    for (dom::element test : group["tests"]) expect(test, keys, foreign, counts);
  }
  RecordProperty("valid", counts.valid);
  RecordProperty("invalid", counts.invalid);
  RecordProperty("foreign", counts.foreign);
  EXPECT_GE(counts.valid, 3);
  EXPECT_GE(counts.invalid, 12);
}

}  // namespace
}  // namespace slipway::auth
