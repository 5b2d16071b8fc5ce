#include <slipway/db/postgres_connect.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/server_url.hpp>

#include <libpq-fe.h>

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <vector>

namespace slipway::db::detail {

void finish_connection::operator()(pg_conn* connection) const noexcept { PQfinish(connection); }
namespace {

constexpr int oldest_version = 12'00'00;

struct free_options {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

std::string trimmed(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

// What stands before the URL is a default; what stands after it has the last word.
std::vector<std::pair<std::string, std::string>> parameters_of(settings const& s) {
  auto const seconds =
      std::max<std::int64_t>(2, (s.connect_timeout.count() + 999) / 1000);  // libpq knows no less than two
  return {{"application_name", "slipway"}, {"connect_timeout", std::to_string(seconds)},
          {"gssencmode", "disable"},       {"tcp_user_timeout", "15000"},
          {"keepalives_idle", "30"},       {"keepalives_interval", "5"},
          {"keepalives_count", "3"},       {"dbname", s.url},
          {"client_encoding", "UTF8"}};
}

template <class F>
auto with_parameters(settings const& s, F use) {
  auto const all = parameters_of(s);
  std::vector<char const*> names, values;
  for (auto const& [name, value] : all) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  return use(names.data(), values.data());
}

bool is_final(settings const& s, std::string const& message) {
  for (std::string_view passing :
       {"too many", "remaining connection slots", "starting up", "shutting down", "recovery"})
    if (message.find(passing) != std::string::npos) return false;
  for (std::string_view lasting :
       {"certificate", "does not match host name", "does not support SSL", "channel binding", "sslmode", "too old"})
    if (message.find(lasting) != std::string::npos) return true;
  // The server answers others, so what it refuses is us: password, user, database or encryption.
  return with_parameters(s, [](auto names, auto values) { return PQpingParams(names, values, 1); }) == PQPING_OK;
}

}  // namespace

std::string place_of(settings const& s) {
  char* error = nullptr;
  std::unique_ptr<PQconninfoOption, free_options> const options{PQconninfoParse(s.url.c_str(), &error)};
  PQfreemem(error);  // it repeats the URL with its password
  if (options == nullptr || has_stray_at(s.url))
    throw startup_error{exit_code::config,
                        "database.url: this is no URL for PostgreSQL. Write "
                        "postgres://user:password@host:5432/database?sslmode=verify-full, with %40 for @ and %2F for / "
                        "in the password"};
  std::string host = "localhost", port = "5432", name;
  for (auto const* each = options.get(); each->keyword != nullptr; ++each) {
    if (each->val == nullptr) continue;
    if (std::string_view{each->keyword} == "host") host = each->val;
    if (std::string_view{each->keyword} == "port") port = each->val;
    if (std::string_view{each->keyword} == "dbname") name = each->val;
  }
  return host + ":" + port + (name.empty() ? "" : ", database " + name);
}

std::string place_of_one(settings s, std::string url, std::string const& name) {
  s.url = std::move(url);
  std::string place;
  try {
    place = place_of(s);
  } catch (startup_error const&) {
    throw startup_error{exit_code::config,
                        name + ": '" + without_password(s.url) +
                            "' is no URL for PostgreSQL. Write postgres://user:password@host:5432/database, with %40 "
                            "for @ and %2F for / in the password"};
  }
  if (place.substr(0, place.find(", database")).find(',') != std::string::npos)
    throw startup_error{exit_code::config, name +
                                               ": name one server here, and the others in database.replicas; which "
                                               "of them is the primary is found out"};
  return place;
}

// PQexec would wait for ever.
void run_texts(PGconn* on, std::string const& texts, std::chrono::milliseconds limit) {
  auto const end = std::chrono::steady_clock::now() + limit;
  auto const refuse = [on](char const* otherwise) {
    auto const message = trimmed(PQerrorMessage(on));
    throw connect_error{message.empty() ? otherwise : message, false};
  };
  if (PQsendQuery(on, texts.c_str()) == 0) refuse("the text could not be sent");
  for (bool good = true;;) {
    while (PQisBusy(on) == 0) {
      auto* answer = PQgetResult(on);
      if (answer == nullptr) {
        if (!good) refuse("the server says no");
        return;
      }
      good = good && PQresultStatus(answer) == PGRES_COMMAND_OK;
      PQclear(answer);
    }
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    pollfd waiting{PQsocket(on), POLLIN, 0};
    if (left <= 0 || (::poll(&waiting, 1, static_cast<int>(left)) < 0 && errno != EINTR))
      refuse("the server is silent");
    if (PQconsumeInput(on) == 0) refuse("the connection was lost");
  }
}

pg_handle open_connection(settings const& s) {
  pg_handle connection{with_parameters(s, [](auto names, auto values) { return PQconnectdbParams(names, values, 1); })};
  if (connection == nullptr) throw std::bad_alloc{};
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    auto const message = trimmed(PQerrorMessage(connection.get()));
    throw connect_error{message, is_final(s, message)};
  }
  if (auto const version = PQserverVersion(connection.get()); version < oldest_version)
    throw connect_error{"the server is PostgreSQL " + std::to_string(version / 10'000) + "." +
                            std::to_string(version % 10'000) + ", which is too old: PostgreSQL " +
                            std::to_string(oldest_version / 10'000) + " or newer is needed",
                        true};
  // Its bytes are read and written here, which TLS allows and GSS does not.
  if (PQgssEncInUse(connection.get()) != 0 ||
      (PQsslInUse(connection.get()) != 0 && PQsslStruct(connection.get(), "OpenSSL") == nullptr))
    throw connect_error{
        "the connection is encrypted by GSSAPI or by a TLS library that is not OpenSSL: leave "
        "gssencmode out of database.url and use sslmode=verify-full",
        true};
  PQsetNoticeReceiver(connection.get(), [](void*, PGresult const*) {}, nullptr);
  auto const set_up = "set timezone = 'UTC'; set statement_timeout = " + std::to_string(s.statement_timeout.count()) +
                      "; set client_min_messages = warning";
  run_texts(connection.get(), set_up, s.connect_timeout);
  if (PQsetnonblocking(connection.get(), 1) != 0) throw connect_error{trimmed(PQerrorMessage(connection.get())), false};
  return connection;
}

}  // namespace slipway::db::detail
