// What a server's refusal becomes whose disk is full: the same on every engine. Private to the library.
#pragma once

#include <slipway/core/errors.hpp>

#include <exception>
#include <string>

namespace slipway::db::detail {

inline std::exception_ptr no_room_left(std::string const& what) {
  return std::make_exception_ptr(storage_full_error{
      what + ". Make room on the file system of the database server; nothing was lost.", std::chrono::seconds{30}});
}

}  // namespace slipway::db::detail
