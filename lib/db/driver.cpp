// What an engine need not have.
#include <slipway/db/driver.hpp>

#include <slipway/db/errors.hpp>

namespace slipway::db {

task<std::unique_ptr<copy_channel>> link::copy(std::string, copy_direction) {
  throw error{"COPY is PostgreSQL's alone: use insert_many, and pages or streams"};
  co_return nullptr;
}

task<std::unique_ptr<listener>> engine::listen(std::vector<std::string>, std::size_t) {
  throw error{"LISTEN and NOTIFY are PostgreSQL's alone"};
  co_return nullptr;
}

}  // namespace slipway::db
