// MongoDB's own C driver behind mongodb_driver.hpp.
#include "bson.hpp"

#include <slipway/documents/mongodb_driver.hpp>

#include <mongoc/mongoc.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace slipway::documents::mongodb {
namespace {

template <auto Destroy>
struct destroyer {
  template <class T>
  void operator()(T* what) const noexcept {
    Destroy(what);
  }
};
using uri_ptr = std::unique_ptr<mongoc_uri_t, destroyer<mongoc_uri_destroy>>;
using cursor_ptr = std::unique_ptr<mongoc_cursor_t, destroyer<mongoc_cursor_destroy>>;
using collection_ptr = std::unique_ptr<mongoc_collection_t, destroyer<mongoc_collection_destroy>>;
using session_ptr = std::unique_ptr<mongoc_client_session_t, destroyer<mongoc_client_session_destroy>>;
using stream_ptr = std::unique_ptr<mongoc_change_stream_t, destroyer<mongoc_change_stream_destroy>>;
using pool_ptr = std::unique_ptr<mongoc_client_pool_t, destroyer<mongoc_client_pool_destroy>>;

constexpr int max_time_expired = 50, write_conflict = 112;

// The server is there and cannot serve now: it is not the primary, it goes down, the network between servers is cut.
bool is_passing(int code) noexcept {
  static constexpr int codes[] = {6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436};
  return std::ranges::find(codes, code) != std::end(codes);
}

answer failed(bson_error_t const& error, bson_t const* reply) {
  answer out{.code = static_cast<int>(error.code), .message = error.message};
  if (reply != nullptr) out.reply = tree_of(*reply);
  if (reply != nullptr && mongoc_error_has_label(reply, "TransientTransactionError")) {
    out.what = problem::conflict;
    return out;
  }
  switch (error.domain) {
    case MONGOC_ERROR_SERVER:
    case MONGOC_ERROR_QUERY:
    case MONGOC_ERROR_WRITE_CONCERN:
    case MONGOC_ERROR_COLLECTION: out.what = problem::refused; break;
    case MONGOC_ERROR_CLIENT:
      out.what = error.code == MONGOC_ERROR_CLIENT_AUTHENTICATE ? problem::config : problem::refused;
      break;
    case MONGOC_ERROR_SERVER_SELECTION:
    case MONGOC_ERROR_STREAM:
    case MONGOC_ERROR_PROTOCOL:
    case MONGOC_ERROR_CURSOR: out.what = problem::unavailable; break;
    default: out.what = problem::refused; break;
  }
  if (out.what != problem::refused) return out;
  if (out.code == max_time_expired) out.what = problem::timeout;
  if (out.code == write_conflict) out.what = problem::conflict;
  if (is_passing(out.code)) out.what = problem::unavailable;
  return out;
}

// A client of the pool for as long as it is needed.
class lease {
 public:
  explicit lease(mongoc_client_pool_t* pool) noexcept : pool_{pool}, client_{mongoc_client_pool_pop(pool)} {}
  lease(lease const&) = delete;
  lease& operator=(lease const&) = delete;
  ~lease() { mongoc_client_pool_push(pool_, client_); }
  mongoc_client_t* get() const noexcept { return client_; }

 private:
  mongoc_client_pool_t* pool_;
  mongoc_client_t* client_;
};

class open_transaction final : public transaction {
 public:
  open_transaction(mongoc_client_pool_t* pool, answer& problem) : client_{pool} {
    bson_error_t error;
    session_.reset(mongoc_client_start_session(client_.get(), nullptr, &error));
    if (!session_ || !mongoc_client_session_start_transaction(session_.get(), nullptr, &error))
      problem = failed(error, nullptr);
  }
  ~open_transaction() override { abort(); }

  answer commit() override {
    open_ = false;
    bson_error_t error;
    bson_document reply;
    bson_destroy(reply.get());  // the driver makes it anew
    auto const done = mongoc_client_session_commit_transaction(session_.get(), reply.get(), &error);
    return done ? answer{} : failed(error, reply.get());
  }
  void abort() noexcept override {
    if (session_ && std::exchange(open_, false)) mongoc_client_session_abort_transaction(session_.get(), nullptr);
  }
  mongoc_client_t* client() const noexcept { return client_.get(); }
  mongoc_client_session_t* session() const noexcept { return session_.get(); }

