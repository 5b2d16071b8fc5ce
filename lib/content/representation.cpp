#include <slipway/content/representation.hpp>

#include <slipway/core/random.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::content {
namespace {

constexpr std::size_t piece_size = 64 * 1024;

class range_source final : public http::body_source {
 public:
  struct section {
    std::string head;  // between two parts
    byte_range range;
  };
  range_source(std::unique_ptr<seekable> bytes, std::vector<section> sections, std::string tail) noexcept
      : bytes_{std::move(bytes)}, sections_{std::move(sections)}, tail_{std::move(tail)} {}

  task<std::string_view> next() override {
    while (at_ < sections_.size()) {
      auto& now = sections_[at_];
      if (!head_sent_) {
        head_sent_ = true;
        if (!now.head.empty()) co_return now.head;
      }
      if (now.range.length > 0) {
        auto const piece = co_await bytes_->read(
            now.range.first, static_cast<std::size_t>(std::min<std::uint64_t>(now.range.length, piece_size)));
        now.range.first += piece.size();
        now.range.length -= piece.size();
        co_return piece;
      }
      ++at_;
      head_sent_ = false;
    }
    if (std::exchange(tail_sent_, true)) co_return std::string_view{};
    co_return tail_;
  }

 private:
  std::unique_ptr<seekable> bytes_;
  std::vector<section> sections_;
  std::string tail_;
  std::size_t at_ = 0;
  bool head_sent_ = false, tail_sent_ = false;
};

class static_bytes final : public seekable {
 public:
  explicit static_bytes(std::string_view bytes) noexcept : bytes_{bytes} {}
  task<std::string_view> read(std::uint64_t offset, std::size_t at_most) override {
    co_return bytes_.substr(static_cast<std::size_t>(offset), at_most);
  }
  bool give(http::response& r) override {
    r.body = bytes_;
    return true;
  }

 private:
  std::string_view bytes_;
};

class owned_bytes final : public seekable {
 public:
  explicit owned_bytes(std::string bytes) noexcept : bytes_{std::move(bytes)} {}
  task<std::string_view> read(std::uint64_t offset, std::size_t at_most) override {
    co_return std::string_view{bytes_}.substr(static_cast<std::size_t>(offset), at_most);
  }
  bool give(http::response& r) override {
    r.owned = std::move(bytes_);
    r.body = r.owned;
    return true;
  }

 private:
  std::string bytes_;
};

void send(http::response& r, range_parts parts) {
  r.stream = std::move(parts.body);
  r.stream_length = parts.length;
}

void send_whole(http::exchange& x, representation r) {
  x.response.status = 200;
  if (r.bytes->give(x.response)) return;
  std::vector<byte_range> all;
  if (r.size > 0) all.push_back({0, r.size});
  send(x.response, make_range_source(std::move(r.bytes), std::move(all), r.size, {}, {}));
}

void send_ranges(http::exchange& x, representation r, std::vector<byte_range> ranges) {
  x.response.status = 206;
  if (ranges.size() == 1) {
    x.response.add("Content-Range", x.copy(content_range(ranges[0], r.size)));
    send(x.response, make_range_source(std::move(r.bytes), std::move(ranges), r.size, {}, {}));
    return;
  }
  // Random, so that no content can hold it but by an accident that does not happen.
  auto const boundary = system_random().token(18);
  x.response.content_type = x.copy("multipart/byteranges; boundary=" + boundary);
  send(x.response, make_range_source(std::move(r.bytes), std::move(ranges), r.size, r.type, boundary));
}

}  // namespace

range_parts make_range_source(std::unique_ptr<seekable> bytes, std::vector<byte_range> ranges, std::uint64_t size,
                              std::string_view type, std::string_view boundary) {
  std::vector<range_source::section> sections;
  std::string tail;
  range_parts out;
  for (auto const& r : ranges) {
    std::string head;
    if (!boundary.empty()) {
      head = fmt::format("{}--{}\r\n", sections.empty() ? "" : "\r\n", boundary);
      if (!type.empty()) head += fmt::format("Content-Type: {}\r\n", type);
      head += fmt::format("Content-Range: {}\r\n\r\n", content_range(r, size));
    }
    out.length += head.size() + r.length;
    sections.push_back({std::move(head), r});
  }
  if (!boundary.empty()) tail = fmt::format("\r\n--{}--\r\n", boundary);
  out.length += tail.size();
  out.body = std::make_unique<range_source>(std::move(bytes), std::move(sections), std::move(tail));
  return out;
}

std::unique_ptr<seekable> make_static_bytes(std::string_view bytes) { return std::make_unique<static_bytes>(bytes); }
std::unique_ptr<seekable> make_owned_bytes(std::string bytes) {
  return std::make_unique<owned_bytes>(std::move(bytes));
}

task<> gather_short_stream(http::exchange& x, std::size_t at_most) {
  auto& r = x.response;
  if (!r.stream || !r.stream_length || *r.stream_length > at_most || x.request.verb == http::method::head) co_return;
  std::string all;
  all.reserve(static_cast<std::size_t>(*r.stream_length));
  for (;;) {
    auto const piece = co_await r.stream->next();
    if (piece.empty()) break;
    all += piece;
  }
  r.stream.reset();
  r.stream_length.reset();
  r.owned = std::move(all);
  r.body = r.owned;
}

void serve(http::exchange& x, representation r, error_page const& page) {
  x.response.content_type = r.type;
  if (!apply_conditions(x, r.now)) {
    if (x.response.status == 412) refuse(x, 412, "precondition_failed", page);
    return;
  }
  x.response.add("Accept-Ranges", "bytes");
  if (!r.coding.empty()) x.response.add("Content-Encoding", r.coding);
  // Range is defined for GET alone (section 14.2).
  if (x.request.verb == http::method::get && if_range_holds(x.request.header("If-Range"), r.now)) {
    auto choice = choose_ranges(all_values(x, "Range"), r.size);
    switch (choice.what) {
      case range_choice::kind::whole: break;
      case range_choice::kind::partial: return send_ranges(x, std::move(r), std::move(choice.ranges));
      case range_choice::kind::unsatisfiable:
        remove_field(x.response, "Content-Encoding");
        refuse(x, 416, "range_not_satisfiable", page);
        x.response.add("Content-Range", x.copy(unsatisfied_range(r.size)));
        return;
    }
  }
  send_whole(x, std::move(r));
}

}  // namespace slipway::content
