#include <slipway/api/openapi.hpp>

#include <slipway/api/problem.hpp>
#include <slipway/core/ascii.hpp>
#include <slipway/core/time.hpp>
#include <slipway/json/object_writer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <set>

namespace slipway::api {

// The error body as the document describes it; problem.cpp writes it.
struct problem_field {
  std::string pointer;
  std::string code;
  std::string message;
  change<std::int64_t> line;
};
BOOST_DESCRIBE_STRUCT(problem_field, (), (pointer, code, message, line))
struct problem_details {
  std::string type;
  std::string title;
  int status = 0;
  std::string code;
  change<std::string> detail;
  change<std::string> correlation_id;
  change<std::vector<problem_field>> errors;
};
BOOST_DESCRIBE_STRUCT(problem_details, (), (type, title, status, code, detail, correlation_id, errors))

}  // namespace slipway::api

template <>
inline constexpr auto slipway::rules_of<slipway::api::problem_field> = slipway::rules(
    field(&slipway::api::problem_field::pointer)
        .help("A JSON pointer into the body or line, or a parameter's name")
        .example(R"("/title")"),
    field(&slipway::api::problem_field::code).help("Stable, for programs").example(R"("too_long")"),
    field(&slipway::api::problem_field::message).help("For people").example(R"("must have at most 200 characters")"),
    field(&slipway::api::problem_field::line)
        .minimum(1)
        .maximum(json::max_exact_integer)
        .help("Of a file that is read line by line")
        .example("3"));
template <>
inline constexpr auto slipway::rules_of<slipway::api::problem_details> = slipway::rules(
    field(&slipway::api::problem_details::type)
        .help("Always about:blank: `code` says what it is")
        .example(R"("about:blank")"),
    field(&slipway::api::problem_details::title).example(R"("Precondition Required")"),
    field(&slipway::api::problem_details::status)
        .minimum(400)
        .maximum(599)
        .help("The HTTP status again")
        .example("428"),
    field(&slipway::api::problem_details::code).help("Stable, for programs").example(R"("precondition_required")"),
    field(&slipway::api::problem_details::detail)
        .help("For people")
        .example(R"("Send If-Match with the ETag of the version that you have seen.")"),
    field(&slipway::api::problem_details::correlation_id)
        .help("Name this when you ask for help")
        .example(R"("5f0c2e7a91b4d638")"),
    field(&slipway::api::problem_details::errors).help("Every wrong field"));

namespace slipway::api {
namespace {

constexpr std::string_view bearer = "bearer";

std::string_view place_name(place p) {
  switch (p) {
    case place::path: return "path";
    case place::query: return "query";
    case place::header: return "header";
    case place::cookie: return "cookie";
  }
  return {};
}

class document {
 public:
  document(document_info const& info, json::flavour flavour) : info_{info}, flavour_{flavour}, schemas_{flavour} {}

  std::string write(std::span<std::shared_ptr<operation const> const> operations) {
    {
      json::object_writer root{out_};
      root.add("openapi", flavour_ == json::flavour::openapi_3_1 ? "3.1.0" : "3.0.3");
      write_info(root);
      write_tags(root, operations);
      write_paths(root, operations);
      write_components(root);
    }
    return out_.text();
  }

 private:
  void write_info(json::object_writer& root) {
    {
      auto info = root.object("info");
      info.add("title", info_.title).add("version", info_.version).add("description", info_.description);
      auto license = info.object("license");
      license.add("name", info_.license);
      if (flavour_ == json::flavour::openapi_3_1)
        license.add("identifier", info_.license);
      else
        license.add("url", fmt::format("https://spdx.org/licenses/{}.html", info_.license));
    }
    auto servers = root.array("servers");
    for (auto const& url : info_.servers) servers.object().add("url", url);
  }

  static void write_tags(json::object_writer& root, std::span<std::shared_ptr<operation const> const> operations) {
    std::set<std::string_view> names;
    for (auto const& op : operations)
      if (!op->hidden && !op->tag.empty()) names.insert(op->tag);
    auto tags = root.array("tags");
    for (auto name : names)
      tags.object().add("name", name).add("description", fmt::format("Everything about {}", name));
  }

