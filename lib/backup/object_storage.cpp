// A bucket of an object store. There is no moving there: a backup counts from the moment its manifest is there, which
// goes up last. What is larger than a part goes up in parts, and is nothing before they are put together.
#include <slipway/backup/sha256.hpp>
#include <slipway/backup/storage.hpp>
#include <slipway/runtime/shards.hpp>
#include <slipway/s3/bucket.hpp>

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>
#include <system_error>

namespace slipway::backup {
namespace {

// An object that went up in parts is as old as the beginning of its upload, which may take days.
constexpr std::chrono::hours drafts_are_left{24 * 7};

// The asynchronous bucket for those who wait: a thread of its own, and every refusal as a startup_error.
class waiting_bucket {
 public:
  waiting_bucket(s3::settings const& s, std::string const& name)
      : http_{on_, s3::http_settings(s)}, bucket_{s3::make_bucket(http_, s, name)} {}

  template <class T>
  T run(std::function<task<T>(s3::bucket&)> const& what) {
    using http_client::failure;
    try {
      return on_.run(what(*bucket_));
    } catch (s3::error const& error) {
      throw startup_error{error.exit(), error.what()};
    } catch (http_client::request_error const& error) {
      auto const remedy = error.why() == failure::refused_address
                              ? ": set backup.s3.private_network to true when the store is in your own network"
                          : error.why() == failure::tls
                              ? ": does backup.s3.ca_file name the authority that signed its certificate, and the "
                                "certificate the host of backup.s3.endpoint?"
                          : error.why() == failure::timeout
                              ? ": is the line too slow for a part of backup.s3.part_size in backup.s3.timeout?"
                              : ": is backup.s3.endpoint right, and the store up?";
      throw startup_error{exit_code::unavailable,
                          fmt::format("{} cannot be reached: {}{}", bucket_->where(), error.what(), remedy)};
    }
  }
  std::string const& where() const noexcept { return bucket_->where(); }

 private:
  shards on_{1};
  http_client::client http_;
  std::unique_ptr<s3::bucket> bucket_;
};

class object_sink final : public measuring_sink {
 public:
  object_sink(waiting_bucket& to, std::string key, std::size_t part_size, teller const& say)
      : to_{to}, key_{std::move(key)}, part_size_{part_size}, say_{say} {}
  object_sink(object_sink const&) = delete;
  object_sink& operator=(object_sink const&) = delete;
  ~object_sink() override {
    if (upload_.empty()) return;
    try {
      to_.run<void>([this](s3::bucket& b) { return b.abort_upload(key_, upload_); });
    } catch (std::exception const& why) {
      tell_of_parts(why.what());
    }
  }

  void write(std::span<std::byte const> piece) override {
    hash_.add(piece);
    size_ += piece.size();
    while (!piece.empty()) {
      // A full part waits for more: what fits into one goes up in one request.
      if (part_.size() == part_size_) send_part();
      auto const n = std::min(piece.size(), part_size_ - part_.size());
      part_.append(reinterpret_cast<char const*>(piece.data()), n);
      piece = piece.subspan(n);
    }
  }
  void finish() override {
    if (upload_.empty()) {
      to_.run<void>([this](s3::bucket& b) { return b.put(key_, std::move(part_)); });
    } else {
      send_part();
      to_.run<void>([this](s3::bucket& b) { return b.complete_upload(key_, upload_, etags_, size_); });
      upload_.clear();
    }
    digest_ = hash_.end();
  }
  std::string digest() const override { return digest_; }
  std::size_t size() const noexcept override { return size_; }

