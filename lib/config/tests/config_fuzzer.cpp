// The first byte chooses a source, the rest is what it says: a YAML file, .env, a variable, a flag. No input may
// crash, hang, leak or be taken without being understood.
#include "support.hpp"

#include <slipway/config/bind.hpp>
#include <slipway/config/dotenv.hpp>
#include <slipway/config/overlay.hpp>
#include <slipway/config/reference.hpp>
#include <slipway/config/rules.hpp>
#include <slipway/config/substitute.hpp>
#include <slipway/config/yaml.hpp>

#include <cstdint>
#include <cstdlib>

namespace {

using namespace slipway;
using namespace slipway::config;

// Nothing outside: a reference to a file must not make the fuzzer read one.
bool refers_to_file(std::string_view text) { return text.find("file:") != std::string_view::npos; }

void load_tree(node tree, std::vector<problem>& problems) {
  provenance came;
  variables const known{{"A", "1"}, {"EMPTY", ""}, {"LIST", "a,b"}};
  substitution with{known, problems, came.referenced_files};
  substitute_all(tree, with, false);
  test::settings value;
  binding in{meta::describe<test::settings>, problems, came, {}, {}};
  bind(in, tree, &value);
  check_rules(in, &value, "P_");
  check_secrets(in, &value);
  // What is in force can be shown, whatever it is.
  if (show(meta::describe<test::settings>, &value, came).empty()) std::abort();
  if (!problems.empty() && to_text(problems).empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0 || size > 65'536) return 0;
  std::string const text{reinterpret_cast<char const*>(data + 1), size - 1};
  if (refers_to_file(text)) return 0;
  std::vector<problem> problems;
  auto const& type = meta::describe<test::settings>;
  switch (data[0] % 4) {
    case 0:
      if (auto tree = parse_yaml(text, "f.yaml", problems))
        load_tree(std::move(*tree), problems);
      else if (problems.empty())
        std::abort();
      break;
    case 1: {
      sources from;
      from.prefix = "P_";
      variables known;
      for (auto const& [name, value] : parse_dotenv(text, ".env", problems)) known.emplace("P_" + name, value.text);
      load_tree(from_variables(
                    type, from, known, [](std::string const& name) { return place{name, 0, 0}; }, problems),
                problems);
      break;
    }
    case 2: load_tree(from_flags(type, {text}, problems), problems); break;
    default:
      load_tree(node{.what = node::shape::map, .entries = {{"name", {}, {.what = node::shape::scalar, .text = text}}}},
                problems);
      break;
  }
  return 0;
}
