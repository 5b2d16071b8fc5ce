#include <slipway/api/router.hpp>

#include <slipway/core/ascii.hpp>
#include <slipway/json/value.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace slipway::api {
namespace {

// "get_v1_notes_id" for GET /v1/notes/{id}.
std::string default_name(http::method verb, std::string_view pattern) {
  auto out = ascii_lowered(http::to_string(verb));
  for (char c : pattern) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      out += c;
    else if (out.back() != '_')
      out += '_';
  }
  while (out.back() == '_') out.pop_back();
  return out;
}

// "notes" for /v1/notes/{id}: what comes after the version.
std::string default_tag(std::string_view pattern) {
  while (pattern.starts_with('/')) {
    pattern.remove_prefix(1);
    auto const segment = pattern.substr(0, pattern.find('/'));
    bool const version = segment.size() > 1 && segment[0] == 'v' &&
                         std::ranges::all_of(segment.substr(1), [](unsigned char c) { return std::isdigit(c) != 0; });
    if (!version) return std::string{segment};
    pattern.remove_prefix(segment.size());
  }
  return {};
}

std::string text_of(operation const& op) { return fmt::format("{} {}", http::to_string(op.verb), op.pattern); }

std::vector<std::string> names_in(std::string_view pattern) {
  std::vector<std::string> names;
  for (auto open = pattern.find('{'); open != std::string_view::npos; open = pattern.find('{', open + 1)) {
    auto const close = pattern.find('}', open);
    auto name = pattern.substr(open + 1, close - open - 1);
    if (name.starts_with('*')) name.remove_prefix(1);
    names.emplace_back(name);
  }
  return names;
}

// A file is read while it comes, so nobody knows whether it is the same once more. Who counts on that is told that he
// cannot, before it is all there twice.
task<> without_idempotency_key(http::exchange& x, http::handler const& inner) {
  if (x.request.header("Idempotency-Key").data() != nullptr)
    write_problem(x, 400, "idempotency_key_not_taken",
                  "Uploads take no Idempotency-Key: send it without, and where the answer was lost, look before you "
                  "send it again.");
  else
    co_await inner(x);
}

}  // namespace

std::shared_ptr<operation> router::begin(http::method verb, std::string_view pattern, route_options const& o) {
  auto op = std::make_shared<operation>();
  op->verb = verb;
  op->pattern = pattern;
  op->name = o.name.empty() ? default_name(verb, pattern) : std::string{o.name};
  op->summary = o.summary;
  op->description = o.description;
  op->tag = o.tag.empty() ? default_tag(pattern) : std::string{o.tag};
  op->who = o.access;
  op->limit = o.limit;
  op->unlimited = o.unlimited;
  op->faults = o.faults;
  op->idempotency_key = o.idempotency_key;
  op->sparse = o.sparse;
  op->conditional = o.conditional;
  op->hidden = o.hidden;
  op->deprecated = o.deprecated_since != std::chrono::sys_days{};
  op->deprecated_since = o.deprecated_since;
  op->sunset = o.sunset;
  op->successor = o.successor;
  op->answer_media_type = o.answer_media_type;
  op->other_media_types.assign(o.other_media_types.begin(), o.other_media_types.end());
  return op;
}

void router::finish(std::shared_ptr<operation> op, route_options const& o, bool wants_scope, http::handler handle) {
  auto const refuse = [&](std::string_view why) { throw std::logic_error{fmt::format("{}: {}", text_of(*op), why)}; };
  if (op->who.who == access::level::unsaid)
    refuse("the route does not say who may call it; add .access = everyone, signed_in or needs(...)");
  if (wants_scope && op->who.who == access::level::everyone)
    refuse("the handler takes a scope, but the route is for everyone; use std::optional<scope> or .access = signed_in");
  if (op->idempotency_key && idempotency_ == nullptr)
    refuse("the route takes Idempotency-Key, but the router was made without a store for the keys");
  if (op->unlimited && op->limit.count > 0) refuse("the route has a limit, and says that it is unlimited; keep one");
  auto const names = names_in(op->pattern);
  std::size_t taken = 0;
  for (auto& p : op->parameters)
    if (p.in == place::path) {
      if (taken < names.size()) p.name = names[taken];
      ++taken;
    }
  if (taken != names.size())
    refuse(fmt::format("the pattern has {} parameters and the handler takes {}", names.size(), taken));
  for (auto const& [name, text] : o.examples) {
    auto const which = std::ranges::find(op->parameters, name, &parameter::name);
    if (which == op->parameters.end() || !json::parse(text))
      refuse(fmt::format("{} is no parameter of the handler, or its example is not JSON: {}", name, text));
    which->example = text;
  }
  for (auto const& other : operations_)
    if (other->name == op->name)
      refuse(fmt::format("the operation's name {} is taken by {}", op->name, text_of(*other)));

  if (!op->file_part.empty() && !op->idempotency_key)
    handle = [inner = std::move(handle)](http::exchange& x) { return without_idempotency_key(x, inner); };
  // Beside other parameters of the query it is looked at together with them.
  bool const has_query = std::ranges::any_of(op->parameters, [](parameter const& p) { return p.in == place::query; });
  if (op->sparse && !has_query)
    handle = [about = op.get(), inner = std::move(handle)](http::exchange& x) {
      return detail::with_fields(x, *about, inner);
    };

  http::route r{.verb = op->verb, .pattern = op->pattern, .handle = std::move(handle)};
  if (op->idempotency_key) r.layers.push_back(idempotency_);
  r.body_limit = o.body_limit;
  r.streams_body = o.streams_body || !op->file_part.empty();
  r.time_limit = o.time_limit;
  r.about = op;
  table_.add(std::move(r));
  operations_.push_back(std::move(op));
}

void router::raw(http::method verb, std::string_view pattern, http::handler handle, route_options const& o) {
  auto op = begin(verb, pattern, o);
  for (auto const& name : names_in(pattern))
    op->parameters.push_back({name, place::path, &meta::describe<std::string>, true, {}});
  finish(std::move(op), o, false, std::move(handle));
}

}  // namespace slipway::api
