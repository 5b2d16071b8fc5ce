#include <slipway/redis/reply_parser.hpp>

#include <hiredis/read.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace slipway::redis {

// Called by hiredis for each part of a reply. Null means "out of memory" to it, which ends the reading: so it is told
// where a limit is passed, before anything is allocated.
struct parser_callbacks {
  static reply* place(redisReadTask const* task) {
    auto& parser = *static_cast<reply_parser*>(task->privdata);
    if (++parser.elements_ > parser.limits_.elements) {
      parser.over_ = true;
      return nullptr;
    }
    if (task->parent == nullptr) return &parser.root_;
    // hiredis keeps pointers to the lists around an element only, and these do not move while it is read.
    return &static_cast<reply*>(task->parent->obj)->items.emplace_back();
  }

  static void* text(redisReadTask const* task, char* bytes, std::size_t size) noexcept {
    auto& parser = *static_cast<reply_parser*>(task->privdata);
    parser.bytes_ += size;
    if (parser.bytes_ > parser.limits_.bytes) {
      parser.over_ = true;
      return nullptr;
    }
    try {
      auto* const r = place(task);
      if (r == nullptr) return nullptr;
      r->what = task->type == REDIS_REPLY_ERROR    ? reply::kind::error
                : task->type == REDIS_REPLY_STATUS ? reply::kind::status
                                                   : reply::kind::text;
      r->text.assign(bytes, size);
      return r;
    } catch (std::bad_alloc const&) {
      return nullptr;
    }
  }

  static void* list(redisReadTask const* task, int size) noexcept {
    auto& parser = *static_cast<reply_parser*>(task->privdata);
    try {
      // The server's word for the size is not believed beyond a page: what is there will be counted.
      auto* const r = place(task);
      if (r == nullptr) return nullptr;
      if (static_cast<std::size_t>(std::max(size, 0)) > parser.limits_.elements) {
        parser.over_ = true;
        return nullptr;
      }
      r->what = reply::kind::list;
      r->items.reserve(static_cast<std::size_t>(std::clamp(size, 0, 64)));
      return r;
    } catch (std::bad_alloc const&) {
      return nullptr;
    }
  }

  static void* integer(redisReadTask const* task, long long value) noexcept {
    try {
      auto* const r = place(task);
      if (r == nullptr) return nullptr;
      r->what = reply::kind::integer;
      r->number = value;
      return r;
    } catch (std::bad_alloc const&) {
      return nullptr;
    }
  }

  static void* nil(redisReadTask const* task) noexcept {
    try {
      return place(task);
    } catch (std::bad_alloc const&) {
      return nullptr;
    }
  }

  static void forget(void*) noexcept {}  // the parser owns the root

  static inline redisReplyObjectFunctions table{&text, &list, &integer, &nil, &forget};
};

void reply_parser::free_reader::operator()(redisReader* r) const noexcept { ::redisReaderFree(r); }

reply_parser::reply_parser(limits l) : limits_{l}, reader_{::redisReaderCreateWithFunctions(&parser_callbacks::table)} {
  if (reader_ == nullptr) throw std::bad_alloc{};
  reader_->privdata = this;
}
reply_parser::~reply_parser() = default;

void reply_parser::feed(std::string_view bytes) {
  // An error shows at the next `next`.
  ::redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
}

reply_parser::state reply_parser::break_off(std::string why, bool because_of_size) {
  problem_ = std::move(why);
  too_large_ = because_of_size;
  return state::broken;
}

// Every element begins with a line; without a bound it would be searched for its end again with each piece.
bool reply_parser::line_is_endless() const noexcept {
  constexpr std::size_t longest_line = 64 << 10, longest_header = 32;
  auto const left = reader_->len - reader_->pos;
  if (left <= longest_header || reader_->ridx < 0) return false;
  // The byte that says the kind has been read by now.
  auto const kind = reader_->rstack[reader_->ridx].type;
  auto const most = kind == REDIS_REPLY_STATUS || kind == REDIS_REPLY_ERROR ? longest_line : longest_header;
  return left > most && std::memchr(reader_->buf + reader_->pos, '\n', most) == nullptr;
}

reply_parser::state reply_parser::next(reply& out) {
  if (!problem_.empty()) return state::broken;
  void* done = nullptr;
  auto const good = ::redisReaderGetReply(reader_.get(), &done) == REDIS_OK;
  if (over_) return break_off("the answer is larger than allowed", true);
  if (!good) {
    std::string const why{reader_->errstr};
    return break_off(why.starts_with("Protocol error") ? why : "Protocol error, " + why, false);
  }
  if (done == nullptr) {
    if (bytes_ + (reader_->len - reader_->pos) > limits_.bytes)
      return break_off("the answer is larger than allowed", true);
    if (line_is_endless()) return break_off("Protocol error, a line without an end", false);
    return state::need_more;
  }
  out = std::move(root_);
  root_ = {};
  bytes_ = elements_ = 0;
  return state::ready;
}

}  // namespace slipway::redis
