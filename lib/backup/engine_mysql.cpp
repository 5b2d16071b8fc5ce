// MariaDB and MySQL by mariadb-dump and mariadb, which know every version's details; of one moment. The way back is not
// one transaction, because these servers commit at each change of a table: restore into a new database and switch over.
#include <slipway/backup/engine.hpp>
#include <slipway/backup/tool.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/core/server_url.hpp>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace slipway::backup::detail {
namespace {

class mysql_engine final : public engine {
 public:
  mysql_engine(std::string const& url, std::string client_directory) : client_directory_{std::move(client_directory)} {
    auto const parsed = boost::urls::parse_uri(url);
    if (!parsed || has_stray_at(url) || parsed->segments().empty())
      throw startup_error{exit_code::config, "database.url is no URL: mysql://user:password@host:3306/database"};
    connection_ = {"--host=" + parsed->host(), "--user=" + parsed->user(), "--protocol=tcp"};
    if (parsed->has_port()) connection_.push_back("--port=" + std::string{parsed->port()});
    if (parsed->has_password()) environment_["MYSQL_PWD"] = parsed->password();
    database_ = parsed->segments().front();
  }
  std::string name() const override { return "mysql"; }
  std::string suffix() const override { return "sql"; }

  void dump(sink& to) override {
    run_into(make("mariadb-dump", {"--single-transaction", "--quick", "--routines", "--triggers", "--events",
                                   "--hex-blob", "--default-character-set=utf8mb4", "--", database_}),
             to);
  }

  void restore(source& from, bool overwrite) override {
    auto const count = run(make("mariadb", {"--batch", "--skip-column-names", "--execute",
                                            "SELECT count(*) FROM information_schema.tables WHERE table_schema = "
                                            "database()",
                                            "--", database_}));
    if (count != "0\n" && !overwrite)
      throw startup_error{exit_code::data,
                          "the database has tables already: restore into an empty one, or say "
                          "--overwrite to replace those of the backup one by one"};
    run_from(make("mariadb", {"--default-character-set=utf8mb4", "--", database_}), from);
  }

  // A dump says at its end that it is complete; the seal has proved the rest.
  void verify(source& from, std::filesystem::path const&) override {
    std::string end;
    std::vector<std::byte> piece(std::size_t{64} << 10);
    while (auto const n = from.read(piece)) {
      end.append(reinterpret_cast<char const*>(piece.data()), n);
      if (end.size() > 400) end.erase(0, end.size() - 400);
    }
    if (end.find("-- Dump completed") == std::string::npos)
      throw startup_error{exit_code::data, "the dump in the backup does not say that it is complete"};
  }

 private:
  tool make(std::string const& program, std::vector<std::string> arguments) const {
    tool out{.environment = environment_};
    out.command = {client_directory_.empty() ? program : client_directory_ + "/" + program, "--no-defaults"};
    out.command.insert(out.command.end(), connection_.begin(), connection_.end());
    out.command.insert(out.command.end(), arguments.begin(), arguments.end());
    return out;
  }

  std::string client_directory_, database_;
  std::vector<std::string> connection_;
  std::map<std::string, std::string> environment_;
};

}  // namespace

std::unique_ptr<engine> make_mysql(std::string const& url, std::string const& client_directory) {
  return std::make_unique<mysql_engine>(url, client_directory);
}

}  // namespace slipway::backup::detail
