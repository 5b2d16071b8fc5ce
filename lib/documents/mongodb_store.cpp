// Documents on MongoDB. The driver blocks, so each request is worked on by a thread of a bounded pool.
#include <slipway/documents/mongodb_store.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/documents/encoding.hpp>
#include <slipway/documents/mongodb_errors.hpp>
#include <slipway/documents/mongodb_text.hpp>
#include <slipway/documents/sweep.hpp>

#include <algorithm>
#include <atomic>
#include <concepts>

namespace slipway::documents::mongodb {
namespace {

using std::chrono::milliseconds;

struct shared {
  std::unique_ptr<driver> through;
  blocking_pool& pool;
  clock_source const& clock;
  milliseconds timeout;
  unsigned most_transactions;
  server_facts server;
  std::atomic<unsigned> transactions{0};
};

template <std::invocable<driver&, milliseconds> F>
task<answer> ask(shared& of, F work) {
  auto const* operation = co_await this_context();
  auto limit = of.timeout;
  if (operation != nullptr) {
    if (operation->cancelled() != cancel_reason::none) throw cancelled_error{operation->cancelled()};
    if (operation->deadline != context::clock::time_point::max())
      limit = std::min(limit, std::chrono::ceil<milliseconds>(operation->deadline - context::clock::now()));
    if (limit <= milliseconds{0}) throw cancelled_error{cancel_reason::deadline};
  }
  auto out = co_await of.pool.run([&] { return work(*of.through, limit); });
  if (out.what == problem::timeout && limit < of.timeout) throw cancelled_error{cancel_reason::deadline};
  throw_unless_answered(out);
  co_return out;
}

class mongo_session final : public session {
 public:
  mongo_session(shared& of, transaction* in) noexcept : of_{of}, in_{in} {}

  task<std::vector<node>> find(find_request what) override {
    find_options options{
        .filter = filter_of(what.where), .sort = sort_of(what.order), .skip = what.skip, .limit = what.limit};
    for (auto const* at : what.only) options.projection.add(field_of(*at), node::of(1));
    auto got = co_await ask(
        of_, [&](driver& d, milliseconds limit) { return d.find(std::string{what.in->name}, options, limit, in_); });
    for (auto& each : got.reply.items) {
      each = restored(std::move(each));
      for (auto const* at : what.only)
        if (at->dotted.find('.') != std::string_view::npos)
          if (auto const* inside = each.at(at->dotted)) {
            auto copy = *inside;
            each.add(std::string{at->dotted}, std::move(copy));
          }
    }
    co_return std::move(got.reply.items);
  }

  task<std::int64_t> count(collection_info const& in, filter_node where) override {
    group_request what{.in = &in, .where = std::move(where)};
    what.values.push_back({accumulator::count});
    auto const found = co_await group(std::move(what));
    co_return found.empty() ? 0 : found.front().items.front().integer;
  }

  task<> insert(collection_info const& in, std::vector<node> documents) override {
    for (auto& each : documents) {
      check_size(each);
      each = stored(std::move(each));
    }
    answer refused;
    (void)co_await ask(of_, [&](driver& d, milliseconds limit) {
      auto got = d.insert(std::string{in.name}, documents, limit, in_);
      if (is_duplicate(got)) refused = std::exchange(got, {});
      return got;
    });
    if (refused.what != problem::none) co_await name_duplicate(in, refused, documents);
  }

  task<std::optional<node>> change_one(change_request what) override {
    auto command = node::object();
    command.add("findAndModify", node::of(what.in->name))
        .add("query", filter_of(what.where))
        .add("new", node::of(true));
    if (what.replacement) {
      check_size(*what.replacement);
      auto document = stored(std::move(*what.replacement));
      document.erase("_id");
      command.add("update", std::move(document));
    } else {
      auto update = update_of(what.steps);
      if (what.otherwise) {
        command.add("upsert", node::of(true));
        if (auto more = on_insert(what.steps, *what.otherwise); !more.members.empty())
          update.add("$setOnInsert", std::move(more));
      }
      command.add("update", std::move(update));
    }
    auto got = co_await run(*what.in, std::move(command), true);
    auto* value = got.reply.find("value");
    if (value == nullptr || value->kind != node_kind::object) co_return std::nullopt;
    co_return restored(std::move(*value));
  }

  task<std::int64_t> change_many(collection_info const& in, filter_node where, update_steps steps) override {
    steps = documents::detail::completed(in, std::move(steps), of_.clock.now());
    if (steps.empty()) co_return co_await count(in, std::move(where));
    auto one = node::object();
    one.add("q", filter_of(where)).add("u", update_of(steps)).add("multi", node::of(true));
    auto command = node::object();
    command.add("update", node::of(in.name)).add("updates", node::list({std::move(one)}));
    auto const got = co_await run(in, std::move(command), true);
    co_return number_in(got.reply, "n");
  }

