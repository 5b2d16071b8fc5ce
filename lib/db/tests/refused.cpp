// What must not compile, one mistake for each number in MISTAKE; lib/db/CMakeLists.txt says which sentence is expected.
#include <slipway/db/database.hpp>

namespace refused {

using namespace slipway;
using namespace slipway::db;

struct house;
struct person {
  id_of<person> id;
  std::string name;
  int age = 0;
  std::string diary;
  std::string helper;  // not described
  db::many<house> houses;
  db::many<person> friends;
};
BOOST_DESCRIBE_STRUCT(person, (), (id, name, age, diary))

struct house {
  id_of<house> id;
  id_of<person> owner_id;
  id_of<house> neighbour_id;
};
BOOST_DESCRIBE_STRUCT(house, (), (id, owner_id, neighbour_id))

struct shed {  // no table
  id_of<shed> id;
  id_of<person> owner_id;
};
BOOST_DESCRIBE_STRUCT(shed, (), (id, owner_id))

struct card {
  std::string name;
  std::string age;
};
BOOST_DESCRIBE_STRUCT(card, (), (name, age))

struct lodger {
  id_of<lodger> id;
  id_of<shed> shed_id;
  db::one<shed> home;
};
BOOST_DESCRIBE_STRUCT(lodger, (), (id, shed_id))

struct stall {
  id_of<stall> id;
  id_of<person> owner_id;
  std::int64_t slot = 0;
};
BOOST_DESCRIBE_STRUCT(stall, (), (id, owner_id, slot))

}  // namespace refused

using namespace refused;

template <>
inline constexpr auto slipway::db::table_of<house> = table<house>("houses");
template <>
inline constexpr auto slipway::db::table_of<stall> = table<stall>("stalls").sharded_by(&stall::owner_id, &stall::slot);
template <>
inline constexpr auto slipway::db::table_of<lodger> = table<lodger>("lodgers")
#if MISTAKE == 6
                                                          .belongs_to<&lodger::home>(&lodger::shed_id)
#endif
    ;
template <>
inline constexpr auto slipway::db::table_of<person> = table<person>("people")
                                                          .encrypted(&person::diary)
#if MISTAKE == 5
                                                          .has_many<&person::houses>(&house::neighbour_id)
#elif MISTAKE == 11
                                                          .personal(&person::helper)
#elif MISTAKE == 13
                                                          .unique(&person::diary)
#endif
    ;

task<> mistake(session& db) {
#if MISTAKE == 0
  co_await db.from<person>().where(col<&person::age> > 3).select<card>(col<&person::name>, col<&person::name>).all();
#elif MISTAKE == 1
  co_await db.from<person>().where(col<&person::helper> == "x").all();
#elif MISTAKE == 2
  co_await db.from<person>().where(col<&person::age> == "x").all();
#elif MISTAKE == 3
  co_await db.from<person>().where(col<&house::owner_id> == col<&person::id>).all();
#elif MISTAKE == 4
  co_await db.from<person>().with<&person::friends>().all();
#elif MISTAKE == 6
  co_await db.from<lodger>().with<&lodger::home>().all();
#elif MISTAKE == 7
  co_await db.from<person>().select<card>(col<&person::name>, col<&person::age>).all();
#elif MISTAKE == 8
  co_await db.from<person>().where(col<&person::diary> == "x").all();
#elif MISTAKE == 9
  co_await db.from<person>().where(col<&person::age> == std::nullopt).all();
#elif MISTAKE == 10
  co_await db.from<house>().join<house>(col<&house::id> == col<&house::neighbour_id>).all();
#elif MISTAKE == 12
  co_await db.from<person>().where(col<&person::name>.in(db.from<house>().only(col<&house::id>))).all();
#elif MISTAKE == 14
  co_await db::or_fault(db.insert(person{}), db::unique_key<&person::name>, fault::conflict("taken"));
#elif MISTAKE == 15
  co_await db.update<stall>().set(col<&stall::owner_id>, id_of<person>::make()).everywhere().run();
#endif
  co_return;
}
