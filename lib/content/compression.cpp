#include <slipway/content/compression.hpp>

#include <slipway/content/conditional.hpp>
#include <slipway/content/media_types.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/runtime/shards.hpp>

#include <algorithm>
#include <array>

namespace slipway::content {
namespace {

constexpr std::size_t portion = 64 * 1024;  // encoded at once, so that the output is bounded and goes out in between

class encoded_source final : public http::body_source {
 public:
  encoded_source(std::unique_ptr<http::body_source> inner, std::unique_ptr<encoder> with, bool live) noexcept
      : inner_{std::move(inner)}, encoder_{std::move(with)}, live_{live} {}

  task<std::string_view> next() override {
    out_.clear();
    while (out_.empty() && !over_) {
      if (piece_.empty()) piece_ = co_await inner_->next();
      if (piece_.empty()) {
        over_ = true;
        encoder_->write({}, encoder::step::finish, out_);
        break;
      }
      auto const now = piece_.substr(0, portion);
      piece_.remove_prefix(now.size());
      encoder_->write(now, live_ && piece_.empty() ? encoder::step::flush : encoder::step::more, out_);
    }
    co_return out_;
  }

 private:
  std::unique_ptr<http::body_source> inner_;
  std::unique_ptr<encoder> encoder_;
  std::string out_;
  std::string_view piece_;
  bool live_;
  bool over_ = false;
};

// A body that is in memory, as a source. It owns what the response owned.
class whole_body final : public http::body_source {
 public:
  whole_body(std::string owned, std::string_view body)
      : owned_{std::move(owned)}, body_{owned_.empty() ? body : owned_} {}
  task<std::string_view> next() override { co_return std::exchange(body_, {}); }

 private:
  std::string owned_;
  std::string_view body_;
};

class compression final : public http::middleware {
 public:
  compression(compression_settings settings, unsigned shards, error_page page)
      : settings_{std::move(settings)}, page_{std::move(page)}, encoders_{shards} {}

  bool before(http::exchange& x) override {
    if (auto const sent = x.request.header("Content-Encoding");
        sent.data() != nullptr && !only_identity(all_values(x, "Content-Encoding"))) {
      refuse(x, 415, "unsupported_content_encoding", page_);
      x.response.add("Accept-Encoding", "identity");
      return false;
    }
    // Refusing identity is rare and has to be written out; only then is the field read before the handler has run.
    if (auto const accepted = x.request.header("Accept-Encoding"); accepted.find("q=0") != accepted.npos) {
      if (!choose_coding(all_values(x, "Accept-Encoding"), settings_.codings)) {
        refuse(x, 406, "no_acceptable_encoding", page_);
        return false;
      }
    }
    if (x.request.header("If-Match").data() != nullptr) strengthen_if_match(x);
    return true;
  }

  void after(http::exchange& x) override {
    auto& r = x.response;
    if (r.status == 304) return weaken_for_weak_client(x);
    if (!wants_coding(r)) return;
    add_vary(x, "Accept-Encoding");
    auto const chosen = choose_coding(all_values(x, "Accept-Encoding"), settings_.codings);
    if (!chosen || *chosen == coding::identity) return;
    if (r.stream || r.body.size() > settings_.max_at_once)
      encode_stream(r, *chosen);
    else if (!encode_body(r, *chosen))
      return;
    r.add("Content-Encoding", to_string(*chosen));
    remove_field(r, "Accept-Ranges");
    if (auto* tag = find_field(r, "ETag")) weaken(x, *tag);
  }

 private:
  static bool only_identity(std::string_view list) noexcept {
    pieces codings{list};
    for (std::string_view name; codings.next(name);)
      if (!http::equal_names(name, "identity")) return false;
    return true;
  }

  bool wants_coding(http::response const& r) const noexcept {
    if (r.status < 200 || r.status == 204 || r.status == 205 || r.status == 206 || r.content_type.empty()) return false;
    if (r.stream ? r.stream_length && *r.stream_length < settings_.min_size : r.body.size() < settings_.min_size)
      return false;
    if (!is_compressible(r.content_type)) return false;
    // A Content-Digest is of the bytes as they were; what has a coding or is a part of something stays as it is.
    for (auto name : {"Content-Encoding", "Content-Range", "Content-Digest"})
      if (r.header(name).data() != nullptr) return false;
    pieces directives{r.header("Cache-Control")};
    for (std::string_view d; directives.next(d);)
      if (http::equal_names(d, "no-transform")) return false;
    return true;
  }

