# The application's rooms, from the one that knows nobody to the one that knows all. Files are found by name, so a
# new feature needs no line here; a room's ROOMS say what it may include.
function(app_room name)
  cmake_parse_arguments(arg "" "" "ROOMS;PACKAGES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.cpp)
  slipway_room(NAME app_${name} PREFIX ${name} DIRECTORY ${CMAKE_SOURCE_DIR}/${name} SOURCES ${sources} ROOMS ${arg_ROOMS} PACKAGES ${arg_PACKAGES})
endfunction()

app_room(models ROOMS slipway::core slipway::meta slipway::db slipway::documents slipway::auth)
app_room(config ROOMS slipway::core slipway::meta slipway::config slipway::http slipway::db slipway::documents slipway::query_health slipway::backup slipway::auth slipway::log slipway::redis slipway::limits slipway::partitions slipway::sharding)
app_room(repositories ROOMS app_models slipway::db slipway::documents slipway::api)
app_room(services ROOMS app_models app_repositories slipway::auth)
app_room(controllers ROOMS app_models app_services slipway::api slipway::content slipway::health slipway::metrics slipway::json slipway::profiles slipway::query_health)
app_room(middleware ROOMS slipway::api slipway::auth slipway::db slipway::log slipway::query_health slipway::metrics slipway::sharding slipway::trace)
app_room(routes ROOMS app_models app_controllers slipway::api)
add_subdirectory(cmd)
add_subdirectory(tests)
