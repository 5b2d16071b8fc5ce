// What there is to say about a collection beside its struct, checked at compile time:
//
//   template <>
//   inline constexpr auto slipway::documents::collection_of<person> =
//       collection_named<person>("people")
//           .version(col<&person::version>)
//           .timestamps(col<&person::created_at>, col<&person::updated_at>)
//           .unique(col<&person::email>)
//           .index(col<&person::home, &address::city>, col<&person::age>)
//           .expires_after(col<&person::seen_at>, std::chrono::days{30})
//           .feed();
//
// The struct's member `id` is the key: an id_of<T>, a uuid or a std::string.
#pragma once

#include <slipway/documents/path.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace slipway::documents {

struct index_info {
  static constexpr std::size_t max_parts = 4;
  std::array<path_info const*, max_parts> parts{};
  std::uint8_t size = 0;
  bool unique = false;
};

enum class key_kind : std::uint8_t { uuid, text };

struct collection_info {
  static constexpr std::size_t max_indexes = 16;

  std::string_view name;  // lower-case letters, digits and _
  meta::type const* of = nullptr;
  std::span<path_info const> members{};  // of the struct, in their order
  key_kind key = key_kind::uuid;
  path_info const* version = nullptr;
  path_info const* created_at = nullptr;
  path_info const* updated_at = nullptr;
  std::array<index_info, max_indexes> all_indexes{};
  std::uint8_t index_count = 0;
  path_info const* expires_by = nullptr;
  std::chrono::microseconds expires_after{0};
  bool has_feed = false;
  std::chrono::microseconds feed_kept{0};

  std::span<index_info const> indexes() const noexcept { return {all_indexes.data(), index_count}; }
};

namespace detail {

consteval bool is_collection_name(std::string_view name) {
  if (name.empty() || name.size() > 40) return false;
  for (auto c : name)
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_') return false;
  return name.front() >= 'a' && name.front() <= 'z';
}

template <class T>
inline constexpr auto member_paths = [] {
  constexpr auto const& members = meta::describe<T>.members;
  std::array<path_info, meta::describe<T>.members.size()> out{};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = {members[i].name, members[i].of->what == meta::kind::optional ? members[i].of->element : members[i].of};
  return out;
}();

}  // namespace detail

template <class T>
class collection_traits {
 public:
  consteval explicit collection_traits(std::string_view name) {
    static_assert(requires(T t) { t.id; }, "a document has a member `id`");
    using id_type = decltype(T::id);
    static_assert(std::is_same_v<id_type, std::string> || meta::describe<id_type>.what == meta::kind::uuid,
                  "the id of a document is an id_of<T>, a uuid or a std::string");
    if (!detail::is_collection_name(name))
      throw "the name of a collection has 1 to 40 lower-case letters, digits and _, and begins with a letter";
    info_.name = name;
    info_.of = &meta::describe<T>;
    info_.members = detail::member_paths<T>;
    info_.key = std::is_same_v<id_type, std::string> ? key_kind::text : key_kind::uuid;
  }

  // Counts the changes of a document: `replace` refuses one that somebody changed meanwhile.
  template <auto M>
  consteval collection_traits version(path_of<M>) const {
    static_assert(std::is_same_v<detail::type_of<M>, std::int64_t>, "the version is a std::int64_t");
    auto out = *this;
    out.info_.version = &path_of<M>::info;
    return out;
  }
  template <auto Created, auto Updated>
  consteval collection_traits timestamps(path_of<Created>, path_of<Updated>) const {
    static_assert(
        std::is_same_v<detail::type_of<Created>, time_point> && std::is_same_v<detail::type_of<Updated>, time_point>,
        "timestamps are of the type time_point");
    auto out = *this;
    out.info_.created_at = &path_of<Created>::info;
    out.info_.updated_at = &path_of<Updated>::info;
    return out;
  }
  // Over one place or up to four together. Documents that lack one of them are not in each other's way.
  template <auto... Path, class... More>
  consteval collection_traits unique(path_of<Path...> first, More... more) const {
    return with_index(true, first, more...);
  }
  template <auto... Path, class... More>
  consteval collection_traits index(path_of<Path...> first, More... more) const {
    return with_index(false, first, more...);
  }
  // Documents whose time at this place is older than this are removed by `store::sweep`.
  template <auto... Path>
  consteval collection_traits expires_after(path_of<Path...>, std::chrono::microseconds age) const {
    static_assert(std::is_same_v<typename path_of<Path...>::value_type, time_point>,
                  "documents expire by a time_point");
    auto out = with_index(false, path_of<Path...>{});
    out.info_.expires_by = &path_of<Path...>::info;
    out.info_.expires_after = age;
    return out;
  }
  // Changes can be followed (feed.hpp), and are kept for so long on SQL engines. It costs each change one more row.
  consteval collection_traits feed(std::chrono::microseconds kept = std::chrono::days{7}) const {
    auto out = *this;
    out.info_.has_feed = true;
    out.info_.feed_kept = kept;
    return out;
  }

  constexpr collection_info const& info() const noexcept { return info_; }

 private:
  template <class... Paths>
  consteval collection_traits with_index(bool unique, Paths...) const {
    static_assert(sizeof...(Paths) <= index_info::max_parts, "an index has at most four parts");
    static_assert((std::is_same_v<typename Paths::document, T> && ...), "a path of another collection's documents");
    static_assert((detail::is_single(*Paths::info.of) && ...),
                  "an index is over single values, not over lists, maps and structs");
    auto out = *this;
    if (out.info_.index_count == collection_info::max_indexes) throw "a collection has at most 16 indexes";
    auto& made = out.info_.all_indexes[out.info_.index_count++];
    made.unique = unique;
    ((made.parts[made.size++] = &Paths::info), ...);
    return out;
  }

  collection_info info_;
};

template <class T>
consteval collection_traits<T> collection_named(std::string_view name) {
  return collection_traits<T>{name};
}

// Specialised for every type that is the document of a collection.
template <class T>
inline constexpr int collection_of = 0;

template <class T>
concept document = requires { collection_of<T>.info(); };

template <document T>
inline constexpr collection_info const& info_of = collection_of<T>.info();

}  // namespace slipway::documents
