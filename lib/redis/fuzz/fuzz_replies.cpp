// Whatever a server says, and however it is cut: the same replies or the same end, within the bounds, and every answer
// to the request whose turn it is.
#include <slipway/redis/errors.hpp>
#include <slipway/redis/pipeline.hpp>
#include <slipway/redis/slots.hpp>
#include <slipway/redis/streams.hpp>

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>

using namespace slipway::redis;

namespace {

constexpr reply_parser::limits small{.bytes = 4096, .elements = 256};

std::size_t measure(reply const& r, std::size_t& bytes, int depth) {
  if (depth > reply_parser::max_depth + 1) std::abort();
  bytes += r.text.size();
  std::size_t sum = 1;
  for (auto const& each : r.items) sum += measure(each, bytes, depth + 1);
  return sum;
}

void show(reply const& r, std::string& out) {
  out += static_cast<char>('a' + static_cast<int>(r.what));
  out += std::to_string(r.number) + ":" + std::to_string(r.text.size()) + r.text + "(";
  for (auto const& each : r.items) show(each, out);
  out += ")";
}

std::string read(std::string_view bytes, std::size_t piece) {
  reply_parser parser{small};
  std::string seen;
  while (!bytes.empty()) {
    parser.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    reply r;
    for (;;) {
      auto const state = parser.next(r);
      if (state == reply_parser::state::need_more) break;
      if (state == reply_parser::state::broken) return seen + "<broken>";
      std::size_t size = 0;
      if (measure(r, size, 0) > small.elements || size > small.bytes) std::abort();
      show(r, seen);
    }
  }
  return seen;
}

template <class F>
void tolerate(F use) {
  try {
    use();
  } catch (error const&) {  // it said what was wrong
    return;
  }
}

// Typed answers out of whatever came.
void convert(std::string_view bytes) {
  reply_parser parser{small};
  parser.feed(bytes);
  reply r;
  if (parser.next(r) != reply_parser::state::ready) return;
  tolerate([&] { (void)read_slots(r, {.host = "h", .port = 1, .path = {}}); });
  tolerate([&] { (void)read_streams(r); });
  tolerate([&] { (void)read_claimed(r); });
  tolerate([&] { (void)read_pending(r); });
  tolerate([&] { (void)r.as_integer(); });
  tolerate([&] { (void)r.as_double(); });
  tolerate([&] { (void)reply{r}.as_pairs(); });
  (void)read_redirection(r.text, {.host = "h", .port = 1, .path = {}});
}

void answer_in_order(std::string_view bytes, std::size_t piece, unsigned given_up) {
  pipeline p{small};
  std::deque<command> commands;
  std::deque<request> requests(8);
  for (auto& r : requests) {
    r.parts = {&commands.emplace_back("PING"), 1};
    r.waiting = std::noop_coroutine();
    p.push(r);
  }
  std::string out;
  p.fill(out, 1 << 20);
  p.give_up(requests[given_up % 8]);
  auto const is_over = [](request const& r) { return r.where == request::place::nowhere; };
  while (!bytes.empty()) {
    if (!p.feed(bytes.substr(0, piece))) break;
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  // In order: nobody is answered before those who asked before.
  bool open = false;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (i == given_up % 8) continue;
    if (open && is_over(requests[i])) std::abort();
    open = open || !is_over(requests[i]);
  }
  (void)p.take_all();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 1 || size > 16'384) return 0;
  std::string_view const bytes{reinterpret_cast<char const*>(data) + 1, size - 1};
  auto const piece = data[0] % 64 + 1u;
  // Where a limit is passed, how far it came may depend on the pieces; that it ends there does not.
  auto const whole = read(bytes, bytes.size() + 1), cut = read(bytes, piece);
  if (whole != cut && (!whole.ends_with("<broken>") || !cut.ends_with("<broken>"))) std::abort();
  convert(bytes);
  answer_in_order(bytes, piece, data[0]);
  return 0;
}