  void write_paths(json::object_writer& root, std::span<std::shared_ptr<operation const> const> operations) {
    std::map<std::string_view, std::vector<operation const*>> by_path;
    for (auto const& op : operations)
      if (!op->hidden) by_path[op->pattern].push_back(op.get());
    auto paths = root.object("paths");
    for (auto const& [pattern, ops] : by_path) {
      auto item = paths.object(pattern);
      for (auto const* op : ops) {
        auto o = item.object(ascii_lowered(http::to_string(op->verb)));
        write_operation(o, *op);
      }
    }
  }

  void write_operation(json::object_writer& o, operation const& op) {
    o.add("operationId", op.name).add("summary", op.summary);
    if (auto const text = description_of(op); !text.empty()) o.add("description", text);
    if (!op.tag.empty()) o.array("tags").add(op.tag);
    if (op.deprecated) o.add("deprecated", true);
    if (op.limit.count > 0)
      o.object("x-rate-limit").add("count", op.limit.count).add("window_seconds", op.limit.window.count());
    {
      auto security = o.array("security");
      if (op.who.who != access::level::everyone) security.object().array(bearer);
    }
    write_parameters(o, op);
    if (op.body != nullptr) {
      auto body = o.object("requestBody");
      body.add("required", true);
      schemas_.write_reference(body.object("content").object(op.body_media_type).key("schema"), *op.body);
    }
    if (!op.file_part.empty()) write_form(o, op);
    write_answers(o, op);
  }

  void write_form(json::object_writer& o, operation const& op) const {
    auto body = o.object("requestBody");
    body.add("required", true);
    auto content = body.object("content");
    auto form = content.object("multipart/form-data");
    auto schema = form.object("schema");
    schema.add("type", "object");
    schema.array("required").add(op.file_part);
    auto parts = schema.object("properties");
    auto file = parts.object(op.file_part);
    file.add("type", "string");
    if (flavour_ == json::flavour::openapi_3_1)
      file.add("contentMediaType", "application/octet-stream");
    else
      file.add("format", "binary");
  }

  static std::string description_of(operation const& op) {
    auto text = op.description;
    auto const say = [&](std::string const& sentence) { text += (text.empty() ? "" : "\n\n") + sentence; };
    if (op.who.who == access::level::everyone) say("Open to everyone.");
    if (op.who.who == access::level::signed_in) say("For whoever is signed in.");
    if (op.who.who == access::level::permission) say(fmt::format("Needs the permission `{}`.", op.who.permission_name));
    if (op.limit.count > 0)
      say(fmt::format("At most {} requests in {} from one address.", op.limit.count, format_duration(op.limit.window)));
    if (op.deprecated) {
      std::string sentence = "Deprecated";
      if (op.sunset != std::chrono::sys_days{})
        sentence += fmt::format("; goes on {}", to_rfc3339(op.sunset).substr(0, 10));
      if (!op.successor.empty()) sentence += fmt::format("; use `{}`", op.successor);
      say(sentence + ".");
    }
    return text;
  }

  // OpenAPI passes over parameters of these names: the media types of the answer and `security` say it.
  static bool is_said_elsewhere(parameter const& p) {
    return p.in == place::header &&
           std::ranges::any_of(std::initializer_list<std::string_view>{"Accept", "Content-Type", "Authorization"},
                               [&p](std::string_view name) { return equal_in_any_case(name, p.name); });
  }

  // The first members of what is answered, as ?fields= takes them.
  static std::string example_of_fields(operation const& op) {
    auto const* t = op.answer;
    if (t != nullptr && op.is_page) t = t->find("items")->of->element;
    std::string names;
    if (t != nullptr)
      for (auto const& m : t->members | std::views::take(2)) names += (names.empty() ? "" : ",") + std::string{m.name};
    return names.empty() ? "" : '"' + names + '"';
  }