 private:
  // The failure that brought us here is told by who catches it.
  void tell_of_parts(std::string_view why) const noexcept {
    try {
      if (say_)
        say_(fmt::format(
            "warning: the upload of {} to {} could not be aborted: {}. Its parts may remain there: they are "
            "in no list of objects, and cost money. Abort it by hand, or by a rule of the bucket "
            "(docs/backup.md).",
            key_, to_.where(), why));
    } catch (std::exception const&) {  // there is nobody else to tell
    }
  }
  void send_part() {
    if (etags_.size() == s3::most_parts)
      throw startup_error{exit_code::config, fmt::format("{} is larger than {} parts of {} bytes: set a larger "
                                                         "backup.s3.part_size",
                                                         key_, s3::most_parts, part_size_)};
    if (upload_.empty()) upload_ = to_.run<std::string>([this](s3::bucket& b) { return b.begin_upload(key_); });
    auto const number = static_cast<unsigned>(etags_.size() + 1);
    etags_.push_back(to_.run<std::string>(
        [&](s3::bucket& b) { return b.put_part(key_, upload_, number, std::exchange(part_, {})); }));
  }

  waiting_bucket& to_;
  std::string key_;
  std::size_t part_size_;
  teller const& say_;
  std::string part_, upload_, digest_;
  std::vector<std::string> etags_;
  sha256 hash_;
  std::size_t size_ = 0;
};

// Piece by piece: who reads slowly, such as a database that is restored, keeps no connection waiting.
class object_source final : public source {
 public:
  object_source(waiting_bucket& from, std::string key, s3::piece first)
      : from_{from}, key_{std::move(key)}, now_{std::move(first)} {}
  std::size_t read(std::span<std::byte> into) override {
    if (at_ == now_.bytes.size()) {
      done_ += at_;
      at_ = 0;
      if (done_ >= now_.size) {
        now_.bytes.clear();
        return 0;
      }
      auto next = from_.run<std::optional<s3::piece>>(
          [this](s3::bucket& b) { return b.get(key_, done_, s3::most_read, now_.etag); });
      if (!next || next->bytes.empty() || next->size != now_.size)
        throw startup_error{exit_code::data, key_ + " was removed or changed while it was read"};
      now_ = std::move(*next);
    }
    auto const n = std::min(into.size(), now_.bytes.size() - at_);
    std::ranges::copy(std::as_bytes(std::span{now_.bytes}).subspan(at_, n), into.begin());
    at_ += n;
    return n;
  }

 private:
  waiting_bucket& from_;
  std::string key_;
  s3::piece now_;
  std::uint64_t done_ = 0;  // bytes before `now_`
  std::size_t at_ = 0;
};

class object_storage final : public storage {
 public:
  object_storage(settings const& s, s3::location where, clock_source const& clock, teller say)
      : prefix_{std::move(where.prefix)},
        part_size_{s.s3.part_size},
        clock_{clock},
        say_{std::move(say)},
        bucket_{s.s3, where.bucket} {}

  std::unique_ptr<staging> stage(std::string const& id) override { return std::make_unique<object_staging>(*this, id); }
  std::unique_ptr<measuring_sink> put(std::string const& path) override {
    return std::make_unique<object_sink>(bucket_, prefix_ + path, part_size_, say_);
  }
  std::unique_ptr<source> open(std::string const& path) const override {
    auto const key = prefix_ + path;
    auto first = bucket_.run<std::optional<s3::piece>>([&](s3::bucket& b) { return b.get(key, 0, s3::most_read); });
    if (!first) return nullptr;
    return std::make_unique<object_source>(bucket_, key, std::move(*first));
  }

  std::vector<std::string> directories() const override {
    std::vector<std::string> out;
    each_page(prefix_, [&](s3::listing const& page) {
      for (auto const& folder : page.folders)
        out.push_back(folder.substr(prefix_.size(), folder.size() - prefix_.size() - 1));
    });
    return out;
  }
  std::vector<std::string> files(std::string const& directory) const override {
    std::vector<std::string> out;
    for (auto const& o : objects_in(directory)) out.push_back(o.key.substr(prefix_.size() + directory.size() + 1));
    return out;
  }