 private:
  lease client_;
  session_ptr session_;
  bool open_ = true;
};

// A client, the transaction's own if there is one, and the options that belong to it.
class call {
 public:
  call(mongoc_client_pool_t* pool, transaction* in) {
    if (in == nullptr) {
      own_.emplace(pool);
      client_ = own_->get();
      return;
    }
    auto const& open = static_cast<open_transaction&>(*in);
    client_ = open.client();
    bson_error_t ignored;
    mongoc_client_session_append(open.session(), options_.get(), &ignored);
  }
  mongoc_client_t* client() const noexcept { return client_; }
  bson_t* options() noexcept { return options_.get(); }

 private:
  std::optional<lease> own_;
  mongoc_client_t* client_ = nullptr;
  bson_document options_;
};

answer read_all(mongoc_cursor_t* cursor) {
  answer out{.reply = node::list()};
  bson_t const* each = nullptr;
  while (mongoc_cursor_next(cursor, &each)) out.reply.items.push_back(tree_of(*each));
  bson_error_t error;
  bson_t const* reply = nullptr;
  if (mongoc_cursor_error_document(cursor, &error, &reply)) return failed(error, reply);
  return out;
}

class client_driver final : public driver {
 public:
  client_driver(pool_ptr pool, std::string database) noexcept
      : pool_{std::move(pool)}, database_{std::move(database)} {}

  std::string database() const override { return database_; }

  answer run(node const& command, bool writes, milliseconds, transaction* in) override {
    call with{pool_.get(), in};
    bson_document const sent{command};
    bson_document reply;
    bson_destroy(reply.get());
    bson_error_t error;
    auto const done = writes ? mongoc_client_write_command_with_opts(with.client(), database_.c_str(), sent.get(),
                                                                     with.options(), reply.get(), &error)
                             : mongoc_client_read_command_with_opts(with.client(), database_.c_str(), sent.get(),
                                                                    nullptr, with.options(), reply.get(), &error);
    return done ? answer{.reply = reply.tree()} : failed(error, reply.get());
  }

  answer find(std::string const& collection, find_options const& options, milliseconds limit,
              transaction* in) override {
    call with{pool_.get(), in};
    auto const from = collection_of(with, collection);
    auto* o = with.options();
    BSON_APPEND_INT64(o, "skip", options.skip);
    BSON_APPEND_INT64(o, "limit", options.limit);
    if (!in) BSON_APPEND_INT64(o, "maxTimeMS", limit.count());
    bson_document const sort{options.sort}, projection{options.projection}, filter{options.filter};
    if (!options.sort.members.empty()) BSON_APPEND_DOCUMENT(o, "sort", sort.get());
    if (!options.projection.members.empty()) BSON_APPEND_DOCUMENT(o, "projection", projection.get());
    cursor_ptr const cursor{mongoc_collection_find_with_opts(from.get(), filter.get(), o, nullptr)};
    return read_all(cursor.get());
  }

  answer aggregate(std::string const& collection, node const& pipeline, milliseconds limit, transaction* in) override {
    call with{pool_.get(), in};
    auto const from = collection_of(with, collection);
    if (!in) BSON_APPEND_INT64(with.options(), "maxTimeMS", limit.count());
    auto wrapped = node::object();
    wrapped.add("pipeline", pipeline);
    bson_document const stages{wrapped};
    cursor_ptr const cursor{
        mongoc_collection_aggregate(from.get(), MONGOC_QUERY_NONE, stages.get(), with.options(), nullptr)};
    return read_all(cursor.get());
  }

  answer insert(std::string const& collection, std::vector<node> const& documents, milliseconds,
                transaction* in) override {
    call with{pool_.get(), in};
    auto const to = collection_of(with, collection);
    std::vector<std::unique_ptr<bson_document>> all;
    std::vector<bson_t const*> pointers;
    all.reserve(documents.size());
    pointers.reserve(documents.size());
    for (auto const& each : documents)
      pointers.push_back(all.emplace_back(std::make_unique<bson_document>(each))->get());
    bson_document reply;
    bson_destroy(reply.get());
    bson_error_t error;
    if (!mongoc_collection_insert_many(to.get(), pointers.data(), pointers.size(), with.options(), reply.get(), &error))
      return failed(error, reply.get());
    return {.reply = reply.tree()};
  }