  task<std::int64_t> remove(collection_info const& in, filter_node where) override {
    auto one = node::object();
    one.add("q", filter_of(where)).add("limit", node::of(0));
    auto command = node::object();
    command.add("delete", node::of(in.name)).add("deletes", node::list({std::move(one)}));
    auto const got = co_await run(in, std::move(command), true);
    co_return number_in(got.reply, "n");
  }

  task<std::vector<node>> group(group_request what) override {
    // Its accumulators share one pass over the documents, and all but the first find nothing (seen in 1.24).
    if (of_.server.is_ferret && what.values.size() > 1)
      throw db::error{"FerretDB computes only one value of a group rightly: ask for one at a time"};
    auto const pipeline = pipeline_of(what);
    auto const got = co_await ask(of_, [&](driver& d, milliseconds limit) {
      return d.aggregate(std::string{what.in->name}, pipeline, limit, in_);
    });
    std::vector<node> out;
    out.reserve(got.reply.items.size());
    for (auto const& each : got.reply.items) out.push_back(group_of(what, each));
    co_return out;
  }

  task<result<feed_part>> read_feed(collection_info const& in, std::string token, std::size_t limit) override {
    need_feeds();
    // A stream without a token begins now, and what was before it could be told by nobody.
    if (token.empty()) co_return fault::gone("feed_expired");
    node after;
    try {
      after = from_json(token);
    } catch (db::value_error const&) {
      co_return fault::malformed("bad_token");
    }
    if (after.kind != node_kind::object) co_return fault::malformed("bad_token");
    answer lost;
    auto const got = co_await ask(of_, [&](driver& d, milliseconds time) {
      auto found = d.watch(std::string{in.name}, after, limit, time);
      if (found.what == problem::refused && is_lost_feed(found.code)) lost = std::exchange(found, {});
      return found;
    });
    if (lost.what != problem::none) co_return fault::gone("feed_expired");
    feed_part out{.entries = {}, .token = std::move(token)};
    if (auto const* events = got.reply.find("events"))
      for (auto const& each : events->items)
        if (auto entry = entry_of(each)) out.entries.push_back(std::move(*entry));
    if (auto const* next = got.reply.find("token"); next != nullptr && next->kind == node_kind::object)
      out.token = to_json(*next);
    co_return out;
  }

  task<std::string> feed_end(collection_info const& in) override {
    need_feeds();
    auto const got =
        co_await ask(of_, [&](driver& d, milliseconds limit) { return d.watch(std::string{in.name}, {}, 0, limit); });
    auto const* token = got.reply.find("token");
    co_return token != nullptr ? to_json(*token) : std::string{};
  }

  clock_source const& clock() const noexcept override { return of_.clock; }

 private:
  static void check_size(node const& document) { (void)to_json(document); }

  void need_feeds() const {
    if (!of_.server.is_replicated())
      throw db::error{"feeds need a MongoDB replica set or sharded cluster; " + of_.server.description +
                      " has no change streams. Leave documents.url empty to have them in the SQL database."};
  }

  task<answer> run(collection_info const& in, node command, bool writes) {
    answer refused;
    auto got = co_await ask(of_, [&](driver& d, milliseconds limit) {
      if (in_ == nullptr) command.add("maxTimeMS", node::of(std::int64_t{limit.count()}));
      auto done = with_write_errors(d.run(command, writes, limit, in_));
      if (is_duplicate(done)) refused = std::exchange(done, {});
      return done;
    });
    if (refused.what != problem::none) co_await name_duplicate(in, refused, {});
    co_return got;
  }

  // Throws. Some servers do not say which index it was; then it is looked for.
  task<> name_duplicate(collection_info const& in, answer const& refused, std::vector<node> const& documents) {
    auto label = duplicate_label(in, refused.message);
    for (std::size_t i = 0; !documents.empty() && label.empty() && i < in.indexes().size(); ++i) {
      auto const& index = in.indexes()[i];
      if (index.unique && in_ == nullptr && co_await is_taken(in, index, documents))
        label = documents::detail::index_label(in, index);
    }
    if (label.empty() && in_ == nullptr && !documents.empty()) label = std::string{in.name} + ".id";
    if (label.empty()) label = in.name;
    throw db::constraint_error{db::constraint_kind::unique, "unique(" + label + ")", refused.message,
                               std::to_string(refused.code)};
  }

  task<bool> is_taken(collection_info const& in, index_info const& index, std::vector<node> const& documents) {
    filter_node any{.op = filter_op::any_of};
    for (auto const& each : documents) {
      filter_node all{.op = filter_op::all_of};
      for (std::size_t i = 0; i < index.size; ++i)
        if (auto const* value = each.at(index.parts[i]->dotted)) {
          auto& same = all.inside.emplace_back(filter_node{.op = filter_op::equal, .at = index.parts[i]});
          same.values.push_back(*value);
        }
      if (all.inside.size() != index.size) continue;
      filter_node other{.op = filter_op::not_equal, .at = &documents::detail::id_place};
      other.values.push_back(*each.find("_id"));
      all.inside.push_back(std::move(other));
      any.inside.push_back(std::move(all));
      if (any.inside.size() == max_in) break;
    }
    co_return co_await count(in, std::move(any)) > 0;
  }