  void remove(std::string const& path) override {
    bucket_.run<void>([&](s3::bucket& b) { return b.remove(prefix_ + path); });
  }
  void remove_backup(std::string const& id) override {
    remove(fmt::format("{}/{}", id, manifest_name));
    for (auto const& file : files(id)) remove(id + "/" + file);
  }
  void remove_abandoned() override {
    auto const limit = clock_.now() - drafts_are_left;
    for (auto const& id : directories()) {
      if (!is_id(id)) continue;
      auto const objects = objects_in(id);
      bool const whole = std::ranges::any_of(objects, [](auto const& o) { return o.key.ends_with(manifest_name); });
      bool const young = std::ranges::any_of(objects, [&](auto const& o) { return o.changed > limit; });
      if (!whole && !young) remove_backup(id);
    }
  }

  std::string describe(std::string_view path) const override {
    return fmt::format("{}{} in {}", prefix_, path.empty() ? "*" : path, bucket_.where());
  }

 private:
  class object_staging final : public staging {
   public:
    object_staging(object_storage& in, std::string id) : in_{in}, id_{std::move(id)} {}
    object_staging(object_staging const&) = delete;
    object_staging& operator=(object_staging const&) = delete;
    ~object_staging() override {
      if (published_ || files_.empty()) return;
      try {
        // The manifest first, for when it arrived though we did not hear of it.
        if (files_.back() == manifest_name) in_.remove(id_ + "/" + files_.back());
        for (auto const& file : files_) in_.remove(id_ + "/" + file);
      } catch (std::exception const&) {
        // The failure that brought us here is told. What stays has no manifest, and remove_abandoned finds it.
      }
    }
    std::unique_ptr<measuring_sink> put(std::string const& file) override {
      files_.push_back(file);
      return in_.put(id_ + "/" + file);
    }
    void publish(std::string_view manifest) override {
      auto const to = put(std::string{manifest_name});
      to->write(std::as_bytes(std::span{manifest}));
      to->finish();
      published_ = true;
    }

   private:
    object_storage& in_;
    std::string id_;
    std::vector<std::string> files_;
    bool published_ = false;
  };

  void each_page(std::string const& prefix, std::function<void(s3::listing const&)> const& visit) const {
    std::string from;
    do {
      auto const page = bucket_.run<s3::listing>([&](s3::bucket& b) { return b.list(prefix, true, from); });
      visit(page);
      from = page.next;
    } while (!from.empty());
  }
  std::vector<s3::object> objects_in(std::string const& directory) const {
    std::vector<s3::object> out;
    auto const prefix = prefix_ + directory + "/";
    each_page(prefix, [&](s3::listing const& page) {
      for (auto const& o : page.objects)
        if (o.key.starts_with(prefix) && o.key.size() > prefix.size()) out.push_back(o);
    });
    return out;
  }

  std::string prefix_;
  std::size_t part_size_;
  clock_source const& clock_;
  teller say_;
  mutable waiting_bucket bucket_;
};

}  // namespace

std::unique_ptr<storage> detail::make_object_storage(settings const& s, clock_source const& clock, teller say) {
  auto where = s3::parse_location(s.storage);
  if (!where)
    throw startup_error{exit_code::config, "backup.storage is no place: write s3://bucket/prefix, or leave it empty"};
  if (s.s3.access_key.empty() || s.s3.secret_key.empty())
    throw startup_error{exit_code::config,
                        "backup.storage is an object store, which is used with keys: set "
                        "backup.s3.access_key and backup.s3.secret_key"};
  if (auto const& file = s.s3.ca_file; !file.empty() && ::access(file.c_str(), R_OK) != 0)
    throw startup_error{exit_code::config, fmt::format("backup.s3.ca_file: {} cannot be read: {}", file,
                                                       std::generic_category().message(errno))};
  return std::make_unique<object_storage>(s, std::move(*where), clock, std::move(say));
}

}  // namespace slipway::backup