  answer watch(std::string const& collection, node const& token, std::size_t most, milliseconds) override {
    call with{pool_.get(), nullptr};
    auto const from = collection_of(with, collection);
    bson_document const everything, after{token};
    auto* o = with.options();
    BSON_APPEND_UTF8(o, "fullDocument", "updateLookup");
    BSON_APPEND_INT64(o, "maxAwaitTimeMS", 20);
    if (!token.is_null()) BSON_APPEND_DOCUMENT(o, "resumeAfter", after.get());
    stream_ptr const stream{mongoc_collection_watch(from.get(), everything.get(), o)};
    auto events = node::list();
    bson_t const* each = nullptr;
    while (events.items.size() < most && mongoc_change_stream_next(stream.get(), &each))
      events.items.push_back(tree_of(*each));
    bson_error_t error;
    bson_t const* reply = nullptr;
    if (mongoc_change_stream_error_document(stream.get(), &error, &reply)) return failed(error, reply);
    auto const* next = mongoc_change_stream_get_resume_token(stream.get());
    answer out{.reply = node::object()};
    out.reply.add("events", std::move(events)).add("token", next != nullptr ? tree_of(*next) : node{});
    return out;
  }

  std::unique_ptr<transaction> begin(answer& problem) override {
    auto made = std::make_unique<open_transaction>(pool_.get(), problem);
    if (problem.what != mongodb::problem::none) return nullptr;
    return made;
  }

 private:
  collection_ptr collection_of(call const& with, std::string const& name) const {
    return collection_ptr{mongoc_client_get_collection(with.client(), database_.c_str(), name.c_str())};
  }

  pool_ptr pool_;
  std::string database_;
};

driver* open(driver_settings const& settings, answer& problem) {
  auto const refuse = [&problem](std::string why) {
    problem = {.what = mongodb::problem::config, .message = std::move(why)};
    return nullptr;
  };
  mongoc_init();
  mongoc_log_set_handler(nullptr, nullptr);  // what went wrong comes back as an answer
  bson_error_t error;
  uri_ptr const uri{mongoc_uri_new_with_error(settings.url.c_str(), &error)};
  if (!uri) {
    std::string const said{error.message};
    // The library quotes the password there.
    if (said.contains("unescaped"))
      return refuse("user and password must be percent-encoded: %3A for :, %40 for @, %2F for /, %25 for %");
    return refuse(said);
  }
  auto const* database = mongoc_uri_get_database(uri.get());
  if (database == nullptr || *database == '\0') return refuse("the URL names no database: mongodb://host:27017/NAME");
  auto* u = uri.get();
  mongoc_uri_set_appname(u, settings.application.c_str());
  // A transaction has its connection for itself; as many again, so that nobody waits for one.
  mongoc_uri_set_option_as_int32(u, MONGOC_URI_MAXPOOLSIZE, static_cast<std::int32_t>(2 * settings.connections));
  auto const connect = static_cast<std::int32_t>(settings.connect_timeout.count());
  mongoc_uri_set_option_as_int32(u, MONGOC_URI_CONNECTTIMEOUTMS, connect);
  mongoc_uri_set_option_as_int32(u, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, connect);
  mongoc_uri_set_option_as_int32(u, MONGOC_URI_SOCKETTIMEOUTMS, static_cast<std::int32_t>(settings.timeout.count()));
  pool_ptr pool{mongoc_client_pool_new_with_error(u, &error)};
  if (!pool) return refuse(error.message);
  mongoc_client_pool_set_error_api(pool.get(), MONGOC_ERROR_API_VERSION_2);
  return new client_driver{std::move(pool), database};
}

}  // namespace
}  // namespace slipway::documents::mongodb

extern "C"
    __attribute__((visibility("default"))) slipway::documents::mongodb::module_entry const slipway_mongodb_module{
        slipway::documents::mongodb::border_version, slipway::documents::mongodb::open};
