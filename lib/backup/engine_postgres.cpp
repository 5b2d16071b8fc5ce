// PostgreSQL by pg_dump and pg_restore, which know every version's details; of one moment, and in one transaction.
#include <slipway/backup/engine.hpp>
#include <slipway/backup/postgres_tools.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/core/server_url.hpp>

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>

namespace slipway::backup {

postgres_tools::postgres_tools(std::string const& url, std::string client_directory)
    : client_directory_{std::move(client_directory)} {
  auto parsed = boost::urls::parse_uri(url);
  if (!parsed || has_stray_at(url))
    throw startup_error{exit_code::config, "database.url is no URL: postgres://user:password@host:5432/database"};
  boost::urls::url clean{*parsed};
  if (clean.has_password()) environment_["PGPASSWORD"] = clean.password();
  // libpq takes the password as a parameter as well, and everybody on the machine may read the tool's arguments.
  auto parameters = clean.params(boost::urls::encoding_opts{false});  // a + is a plus there
  for (auto each = parameters.begin(); each != parameters.end();) {
    if ((*each).key != "password") {
      ++each;
      continue;
    }
    environment_["PGPASSWORD"] = (*each).value;
    each = parameters.erase(each);
  }
  url_ = clean.remove_password().buffer();
}

tool postgres_tools::make(std::string const& program, std::vector<std::string> arguments) const {
  tool out{.environment = environment_};
  out.command.push_back(client_directory_.empty() ? program : client_directory_ + "/" + program);
  out.command.insert(out.command.end(), arguments.begin(), arguments.end());
  return out;
}

namespace detail {
namespace {

class postgres_engine final : public engine {
 public:
  postgres_engine(std::string const& url, std::string const& client_directory) : tools_{url, client_directory} {}
  std::string name() const override { return "postgres"; }
  std::string suffix() const override { return "dump"; }

  void dump(sink& to) override {
    // Uncompressed, because what follows compresses; owners and grants are those of the database restored into.
    run_into(tools_.make("pg_dump", {"--format=custom", "--compress=0", "--no-owner", "--no-privileges",
                                     "--lock-wait-timeout=30s", "--dbname", tools_.url()}),
             to);
  }

  void restore(source& from, bool overwrite) override {
    if (auto const count = run(tools_.make("psql", {"-XqAt", "--dbname", tools_.url(), "-c",
                                                    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = "
                                                    "c.relnamespace WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN "
                                                    "('pg_catalog', 'information_schema')"}));
        count != "0\n" && !overwrite)
      throw startup_error{exit_code::data,
                          "the database has tables already: say --overwrite to replace them, or restore "
                          "into an empty one"};
    run_from(tools_.make("pg_restore", {"--clean", "--if-exists", "--no-owner", "--no-privileges",
                                        "--single-transaction", "--exit-on-error", "--dbname", tools_.url()}),
             from);
  }

  void verify(source& from, std::filesystem::path const&) override {
    // Turned into SQL in full, which reads every row of it; the database is not touched.
    run_from(tools_.make("pg_restore", {"--file", "/dev/null"}), from);
  }

 private:
  postgres_tools tools_;
};

}  // namespace

std::unique_ptr<engine> make_postgres(std::string const& url, std::string const& client_directory) {
  return std::make_unique<postgres_engine>(url, client_directory);
}

}  // namespace detail
}  // namespace slipway::backup