  shared& of_;
  transaction* in_;
};

// What begins takes a place, and gives it back when it is over.
class place {
 public:
  explicit place(shared& of) : of_{of} {
    if (of_.transactions.fetch_add(1) >= of_.most_transactions) {
      of_.transactions.fetch_sub(1);
      throw unavailable_error{"all transactions of documents.connections are taken"};
    }
  }
  place(place const&) = delete;
  place& operator=(place const&) = delete;
  ~place() { of_.transactions.fetch_sub(1); }

 private:
  shared& of_;
};

class mongo_store final : public store {
 public:
  mongo_store(std::unique_ptr<driver> through, settings const& s, blocking_pool& pool, clock_source const& clock)
      : shared_{.through = std::move(through),
                .pool = pool,
                .clock = clock,
                .timeout = s.timeout,
                .most_transactions = s.connections,
                .server = {}},
        plain_{shared_, nullptr} {
    shared_.server = facts_of(*shared_.through, s);
  }

  session& direct() noexcept override { return plain_; }

  task<> prepare(std::vector<collection_info const*> all) override {
    for (auto const* in : all) {
      co_await create(*in);
      for (auto const& index : in->indexes()) co_await create_index(*in, index);
    }
  }

  task<std::int64_t> sweep(std::vector<collection_info const*> all) override {
    std::int64_t count = 0;
    for (auto const* in : all) count += co_await documents::detail::remove_expired(plain_, *in);
    co_return count;
  }

  task<> ping() override {
    auto command = node::object();
    command.add("ping", node::of(1));
    (void)co_await ask(shared_, [&](driver& d, milliseconds limit) { return d.run(command, false, limit, nullptr); });
  }
  std::string description() const override { return shared_.server.description; }

 protected:
  task<> in_transaction(std::function<task<bool>(session&)> work) override {
    if (!shared_.server.is_replicated())
      throw db::error{"transactions need a MongoDB replica set or sharded cluster; " + shared_.server.description +
                      " has none. Leave documents.url empty to have them in the SQL database."};
    place const taken{shared_};
    for (int attempt = 1;; ++attempt) {
      try {
        co_return co_await once(work);
      } catch (db::conflict_error const&) {
        if (attempt == 5) throw;
      }
      co_await sleep_for(milliseconds{5 * attempt});
    }
  }

 private:
  task<> once(std::function<task<bool>(session&)> const& work) {
    std::unique_ptr<mongodb::transaction> open;
    (void)co_await ask(shared_, [&](driver& d, milliseconds) {
      answer problem;
      open = d.begin(problem);
      return problem;
    });
    std::exception_ptr error;
    try {
      mongo_session inside{shared_, open.get()};
      // After it is committed nothing may fail any more: who asked would do all of it again.
      if (co_await work(inside))
        (void)co_await ask(shared_, [&](driver&, milliseconds) {
          auto done = open->commit();
          if (done.what == problem::none) open.reset();
          return done;
        });
    } catch (...) {
      error = std::current_exception();
    }
    if (open) co_await undo(std::move(open));
    if (error) std::rethrow_exception(error);
  }

  // Whatever the state of the operation, and on a thread where it may block: when the pool is full, later.
  task<> undo(std::unique_ptr<mongodb::transaction> open) {
    co_await uncancellable();
    while (open) {
      try {
        co_await shared_.pool.run([&] { open.reset(); });
      } catch (unavailable_error const&) {}
      if (open) co_await sleep_for(milliseconds{5});
    }
  }

  task<> create(collection_info const& in) {
    auto command = node::object();
    command.add("create", node::of(in.name));
    (void)co_await ask(shared_, [&](driver& d, milliseconds limit) {
      auto done = d.run(command, true, limit, nullptr);
      return done.what == problem::refused && done.code == namespace_exists ? answer{} : done;
    });
  }

  task<> create_index(collection_info const& in, index_info const& index) {
    (void)co_await ask(shared_, [&](driver& d, milliseconds limit) {
      auto const make = [&](bool partial) {
        auto command = node::object();
        command.add("createIndexes", node::of(in.name)).add("indexes", node::list({index_of(in, index, partial)}));
        return d.run(command, true, limit, nullptr);
      };
      auto done = make(true);
      if (done.what == problem::refused && done.code == not_implemented) done = make(false);
      if (is_duplicate(done))
        throw startup_error{exit_code::config,
                            "the index unique(" + documents::detail::index_label(in, index) +
                                ") cannot be made, because documents that are there contradict it: " + done.message};
      return done;
    });
  }

  shared shared_;
  mongo_session plain_;
};

}  // namespace

std::unique_ptr<store> make_store(std::unique_ptr<driver> through, settings const& s, blocking_pool& pool,
                                  clock_source const& clock) {
  return std::make_unique<mongo_store>(std::move(through), s, pool, clock);
}

}  // namespace slipway::documents::mongodb
