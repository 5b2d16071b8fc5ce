// Calls routes of an api::router without a socket: a request is put together by hand, and the layers and the handler
// run as the server would run them.
#pragma once

#include <slipway/api/router.hpp>
#include <slipway/json/value.hpp>
#include <slipway/runtime/shards.hpp>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace slipway::api::test {

struct answer {
  int status;
  std::string media_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string internal;

  std::string header(std::string_view name) const {
    for (auto const& [n, v] : headers)
      if (http::equal_names(n, name)) return v;
    return {};
  }
  json::value json() const { return json::parse(body).value(); }
  std::string code() const { return std::string{json().at("code").as_string()}; }
};

class caller {
 public:
  explicit caller(router& r) : router_{r} {}
  void through(http::middleware& layer) { layers_.push_back(&layer); }

  answer call(http::method verb, std::string target, std::string body = {},
              std::vector<std::pair<std::string, std::string>> headers = {}) {
    bool const typed =
        std::ranges::any_of(headers, [](auto const& h) { return http::equal_names(h.first, "content-type"); });
    if (!body.empty() && !typed) headers.emplace_back("Content-Type", "application/json");
    return on_.run(run(*this, verb, std::move(target), std::move(body), std::move(headers)));
  }

 private:
  static task<answer> run(caller& self, http::method verb, std::string target, std::string body,
                          std::vector<std::pair<std::string, std::string>> headers) {
    http::exchange x;
    std::vector<http::field> fields;
    for (auto const& [name, value] : headers) fields.push_back({name, value});
    x.request.verb = verb;
    x.request.method_text = http::to_string(verb);
    x.request.target = target;
    x.request.path = std::string_view{target}.substr(0, target.find('?'));
    if (auto const q = target.find('?'); q != std::string::npos)
      x.request.query = std::string_view{target}.substr(q + 1);
    x.request.fields = fields;
    x.request.body = body;
    x.request.peer.address = "192.0.2.1";
    x.operation.correlation_id = "test-correlation";
    auto const match = self.router_.table().find(x.request, x.memory);
    x.route = match.found;
    std::size_t entered = 0;
    bool go_on = true;
    while (go_on && entered < self.layers_.size()) go_on = self.layers_[entered++]->before(x);
    if (go_on) {
      try {
        if (x.route == nullptr) {
          x.response.status = match.allow.empty() ? 404 : 405;
          write_error_page(x);
        } else if (x.route->layers.empty()) {
          co_await x.route->handle(x);
        } else {
          co_await x.route->layers[0]->around(x, x.route->handle);
        }
      } catch (...) {
        write_exception(x, std::current_exception());
      }
    }
    while (entered > 0) self.layers_[--entered]->after(x);
    if (x.response.stream) {
      for (auto piece = co_await x.response.stream->next(); !piece.empty(); piece = co_await x.response.stream->next())
        x.response.owned += piece;
      x.response.body = x.response.owned;
    }
    answer out{
        x.response.status, std::string{x.response.content_type}, std::string{x.response.body}, {}, x.internal_error};
    for (std::size_t i = 0; i < x.response.field_count; ++i)
      out.headers.emplace_back(x.response.field_storage[i].name, x.response.field_storage[i].value);
    co_return out;
  }

  router& router_;
  shards on_{1};
  std::vector<http::middleware*> layers_;
};

}  // namespace slipway::api::test
