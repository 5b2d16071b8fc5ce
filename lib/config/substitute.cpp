#include <slipway/config/substitute.hpp>

#include <slipway/config/files.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace slipway::config {
namespace {

constexpr std::size_t most_secret_bytes = 65'536;

bool is_name(std::string_view text) noexcept {
  if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Expands what stands between ${ and }.
class expansion {
 public:
  expansion(node const& n, substitution& with, std::string_view key) : node_{n}, with_{with}, key_{key} {}
  bool referenced = false;

  std::optional<std::string> operator()(std::string_view inside) {
    if (inside.starts_with("file:")) return from_file(std::string{inside.substr(5)});
    if (inside.starts_with("env:")) {
      referenced = true;
      return from_variable(inside.substr(4), std::nullopt);
    }
    auto const colon = inside.find(":-");
    if (colon == std::string_view::npos) return from_variable(inside, std::nullopt);
    return from_variable(inside.substr(0, colon), inside.substr(colon + 2));
  }
  std::nullopt_t fail(std::string what) {
    with_.problems.push_back({node_.place.text(), std::string{key_}, std::move(what)});
    return std::nullopt;
  }

 private:
  std::optional<std::string> from_variable(std::string_view name, std::optional<std::string_view> otherwise) {
    if (!is_name(name))
      return fail(
          fmt::format("\"${{{}}}\" is no reference; use ${{NAME}}, ${{NAME:-default}}, ${{env:NAME}} or "
                      "${{file:path}}, and $${{ for a literal ${{",
                      name.substr(0, 100)));
    auto const found = with_.known.find(name);
    if (found != with_.known.end() && (!found->second.empty() || !otherwise)) return found->second;
    if (otherwise) return std::string{*otherwise};
    return fail(fmt::format("the environment variable {0} is not set; set it, or write ${{{0}:-default}}", name));
  }

  std::optional<std::string> from_file(std::string const& path) {
    if (path.empty()) return fail("${file:} names no file");
    if (path.find('\0') != std::string::npos) return fail("a file's name must not hold a NUL character");
    referenced = true;
    with_.files.push_back(path);
    auto text = read_file(path, most_secret_bytes);
    if (!text)
      return fail(fmt::format("the file {} {}; make it readable for this user or change the reference", path,
                              text.error().message));
    if (text->find('\0') != std::string::npos) return fail(fmt::format("the file {} is not text", path));
    // Editors and `echo` end a file with a line break that is no part of the secret.
    if (text->ends_with('\n')) text->pop_back();
    if (text->ends_with('\r')) text->pop_back();
    return std::move(*text);
  }

  node const& node_;
  substitution& with_;
  std::string_view key_;
};

bool is_whole_reference(std::string_view text) noexcept {
  return (text.starts_with("${file:") || text.starts_with("${env:")) && text.find('}') == text.size() - 1;
}

}  // namespace

bool substitute(node& n, substitution& with, bool whole_only, std::string_view key) {
  if (n.what != node::shape::scalar || n.text.find("${") == std::string::npos) return true;
  if (whole_only && !is_whole_reference(n.text)) return true;
  expansion expand{n, with, key};
  std::string out;
  std::string_view rest = n.text;
  while (true) {
    auto const open = rest.find("${");
    if (open == std::string_view::npos) break;
    if (open > 0 && rest[open - 1] == '$') {  // $${ stands for ${
      out.append(rest.substr(0, open - 1)).append("${");
      rest.remove_prefix(open + 2);
      continue;
    }
    out.append(rest.substr(0, open));
    auto const close = rest.find('}', open);
    if (close == std::string_view::npos) {
      expand.fail("a ${ without its }; write $${ for a literal ${");
      return false;
    }
    auto const value = expand(rest.substr(open + 2, close - open - 2));
    if (!value) return false;
    out.append(*value);
    if (out.size() > most_file_bytes) {
      expand.fail(fmt::format("the value is longer than {} bytes", most_file_bytes));
      return false;
    }
    rest.remove_prefix(close + 1);
    n.splits = true;
  }
  out.append(rest);
  n.text = std::move(out);
  n.referenced = n.referenced || expand.referenced;
  return true;
}

void substitute_all(node& n, substitution& with, bool whole_only, std::string const& key) {
  // A value that cannot be had says nothing; its problem is on the list.
  if (!substitute(n, with, whole_only, key)) n = {.what = node::shape::scalar, .place = n.place, .failed = true};
  for (auto& e : n.entries) substitute_all(e.value, with, whole_only, join(key, e.key));
  for (auto& item : n.items) substitute_all(item, with, whole_only, key);
}

}  // namespace slipway::config
