#include <slipway/s3/bucket.hpp>

#include <slipway/core/ascii.hpp>
#include <slipway/core/encoding.hpp>
#include <slipway/core/time.hpp>
#include <slipway/s3/signature.hpp>
#include <slipway/s3/xml.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace slipway::s3 {
namespace {

using http_client::request;
using http_client::response;

std::string escaped(std::string_view text) {
  std::string out;
  for (char const c : text) out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string{c};
  return out;
}

std::uint64_t number_in(std::string_view text) noexcept {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

struct content_range {
  std::uint64_t first = 0, last = 0, size = 0;
};

// Of "bytes 0-9/443" (RFC 9110, section 14.4).
std::optional<content_range> range_in(std::string_view text) noexcept {
  constexpr std::string_view unit = "bytes ";
  if (!text.starts_with(unit)) return std::nullopt;
  text.remove_prefix(unit.size());
  content_range out;
  auto const take = [&text](std::uint64_t& number, std::string_view end) {
    auto const [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(at - text.data()));
    if (!text.starts_with(end)) return false;
    text.remove_prefix(end.size());
    return true;
  };
  if (!take(out.first, "-") || !take(out.last, "/") || !take(out.size, {}) || !text.empty()) return std::nullopt;
  return out;
}

// The size of the whole object. What is not told from the piece that was asked for would end an object too early, or put
// it together wrongly.
std::optional<std::uint64_t> size_when_asked_for(response const& a, std::uint64_t offset, std::size_t count) noexcept {
  auto const range = range_in(a.header("content-range"));
  if (!range || range->first != offset || range->last >= range->size || a.body.empty() || a.body.size() > count ||
      range->last - offset != a.body.size() - 1)
    return std::nullopt;
  return range->size;
}

// The Host header leaves the scheme's own port out.
std::string host_as_sent(std::string_view scheme, std::string host) {
  host = ascii_lowered(host);
  std::string_view const own = scheme == "https://" ? ":443" : ":80";
  if (host.ends_with(own)) host.resize(host.size() - own.size());
  return host;
}

class s3_bucket final : public bucket {
 public:
  s3_bucket(http_client::client& http, settings const& s, std::string const& name, clock_source const& clock)
      : http_{http},
        clock_{clock},
        who_{.region = s.region,
             .access_key = s.access_key,
             .secret_key = s.secret_key,
             .session_token = s.session_token} {
    auto const endpoint = s.endpoint.empty() ? fmt::format("https://s3.{}.amazonaws.com", s.region) : s.endpoint;
    auto const split = endpoint.find("://") + 3;
    scheme_ = endpoint.substr(0, split);
    host_ = host_as_sent(scheme_, endpoint.substr(split));
    if (s.path_style)
      root_ = "/" + name;
    else
      host_ = name + "." + host_;
    where_ = fmt::format("s3://{} at {}", name, endpoint);
  }
  std::string const& where() const noexcept override { return where_; }

  task<> put(std::string key, std::string body) override {
    auto const a = co_await http_.send(of("PUT", key, {}, std::move(body)));
    if (!a.ok()) throw explain(a, "take " + key, where_);
  }

  task<std::optional<piece>> get(std::string key, std::uint64_t offset, std::size_t count, std::string etag) override {
    count = std::min(count, most_read);
    std::vector<http_client::header> headers{{"Range", fmt::format("bytes={}-{}", offset, offset + count - 1)}};
    if (!etag.empty()) headers.push_back({"If-Match", etag});
    auto a = co_await http_.send(of("GET", key, {}, {}, std::move(headers)));
    auto const what = "give " + key;
    piece out{.bytes = {}, .size = offset, .etag = std::string{a.header("etag")}};
    if (a.status == 416) co_return out;
    if (a.status == 404) {
      auto gone = explain(a, what, where_);
      if (gone.code() == "NoSuchKey") co_return std::nullopt;
      throw gone;
    }
    // A store that does not know ranges gives the whole, which is fine at the beginning.
    if (a.status != 206 && !(a.status == 200 && offset == 0)) throw explain(a, what, where_);
    auto const size = a.status == 206 ? size_when_asked_for(a, offset, count) : a.body.size();
    if (!size)
      throw error{206,
                  {},
                  exit_code::unavailable,
                  fmt::format("{} gave another piece of {} than the one that was asked for: is something in between "
                              "that changes answers?",
                              where_, key)};
    out.size = *size;
    out.bytes = std::move(a.body);
    co_return out;
  }

  task<listing> list(std::string prefix, bool by_folder, std::string from, unsigned most) override {
    query asked{{"list-type", "2"}, {"max-keys", std::to_string(most)}, {"prefix", prefix}};
    if (by_folder) asked.emplace_back("delimiter", "/");
    if (!from.empty()) asked.emplace_back("continuation-token", from);
    auto const a = co_await http_.send(of("GET", {}, asked));
    auto const body = a.ok() ? parse_xml(a.body) : std::nullopt;
    if (!body || body->name != "ListBucketResult") throw explain(a, "list what it has", where_);
    listing out;
    for (auto const& c : body->children) {
      if (c.name == "CommonPrefixes") out.folders.emplace_back(c.value("Prefix"));
      if (c.name != "Contents") continue;
      // What is of an unknown age is not old.
      auto const changed = from_rfc3339(c.value("LastModified")).value_or(time_point::max());
      out.objects.push_back(
          {.key = std::string{c.value("Key")}, .size = number_in(c.value("Size")), .changed = changed});
    }
    if (body->value("IsTruncated") == "true") out.next = body->value("NextContinuationToken");
    if (body->value("IsTruncated") == "true" && (out.next.empty() || out.next == from))
      throw error{
          a.status, {}, exit_code::unavailable, where_ + " does not say where the next page of its list begins"};
    co_return out;
  }

  task<> remove(std::string key) override {
    auto const a = co_await http_.send(of("DELETE", key));
    if (!a.ok() && a.status != 404) throw explain(a, "remove " + key, where_);
    if (a.status == 404)
      if (auto gone = explain(a, "remove " + key, where_); gone.code() != "NoSuchKey") throw gone;
  }

  task<std::string> begin_upload(std::string key) override {
    auto r = of("POST", key, {{"uploads", ""}});
    r.idempotent = true;  // a lost answer leaves an upload without parts, which costs nothing
    auto const a = co_await http_.send(std::move(r));
    auto const body = a.ok() ? parse_xml(a.body) : std::nullopt;
    if (!body || body->value("UploadId").empty()) throw explain(a, "begin an upload of " + key, where_);
    co_return std::string{body->value("UploadId")};
  }

  task<std::string> put_part(std::string key, std::string upload, unsigned number, std::string body) override {
    query const asked{{"partNumber", std::to_string(number)}, {"uploadId", upload}};
    auto const a = co_await http_.send(of("PUT", key, asked, std::move(body)));
    if (!a.ok() || a.header("etag").empty()) throw explain(a, fmt::format("take part {} of {}", number, key), where_);
    co_return std::string{a.header("etag")};
  }

  task<> complete_upload(std::string key, std::string upload, std::vector<std::string> etags,
                         std::uint64_t size) override {
    std::string parts = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (std::size_t i = 0; i < etags.size(); ++i)
      parts += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", i + 1, escaped(etags[i]));
    parts += "</CompleteMultipartUpload>";
    auto r = of("POST", key, {{"uploadId", upload}}, std::move(parts), {{"Content-Type", "application/xml"}});
    r.idempotent = true;
    auto const a = co_await http_.send(std::move(r));
    // 200 comes before the work is done: how it ended is in the body.
    auto const body = parse_xml(a.body);
    if (a.ok() && body && body->name == "CompleteMultipartUploadResult") co_return;
    auto refused = explain(a, "complete the upload of " + key, where_);
    // The first answer was lost, and the upload had been completed.
    if (refused.code() == "NoSuchUpload" && a.attempts > 1) {
      auto const there = co_await get(key, 0, 1, {});
      if (there && there->size == size) co_return;
    }
    throw refused;
  }

  task<> abort_upload(std::string key, std::string upload) override {
    auto const a = co_await http_.send(of("DELETE", key, {{"uploadId", upload}}));
    if (!a.ok() && a.status != 404) throw explain(a, "abort the upload of " + key, where_);
  }

 private:
  // Of an object, or of the bucket itself where there is no key.
  request of(std::string method, std::string const& key, query const& asked = {}, std::string body = {},
             std::vector<http_client::header> headers = {}) const {
    // With the bucket in the path it has no slash behind it, in its name there is always one.
    auto path = key.empty() && !root_.empty() ? root_ : root_ + "/";
    // Ours need no encoding; those that a list names may be anybody's.
    path += percent_encode(key, "/");
    auto const question = canonical(asked);
    request r;
    r.headers = sign(
        {.method = method, .host = host_, .path = path, .query = question, .body = body, .headers = std::move(headers)},
        who_, clock_.now());
    r.method = std::move(method);
    r.url = scheme_ + host_ + path + (question.empty() ? "" : "?" + question);
    r.body = std::move(body);
    return r;
  }

  http_client::client& http_;
  clock_source const& clock_;
  identity who_;
  std::string scheme_, host_, root_, where_;
};

}  // namespace

http_client::settings http_settings(settings const& s) {
  http_client::settings out;
  out.timeout = s.timeout;
  out.max_body = 2 * most_read;
  out.private_addresses = s.private_network;
  out.ca_file = s.ca_file;
  out.retry.attempts = 5;
  out.retry.first_wait = std::chrono::milliseconds{200};
  out.retry.internal_errors = true;
  out.retry.budget_burst = 100;
  // A command has nothing else to do than to try again, within the attempts of each request.
  out.breaker.enabled = false;
  return out;
}

std::unique_ptr<bucket> make_bucket(http_client::client& http, settings const& s, std::string const& name,
                                    clock_source const& clock) {
  if (s.access_key.empty() || s.secret_key.empty())
    throw startup_error{exit_code::config, "an object store is used with keys: set s3.access_key and s3.secret_key"};
  return std::make_unique<s3_bucket>(http, s, name, clock);
}

}  // namespace slipway::s3
