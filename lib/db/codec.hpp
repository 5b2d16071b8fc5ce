// What encrypted columns go through on their way into the database and back: `table(...).encrypted(&user::phone)`.
#pragma once

#include <string>
#include <string_view>

namespace slipway::db {

// Used by all shards at once, so it must not change. Where its keys come from is its own business.
class column_codec {
 public:
  virtual ~column_codec() = default;
  // `place` is "users.phone". It should be authenticated with the text, so that what belongs into one column cannot be
  // passed off as another's. The answer may be any bytes; it should say which key it was made with.
  virtual std::string encrypt(std::string_view place, std::string_view plain) = 0;
  // Throws value_error for what it did not make.
  virtual std::string decrypt(std::string_view place, std::string_view stored) = 0;
};

}  // namespace slipway::db