  void encode_stream(http::response& r, coding c) const {
    bool const live = r.stream && !r.stream_length;
    auto const size = r.stream ? static_cast<std::size_t>(r.stream_length.value_or(0)) : r.body.size();
    auto inner = std::move(r.stream);
    if (!inner)
      inner =
          std::make_unique<whole_body>(r.body.data() == r.owned.data() ? std::move(r.owned) : std::string{}, r.body);
    r.stream = make_encoded_source(std::move(inner), make_encoder(c, settings_.level, size), live);
    r.stream_length.reset();
    r.body = {};
  }

  bool encode_body(http::response& r, coding c) {
    std::string out;
    out.reserve(r.body.size() / 2);
    with_encoder(c, r.body.size(), [&](encoder& e) { e.write(r.body, encoder::step::finish, out); });
    if (out.size() >= r.body.size()) return false;
    r.owned = std::move(out);
    r.body = r.owned;
    return true;
  }

  // An encoder costs more to make than to use on a small body, so each shard keeps one of each.
  template <class F>
  void with_encoder(coding c, std::size_t size, F use) {
    if (!shard::on_a_shard()) return use(*make_encoder(c, settings_.level, size));
    auto& kept = encoders_.local()[static_cast<std::size_t>(c)];
    if (kept)
      kept->reset(size);
    else
      kept = make_encoder(c, settings_.level, size);
    use(*kept);
  }

  static void weaken(http::exchange& x, http::field& tag) {
    if (tag.value.starts_with("W/")) return;
    auto* const text = static_cast<char*>(x.memory.allocate(tag.value.size() + 2, 1));
    text[0] = 'W';
    text[1] = '/';
    std::ranges::copy(tag.value, text + 2);
    tag.value = {text, tag.value.size() + 2};
  }

  // A client whose copy was compressed here knows it by the weak tag: a 304 must name the copy by that.
  static void weaken_for_weak_client(http::exchange& x) {
    auto* tag = find_field(x.response, "ETag");
    if (tag == nullptr || tag->value.starts_with("W/")) return;
    auto const asked = all_values(x, "If-None-Match");
    for (auto at = asked.find(tag->value); at != asked.npos; at = asked.find(tag->value, at + 1))
      if (at >= 2 && asked.substr(at - 2, 2) == "W/") return weaken(x, *tag);
  }

  // Takes back what `weaken` did, so that If-Match, which compares strongly, recognises the version. Where the tag was
  // weak from the start, the handler's comparison still fails, since its own tag is weak.
  static void strengthen_if_match(http::exchange& x) {
    auto const fields = x.request.fields;
    auto* const copy = static_cast<http::field*>(x.memory.allocate(fields.size_bytes(), alignof(http::field)));
    std::uninitialized_copy(fields.begin(), fields.end(), copy);
    for (auto& f : std::span{copy, fields.size()}) {
      if (!http::equal_names(f.name, "If-Match") || f.value.find("W/\"") == f.value.npos) continue;
      auto* const text = static_cast<char*>(x.memory.allocate(f.value.size(), 1));
      auto* out = text;
      bool quoted = false;  // W/ inside a tag is part of it
      for (std::size_t i = 0; i < f.value.size(); ++i) {
        if (f.value[i] == '"') quoted = !quoted;
        if (!quoted && f.value.substr(i).starts_with("W/\"")) {
          ++i;
          continue;
        }
        *out++ = f.value[i];
      }
      f.value = {text, out};
    }
    x.request.fields = {copy, fields.size()};
  }

  compression_settings settings_;
  error_page page_;
  per_shard<std::array<std::unique_ptr<encoder>, coding_count>> encoders_;
};

}  // namespace

std::unique_ptr<http::body_source> make_encoded_source(std::unique_ptr<http::body_source> inner,
                                                       std::unique_ptr<encoder> with, bool live) {
  return std::make_unique<encoded_source>(std::move(inner), std::move(with), live);
}

std::unique_ptr<http::middleware> make_compression(compression_settings settings, unsigned shards, error_page page) {
  if (settings.level < 1 || settings.level > 9)
    throw startup_error{exit_code::config,
                        "The compression level must be 1 to 9, not " + std::to_string(settings.level) + '.'};
  if (std::ranges::find(settings.codings, coding::identity) != settings.codings.end())
    throw startup_error{exit_code::config, "identity is no compression: leave it out of the list of codings."};
  return std::make_unique<compression>(std::move(settings), shards, std::move(page));
}

}  // namespace slipway::content
