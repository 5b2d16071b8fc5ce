// A directory. What is in the making lies beside its place, with a name of its own, and is moved there when it is
// complete and on the disk.
#include <slipway/backup/storage.hpp>

#include <slipway/backup/system_error.hpp>
#include <slipway/core/descriptor.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

namespace slipway::backup {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view draft_suffix = ".partial";
constexpr std::chrono::hours drafts_are_left{24};

// A file's fsync does not keep its name: that is the directory's.
void keep_names(fs::path const& directory) {
  descriptor const opened{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!opened) throw_system_error("open", directory);
  // Some file systems know no fsync of directories.
  if (::fsync(opened.get()) != 0 && errno != EINVAL) throw_system_error("write to the disk", directory);
}

void move(fs::path const& from, fs::path const& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) throw_system_error("complete", to, error.value());
  keep_names(to.parent_path());
}

class directory_staging final : public storage::staging {
 public:
  explicit directory_staging(fs::path place) : place_{std::move(place)}, draft_{place_} {
    draft_ += draft_suffix;
    need_private_directory("backup.directory", draft_);
  }
  directory_staging(directory_staging const&) = delete;
  directory_staging& operator=(directory_staging const&) = delete;
  ~directory_staging() override {
    std::error_code ignored;
    if (!published_) fs::remove_all(draft_, ignored);
  }
  std::unique_ptr<measuring_sink> put(std::string const& file) override { return make_file_sink(draft_ / file); }
  void publish(std::string_view manifest) override {
    auto const to = make_file_sink(draft_ / manifest_name);
    to->write(std::as_bytes(std::span{manifest}));
    to->finish();
    keep_names(draft_);
    move(draft_, place_);
    published_ = true;
  }

 private:
  fs::path place_, draft_;
  bool published_ = false;
};

class publishing_sink final : public measuring_sink {
 public:
  explicit publishing_sink(fs::path place) : place_{std::move(place)}, draft_{place_} {
    draft_ += draft_suffix;
    std::error_code ignored;
    fs::remove(draft_, ignored);  // of a process that ended in the middle
    to_ = make_file_sink(draft_);
  }
  publishing_sink(publishing_sink const&) = delete;
  publishing_sink& operator=(publishing_sink const&) = delete;
  ~publishing_sink() override {
    std::error_code ignored;
    if (!published_) fs::remove(draft_, ignored);
  }
  void write(std::span<std::byte const> piece) override { to_->write(piece); }
  void finish() override {
    to_->finish();
    move(draft_, place_);
    published_ = true;
  }
  std::string digest() const override { return to_->digest(); }
  std::size_t size() const noexcept override { return to_->size(); }

 private:
  fs::path place_, draft_;
  std::unique_ptr<measuring_sink> to_;
  bool published_ = false;
};

class directory_storage final : public storage {
 public:
  explicit directory_storage(fs::path directory) : directory_{std::move(directory)} {
    need_private_directory("backup.directory", directory_);
  }

  std::unique_ptr<staging> stage(std::string const& id) override {
    return std::make_unique<directory_staging>(directory_ / id);
  }
  std::unique_ptr<measuring_sink> put(std::string const& path) override {
    auto const place = directory_ / path;
    bool const is_new = !fs::exists(place.parent_path());
    need_directory("backup.directory", place.parent_path());
    if (is_new) keep_names(place.parent_path().parent_path());
    return std::make_unique<publishing_sink>(place);
  }
  std::unique_ptr<source> open(std::string const& path) const override {
    return fs::exists(directory_ / path) ? make_file_source(directory_ / path) : nullptr;
  }

  std::vector<std::string> directories() const override {
    std::vector<std::string> out;
    for (auto const& there : fs::directory_iterator{directory_})
      if (there.is_directory() && there.path().extension() != draft_suffix) out.push_back(there.path().filename());
    return out;
  }
  std::vector<std::string> files(std::string const& directory) const override {
    std::vector<std::string> out;
    if (!fs::exists(directory_ / directory)) return out;
    for (auto const& there : fs::directory_iterator{directory_ / directory})
      if (there.is_regular_file()) out.push_back(there.path().filename());
    return out;
  }

  void remove(std::string const& path) override {
    std::error_code error;
    fs::remove(directory_ / path, error);
    if (error) throw_system_error("remove", directory_ / path, error.value());
  }
  void remove_backup(std::string const& id) override {
    std::error_code error;
    fs::remove(directory_ / id / manifest_name, error);
    if (!error) fs::remove_all(directory_ / id, error);
    if (error) throw_system_error("remove", directory_ / id, error.value());
  }
  void remove_abandoned() override {
    for (auto const& there : fs::directory_iterator{directory_}) {
      std::error_code error;
      if (there.path().extension() != draft_suffix) continue;
      auto const age = fs::file_time_type::clock::now() - fs::last_write_time(there.path(), error);
      if (!error && age > drafts_are_left) fs::remove_all(there.path(), error);
    }
  }

  std::string describe(std::string_view path) const override {
    return path.empty() ? directory_.string() : (directory_ / path).string();
  }

 private:
  fs::path directory_;
};

}  // namespace

std::unique_ptr<storage> detail::make_directory_storage(std::string const& directory) {
  return std::make_unique<directory_storage>(directory);
}

std::unique_ptr<storage> make_storage(settings const& s, clock_source const& clock, teller say) {
  return s.storage.empty() ? detail::make_directory_storage(s.directory)
                           : detail::make_object_storage(s, clock, std::move(say));
}

}  // namespace slipway::backup
