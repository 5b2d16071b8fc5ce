// Keys as files: their names, their permissions, their making. Private to this library.
#pragma once

#include <slipway/auth/key_ring.hpp>
#include <slipway/core/descriptor.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::auth {

// "20260131T120000Z", and back. Empty when the text is not that.
std::string stamp_of(time_point t);
std::optional<time_point> time_of_stamp(std::string_view text);

class key_files {
 public:
  explicit key_files(std::filesystem::path directory) : directory_{std::move(directory)} {}

  // Oldest first; empty when the directory does not exist. Throws startup_error naming the file and what to do.
  std::vector<key_ring::entry> read() const;
  // Makes the directory, if need be, for this user alone.
  void make_directory() const;
  // Appears under its name complete or not at all. Throws startup_error, also when the name is taken.
  void write(key const& k, time_point since) const;
  void remove(std::string const& file) const;

  // Keeps other processes from changing the directory while it lives.
  class lock {
   public:
    explicit lock(key_files const& files);

   private:
    descriptor file_;
  };

 private:
  std::filesystem::path directory_;
};

}  // namespace slipway::auth
