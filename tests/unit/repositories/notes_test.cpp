// What must not compile: a way to an owned row that does not ask who is asking.
#include "repositories/notes.hpp"

#include <gtest/gtest.h>

#include <type_traits>

namespace {

using namespace app;

template <class R>
concept finds_without_scope = requires(R& rows, id_of<note> id) { rows.find(id); };
template <class R>
concept removes_without_scope = requires(R& rows, id_of<note> id) { rows.remove(id); };
template <class R>
concept lists_without_scope = requires(R& rows, note_query q) { rows.list(q); };
template <class R>
concept finds_by_the_id_of_something_else = requires(R& rows, scope who, id_of<user> id) { rows.find(who, id); };
template <class R>
concept finds_properly = requires(R& rows, scope who, id_of<note> id) { rows.find(who, id); };

TEST(notes, are_reached_through_a_scope_or_not_at_all) {
  static_assert(!std::is_default_constructible_v<scope>);
  static_assert(!finds_without_scope<repositories::notes>);
  static_assert(!removes_without_scope<repositories::notes>);
  static_assert(!lists_without_scope<repositories::notes>);
  static_assert(!finds_by_the_id_of_something_else<repositories::notes>);
  static_assert(finds_properly<repositories::notes>);  // so that the others fail for the right reason
}

}  // namespace
