// A note: the resource to copy when you write your own.
#pragma once

#include "models/user.hpp"

#include <vector>

namespace app {

struct note {
  id_of<note> id;
  id_of<user> owner_id;
  std::string title;
  std::string body;
  std::vector<std::string> tags;
  bool pinned = false;
  std::int64_t version = 1;
  time_point created_at{}, updated_at{};
  std::optional<time_point> deleted_at;
};
BOOST_DESCRIBE_STRUCT(note, (), (id, owner_id, title, body, tags, pinned, version, created_at, updated_at, deleted_at))

struct note_view {
  id_of<note> id;
  std::string title;
  std::string body;
  std::vector<std::string> tags;
  bool pinned = false;
  time_point created_at{}, updated_at{};
};
BOOST_DESCRIBE_STRUCT(note_view, (), (id, title, body, tags, pinned, created_at, updated_at))

struct new_note {
  std::string title;
  std::string body;
  std::vector<std::string> tags;
  bool pinned = false;
};
BOOST_DESCRIBE_STRUCT(new_note, (), (title, body, tags, pinned))

// A merge patch (RFC 7396): what is absent stays as it is.
struct note_change {
  change<std::string> title;
  change<std::string> body;
  change<std::vector<std::string>> tags;
  change<bool> pinned;
};
BOOST_DESCRIBE_STRUCT(note_change, (), (title, body, tags, pinned))

enum class note_order { newest, oldest, title, updated };
BOOST_DESCRIBE_ENUM(note_order, newest, oldest, title, updated)

struct note_query {
  std::string q;
  std::string tag;
  std::optional<bool> pinned;
  note_order sort = note_order::newest;
  std::string cursor;
  int limit = 20;
};
BOOST_DESCRIBE_STRUCT(note_query, (), (q, tag, pinned, sort, cursor, limit))

inline note_view view_of(note const& n) {
  return {n.id, n.title, n.body, n.tags, n.pinned, n.created_at, n.updated_at};
}

}  // namespace app

template <>
inline constexpr auto slipway::db::table_of<app::note> =
    slipway::db::table<app::note>("notes")
        .soft_delete(&app::note::deleted_at)
        .timestamps(&app::note::created_at, &app::note::updated_at)
        .version(&app::note::version)
        .index(&app::note::owner_id, &app::note::created_at, &app::note::id)
        .personal(&app::note::title, &app::note::body, &app::note::tags);

template <>
inline constexpr auto slipway::rules_of<app::new_note> = slipway::rules(
    field(&app::new_note::title).not_blank().max_length(200).example(R"("Groceries")"),
    field(&app::new_note::body).optional().max_length(50'000).example(R"("Bread, butter")"),
    field(&app::new_note::tags).optional().max_items(20).max_length(100).unique_items().example(R"(["home"])"),
    field(&app::new_note::pinned).optional().example("true"));

template <>
inline constexpr auto slipway::rules_of<app::note_view> = slipway::rules(
    field(&app::note_view::id).example(R"("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")"),
    field(&app::note_view::title).example(R"("Groceries")"), field(&app::note_view::body).example(R"("Bread, butter")"),
    field(&app::note_view::tags).example(R"(["home"])"), field(&app::note_view::pinned).example("true"),
    field(&app::note_view::created_at).example(R"("2026-03-01T09:30:00Z")"),
    field(&app::note_view::updated_at).example(R"("2026-03-02T18:05:00Z")"));

template <>
inline constexpr auto slipway::rules_of<app::note_change> =
    slipway::rules(field(&app::note_change::title).not_blank().max_length(200).example(R"("Groceries for Sunday")"),
                   field(&app::note_change::body).max_length(50'000).example(R"("Bread, butter, eggs")"),
                   field(&app::note_change::tags).max_items(20).max_length(100).unique_items().example(R"(["home"])"),
                   field(&app::note_change::pinned).example("true"));

template <>
inline constexpr auto slipway::rules_of<app::note_query> = slipway::rules(
    field(&app::note_query::q)
        .optional()
        .max_length(100)
        .example(R"("groceries")")
        .help("Part of the title or the body"),
    field(&app::note_query::tag).optional().max_length(100).example(R"("home")").help("Only notes with this tag"),
    field(&app::note_query::pinned).example("true").help("Only pinned notes, or only the others"),
    field(&app::note_query::sort).optional().example(R"("newest")").help("The order of the list"),
    field(&app::note_query::cursor)
        .optional()
        .max_length(1'200)  // it holds the last title of a page: 200 characters of up to four bytes, as base64url
        .example(R"("")")
        .help("The `next` of the page before; without it, the first page"),
    field(&app::note_query::limit).optional().minimum(1).maximum(100).example("20").help("Notes on a page"));
