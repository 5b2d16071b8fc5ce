// Values for tests and development: any described struct, filled with what looks like real data and keeps the rules of
// its type. The same seed and the same calls give the same values.
//
//   seeded_random random{1};
//   factories::factory make{random};
//   auto ann  = make.one<user>();
//   auto mine = make.many<note>(20, [&](note& n) { n.owner_id = ann.id; });
//   co_await db.insert_many(std::move(mine));
//
// A text is made for its member's name (email, name, title, body, city, phone, url, ...), else of words. A member with a
// format of the application's own gets its example, or keeps what the struct begins with. Members that are optional are
// left out at times; dynamic JSON is left as it is. E-mail addresses are below example.com and differ from each other.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/id.hpp>
#include <slipway/core/random.hpp>
#include <slipway/meta/description.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::factories {

class factory {
 public:
  // Both must outlive it. Times are in the thirty days before now.
  explicit factory(random_source& random, clock_source const& clock = system_clock()) noexcept
      : random_{random}, clock_{clock} {}

  template <meta::described T>
  T one() {
    T out{};
    fill(meta::describe<T>, &out);
    return out;
  }
  // With what this test is about changed: `change(T&)`.
  template <meta::described T, std::invocable<T&> Change>
  T one(Change change) {
    auto out = one<T>();
    change(out);
    return out;
  }
  template <meta::described T, std::invocable<T&> Change>
  std::vector<T> many(std::size_t count, Change change) {
    std::vector<T> out;
    out.reserve(count);
    while (out.size() < count) out.push_back(one<T>(change));
    return out;
  }
  template <meta::described T>
  std::vector<T> many(std::size_t count) {
    return many<T>(count, [](T&) {});
  }

  std::string name();
  std::string email();  // another one at each call
  std::string word();
  std::string words(std::size_t count);
  std::string sentence();
  std::string paragraph();
  time_point recent();
  uuid id();

  // For whoever has the table and not the type.
  void fill(meta::type const& type, void* value);

 private:
  void fill_member(meta::member const& of, void* value);
  void fill_value(meta::type const& type, void* value, meta::attributes const& about, std::string_view name);
  void fill_list(meta::type const& type, void* value, meta::attributes const& about, std::string_view name);
  void fill_map(meta::type const& type, void* value, meta::attributes const& about, std::string_view name);
  void fill_scalar(meta::type const& type, void* value);
  std::string text_for(meta::attributes const& about, std::string_view name);
  std::string plausible(std::string_view name);
  std::int64_t integer_for(meta::type const& type, meta::attributes const& about);
  double number_for(meta::attributes const& about);
  std::size_t count_for(meta::attributes const& about);
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }

  random_source& random_;
  clock_source const& clock_;
  std::size_t emails_ = 0;
};

}  // namespace slipway::factories
