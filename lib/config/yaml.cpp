#include <slipway/config/yaml.hpp>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace slipway::config {
namespace {

// Too much of it: the message goes to the user.
struct refused : std::runtime_error {
  YAML::Mark mark;
  refused(YAML::Mark const& at, std::string const& what) : std::runtime_error{what}, mark{at} {}
};

// Builds the tree from the parser's events. An open map or list waits on the stack for its children.
class builder final : public YAML::EventHandler {
 public:
  builder(std::string const& source, std::vector<problem>& problems) : source_{source}, problems_{problems} {}

  node take() { return std::move(root_); }
  bool has_content() const noexcept { return has_content_; }

  void OnDocumentStart(YAML::Mark const&) override {}
  void OnDocumentEnd() override {}
  void OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) override {
    leaf({.what = node::shape::null, .place = at(mark)}, mark, anchor);
  }
  void OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                std::string const& text) override {
    if (text.find('\0') != std::string::npos) throw refused{mark, "a text must not hold a NUL character"};
    // The library reports a plain ~ or null as a scalar when it stands in a map.
    auto const is_null = tag == "?" && (text == "~" || text == "null" || text.empty());
    leaf({.what = is_null ? node::shape::null : node::shape::scalar, .text = is_null ? "" : text, .place = at(mark)},
         mark, anchor);
  }
  void OnAlias(YAML::Mark const& mark, YAML::anchor_t anchor) override {
    auto const found = anchors_.find(anchor);
    if (found == anchors_.end()) throw refused{mark, "an alias must come after the anchor that it names is complete"};
    count(mark, found->second.size);
    put(found->second.value);
  }
  void OnSequenceStart(YAML::Mark const& mark, std::string const&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(node::shape::list, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(YAML::Mark const& mark, std::string const&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(node::shape::map, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct pending {
    node value;
    YAML::anchor_t anchor;
    std::size_t nodes_before;
    bool has_key = false;
    std::string key;
    place key_place;
  };
  struct anchored {
    node value;
    std::size_t size;
  };

  place at(YAML::Mark const& mark) const { return {source_, mark.line + 1, mark.column + 1}; }

  void count(YAML::Mark const& mark, std::size_t more) {
    nodes_ += more;
    if (nodes_ > most_nodes) throw refused{mark, fmt::format("more than {} values", most_nodes)};
  }
  void leaf(node n, YAML::Mark const& mark, YAML::anchor_t anchor) {
    count(mark, 1);
    if (anchor != 0) anchors_.insert_or_assign(anchor, anchored{n, 1});
    put(std::move(n));
  }
  void open(node::shape what, YAML::Mark const& mark, YAML::anchor_t anchor) {
    count(mark, 1);
    if (stack_.size() >= most_depth) throw refused{mark, fmt::format("more than {} levels", most_depth)};
    stack_.push_back({.value = {.what = what, .place = at(mark)}, .anchor = anchor, .nodes_before = nodes_ - 1});
  }
  void close() {
    auto done = std::move(stack_.back());
    stack_.pop_back();
    if (done.anchor != 0) anchors_.insert_or_assign(done.anchor, anchored{done.value, nodes_ - done.nodes_before});
    put(std::move(done.value));
  }

  void put(node n) {
    has_content_ = true;
    if (stack_.empty()) {
      root_ = std::move(n);
      return;
    }
    auto& parent = stack_.back();
    if (parent.value.what == node::shape::list) {
      parent.value.items.push_back(std::move(n));
      return;
    }
    if (!parent.has_key) {
      if (n.what != node::shape::scalar) problems_.push_back({n.place.text(), "", "a key must be a plain name"});
      parent.has_key = true;
      parent.key = n.text;
      parent.key_place = n.place;
      return;
    }
    parent.has_key = false;
    if (auto const* const first = parent.value.find(parent.key)) {
      problems_.push_back({parent.key_place.text(), "",
                           fmt::format("the key \"{}\" stands here twice; its first value is at line {}",
                                       parent.key.substr(0, 100), first->place.line)});
      return;
    }
    parent.value.entries.push_back({std::move(parent.key), std::move(parent.key_place), std::move(n)});
  }

  std::string const& source_;
  std::vector<problem>& problems_;
  node root_;
  bool has_content_ = false;
  std::size_t nodes_ = 0;
  std::vector<pending> stack_;
  std::map<YAML::anchor_t, anchored> anchors_;
};

}  // namespace

std::optional<node> parse_yaml(std::string_view text, std::string const& source, std::vector<problem>& problems) {
  auto const fail = [&](YAML::Mark const& mark, std::string const& why) {
    place const where{source, std::max(mark.line + 1, 0), std::max(mark.column + 1, 0)};
    problems.push_back({where.text(), "", "not valid YAML: " + why});
    return std::nullopt;
  };
  if (text.size() > most_file_bytes) {
    problems.push_back({source, "", fmt::format("larger than {} bytes", most_file_bytes)});
    return std::nullopt;
  }
  try {
    std::istringstream in{std::string{text}};
    YAML::Parser parser{in};
    builder tree{source, problems};
    if (parser.HandleNextDocument(tree)) {
      builder rest{source, problems};
      if (parser.HandleNextDocument(rest)) {
        problems.push_back({source, "", "more than one YAML document; remove the line with ---"});
        return std::nullopt;
      }
    }
    auto root = tree.take();
    if (!tree.has_content() || root.what == node::shape::null)
      return node{.what = node::shape::map, .place = {source, 0, 0}};
    return root;
  } catch (refused const& e) {
    return fail(e.mark, e.what());
  } catch (YAML::Exception const& e) {
    return fail(e.mark, e.msg);
  } catch (std::bad_alloc const&) {
    throw;
  } catch (std::exception const& e) {
    // What the library lets through of its own accord: out_of_range, invalid_argument.
    return fail({}, e.what());
  }
}

}  // namespace slipway::config
