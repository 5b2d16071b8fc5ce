// A small API for the tests: every kind of parameter and result once.
#pragma once

#include <slipway/api/router.hpp>
#include <slipway/api/upload.hpp>
#include <slipway/core/errors.hpp>

#include <functional>
#include <map>
#include <optional>

namespace shop {

using namespace slipway;

enum class right : unsigned { restock };
BOOST_DESCRIBE_ENUM(right, restock)

struct item {
  id_of<item> id;
  std::string name;
  int count = 0;
};
BOOST_DESCRIBE_STRUCT(item, (), (id, name, count))

struct new_item {
  std::string name;
  int count = 0;
};
BOOST_DESCRIBE_STRUCT(new_item, (), (name, count))

enum class order { name, count };
BOOST_DESCRIBE_ENUM(order, name, count)

struct item_query {
  std::string q;
  order sort = order::name;
  std::vector<std::string> tag;
  std::optional<int> at_least;
  int limit = 2;
};
BOOST_DESCRIBE_STRUCT(item_query, (), (q, sort, tag, at_least, limit))

class one_piece final : public http::body_source {
 public:
  explicit one_piece(std::string text) : text_{std::move(text)} {}
  task<std::string_view> next() override { co_return std::exchange(given_, true) ? std::string_view{} : text_; }

 private:
  std::string text_;
  bool given_ = false;
};

class counter {
 public:
  task<result<created<item>>> create(body<new_item> in) {
    ++created_count;
    if (after_create) after_create();
    item made{id_of<item>::make(), in->name, in->count};
    co_return created{made, location("/v1/items/{}", made.id)};
  }
  task<result<versioned<item>>> show(path<id_of<item>> id) {
    if (id.value == missing) co_return fault::not_found().internal("row 42 of shelf 7");
    co_return versioned{item{id, "nail", 3}, etag_of(5)};
  }
  task<result<item>> change(scope who, path<id_of<item>> id, if_match seen, body<new_item> in) {
    if (!seen.matches(etag_of(5))) co_return fault::precondition_failed();
    last_user = who.user().value;
    co_return item{id, in->name, in->count};
  }
  task<result<no_content>> remove(path<id_of<item>>, std::optional<if_match> seen) {
    if (seen && !seen->any() && !seen->matches(etag_of(5))) co_return fault::precondition_failed();
    ++removed_count;
    co_return no_content{};
  }
  // Pages of a query that takes a cursor, whatever it is.
  task<result<page<item>>> walk(http::exchange&) {
    page<item> out;
    out.next = "abc";
    co_return out;
  }
  task<result<page<item>>> list(query<item_query> in) {
    last_query = *in;
    page<item> out;
    out.items = {{id_of<item>{}, "nail", 3}, {id_of<item>{}, "screw", 5}};
    out.next = "abc";
    co_return out;
  }
  task<result<no_content>> restock(scope) { co_return no_content{}; }
  task<result<item>> broken() {
    throw std::runtime_error{"the secret of the cellar"};
    co_return item{};
  }
  task<result<item>> busy() {
    throw unavailable_error{"pool of the cellar is full", std::chrono::seconds{7}};
    co_return item{};
  }
  task<result<item>> unfit() {
    struct unfit_error : std::runtime_error, unprocessable {
      using std::runtime_error::runtime_error;
    };
    throw unfit_error{"the drawer of the cellar takes no NUL"};
    co_return item{};
  }
  task<result<payload>> text(header<"X-Name"> name, cookie<"color"> color, client from) {
    co_return payload{"text/plain", name.value + "/" + color.value + "/" + from.address};
  }

  task<result<item>> load(upload<"list"> in) {
    auto& file = *co_await ok(in.file());
    auto const name = file.file_name();
    auto const text = co_await file.text();
    co_await ok(in.end());
    co_return item{id_of<item>{}, name, static_cast<int>(text.size())};
  }
  task<result<download>> unload() {
    co_return download{"text/csv", "n\xc3\xa4gel.csv", std::make_unique<one_piece>("nail,3")};
  }
  task<result<with_status<item, 503>>> stock() { co_return with_status<item, 503>{503, {{}, "nail", 0}, "no-store"}; }

  task<result<accepted<item>>> count_stock() { co_return accepted<item>{{id_of<item>{}, "nail", 0}, "/v1/counts/7"}; }

  int created_count = 0, removed_count = 0;
  std::function<void()> after_create;
  uuid last_user;
  item_query last_query;
  id_of<item> missing = id_of<item>::make();
};

inline void routes(api::router& r, counter& c, bool idempotent = false) {
  using namespace slipway::api;
  r.post("/v1/items", c, &counter::create,
         {.summary = "Add an item",
          .access = everyone,
          .limit = 5_per_minute,
          .faults = {conflict("name_taken")},
          .name = "items.create",
          .idempotency_key = idempotent});
  r.get("/v1/items", c, &counter::list, {.summary = "List", .access = everyone, .name = "items.list", .sparse = true});
  r.get("/v1/items/{id}", c, &counter::show,
        {.summary = "Show", .access = everyone, .name = "items.show", .sparse = true});
  r.patch("/v1/items/{id}", c, &counter::change, {.summary = "Change", .access = signed_in, .name = "items.change"});
  r.del("/v1/items/{id}", c, &counter::remove, {.summary = "Remove", .access = everyone, .name = "items.remove"});
  r.get("/v1/walk", c, &counter::walk, {.summary = "Walk", .access = everyone});
  r.post("/v1/restock", c, &counter::restock, {.summary = "Restock", .access = needs(right::restock)});
  r.get("/v1/broken", c, &counter::broken, {.summary = "Broken", .access = everyone});
  r.post("/v1/list", c, &counter::load, {.summary = "Load", .access = everyone});
  r.get("/v1/list", c, &counter::unload,
        {.summary = "Unload",
         .access = everyone,
         .faults = {not_acceptable},
         .answer_media_type = "text/csv",
         .other_media_types = {"application/x-ndjson"}});
  r.get("/v1/stock", c, &counter::stock, {.summary = "Stock", .access = everyone});
  r.get("/v1/unfit", c, &counter::unfit, {.summary = "Unfit", .access = everyone});
  r.get("/v1/busy", c, &counter::busy, {.summary = "Busy", .access = everyone});
  r.get("/v1/text", c, &counter::text,
        {.summary = "Text",
         .access = everyone,
         .deprecated_since = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1},
         .sunset = std::chrono::sys_days{std::chrono::year{2027} / 1 / 1},
         .successor = "/v2/text",
         .examples = {{"X-Name", R"("Ada")"}, {"color", R"("red")"}}});
  r.get("/v2/text", c, &counter::text, {.summary = "Text", .access = everyone});
  r.post("/v1/counts", c, &counter::count_stock, {.summary = "Count", .access = everyone});
}

}  // namespace shop

template <>
inline constexpr auto slipway::rules_of<shop::new_item> =
    slipway::rules(field(&shop::new_item::name).not_blank().max_length(10),
                   field(&shop::new_item::count).optional().minimum(0).maximum(100));
template <>
inline constexpr auto slipway::rules_of<shop::item_query> =
    slipway::rules(field(&shop::item_query::q).optional().max_length(5), field(&shop::item_query::sort).optional(),
                   field(&shop::item_query::limit).optional().minimum(1).maximum(10));
