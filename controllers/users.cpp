#include "controllers/users.hpp"

#include "controllers/pages.hpp"

namespace app::controllers {

task<result<created<user_view>>> users::create(body<sign_up> in) {
  auto account = co_await ok(service_.register_new(std::move(in.value)));
  co_return created{view_of(account), location("/v1/users/{}", account.id)};
}

task<result<user_view>> users::show(scope who, path<id_of<user>> id) {
  co_return view_of(co_await ok(service_.show(who, id.value)));
}

task<result<user_view>> users::show_me(scope who) { co_return view_of(co_await ok(service_.show(who, who.user()))); }

task<result<user_view>> users::change_me(scope who, body<profile_change> in) {
  co_return view_of(co_await ok(service_.change_profile(who, std::move(in.value))));
}

task<result<no_content>> users::change_my_password(scope who, client from, body<password_change> in) {
  co_await ok(service_.change_password(who, std::move(in.value), std::move(from.network)));
  co_return no_content{};
}

task<result<no_content>> users::close_me(scope who) {
  co_await ok(service_.close(who));
  co_return no_content{};
}

task<result<page<user_view>>> users::list(query<user_query> in) {
  co_return views_of(co_await ok(service_.list(std::move(in.value))));
}

}  // namespace app::controllers