  void write_parameters(json::object_writer& o, operation const& op) {
    auto parameters = op.parameters;
    auto const fields = op.sparse ? example_of_fields(op) : std::string{};
    if (op.idempotency_key)
      parameters.push_back({"Idempotency-Key", place::header, &meta::describe<std::string>, false,
                            "Sent again with the same body, the same key gets the first answer again", nullptr,
                            R"("7f3d9c52-1b64-4a0e-8d2f-5c9e6b1a7043")"});
    if (op.sparse)
      parameters.push_back({"fields", place::query, &meta::describe<std::string>, false,
                            "The members to answer with, separated by commas; dots for members of members. The others "
                            "are left out, also those that the schema requires",
                            nullptr, fields});
    std::erase_if(parameters, is_said_elsewhere);
    if (parameters.empty()) return;
    auto list = o.array("parameters");
    for (auto const& p : parameters) {
      auto item = list.object();
      item.add("name", p.name).add("in", place_name(p.in)).add("required", p.required || p.in == place::path);
      if (!p.help.empty()) item.add("description", p.help);
      if (p.about != nullptr)
        schemas_.write_member(item.key("schema"), *p.of, *p.about, p.initial);
      else
        schemas_.write_reference(item.key("schema"), *p.of);
      if (!p.example.empty()) item.add_raw("example", p.example);
    }
  }

  void write_answers(json::object_writer& o, operation const& op) {
    std::map<int, std::vector<std::string_view>> codes;
    for (auto const& f : all_faults(op)) codes[status_of(f.kind)].push_back(f.code);
    codes[500].push_back("internal_error");
    for (auto status : op.other_statuses) codes.try_emplace(status);
    auto answers = o.object("responses");
    {
      auto good = answers.object(fmt::format("{}", op.success));
      good.add("description", op.success_description);
      auto headers = op.answer_headers;
      if (op.idempotency_key) headers.push_back("Idempotent-Replayed");
      write_headers(good, headers);
      if (op.answer != nullptr)
        schemas_.write_reference(good.object("content").object(op.answer_media_type).key("schema"), *op.answer);
      else if (op.success != 204) {
        auto content = good.object("content");
        content.object(op.answer_media_type);
        for (auto const& type : op.other_media_types) content.object(type);
      }
    }
    if (op.conditional && op.verb == http::method::get)
      answers.object("304").add("description", "The client's copy is still good");
    for (auto const& [status, names] : codes) {
      auto bad = answers.object(fmt::format("{}", status));
      bad.add("description",
              fmt::format("{}{}{}", http::reason_phrase(status), names.empty() ? "" : ": ", fmt::join(names, ", ")));
      if (status == 401) write_headers(bad, {"WWW-Authenticate"});
      if (status == 429 || status == 503) write_headers(bad, {"Retry-After"});
      auto content = bad.object("content");
      if (op.answer != nullptr && std::ranges::find(op.other_statuses, status) != op.other_statuses.end())
        schemas_.write_reference(content.object(op.answer_media_type).key("schema"), *op.answer);
      schemas_.write_reference(content.object("application/problem+json").key("schema"),
                               meta::describe<problem_details>);
    }
  }

  static void write_headers(json::object_writer& answer, std::vector<std::string> const& names) {
    if (names.empty()) return;
    auto headers = answer.object("headers");
    for (auto const& name : names) headers.object(name).object("schema").add("type", "string");
  }

  void write_components(json::object_writer& root) {
    auto components = root.object("components");
    schemas_.write_components(components.key("schemas"));
    components.object("securitySchemes")
        .object(bearer)
        .add("type", "http")
        .add("scheme", "bearer")
        .add("bearerFormat", "JWT")
        .add("description", "The access token from logging in");
  }

  document_info const& info_;
  json::flavour flavour_;
  json::schema_set schemas_;
  json::buffer out_;
};

}  // namespace

std::string openapi(std::span<std::shared_ptr<operation const> const> operations, document_info const& info,
                    json::flavour flavour) {
  return document{info, flavour}.write(operations);
}

}  // namespace slipway::api
