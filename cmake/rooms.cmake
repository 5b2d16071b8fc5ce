# A room is a library that sees only the rooms it names. Its headers are reached through a directory that holds
# nothing else, so an include of a room that is not linked does not compile.
include(GoogleTest)

# slipway_room(NAME <name> PREFIX <include prefix> DIRECTORY <dir> SOURCES ... ROOMS ... PACKAGES ... PRIVATE_PACKAGES ...)
function(slipway_room)
  cmake_parse_arguments(arg "" "NAME;PREFIX;DIRECTORY" "SOURCES;ROOMS;PACKAGES;PRIVATE_PACKAGES" ${ARGN})
  set(entrance ${CMAKE_BINARY_DIR}/rooms/${arg_NAME})
  cmake_path(GET arg_PREFIX PARENT_PATH parent)
  file(MAKE_DIRECTORY ${entrance}/${parent})
  file(CREATE_LINK ${arg_DIRECTORY} ${entrance}/${arg_PREFIX} SYMBOLIC)
  if(arg_SOURCES)
    add_library(${arg_NAME} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${arg_NAME} PRIVATE slipway_flags ${arg_PRIVATE_PACKAGES})
  else()
    add_library(${arg_NAME} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${arg_NAME} ${scope} ${entrance})
  target_link_libraries(${arg_NAME} ${scope} ${arg_ROOMS} ${arg_PACKAGES})
endfunction()

# slipway_library(core SOURCES ... DEPENDS other libraries of lib/ PACKAGES in our headers PRIVATE_PACKAGES in our .cpp)
# is the target slipway::core, reached as <slipway/core/...>.
function(slipway_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;PACKAGES;PRIVATE_PACKAGES" ${ARGN})
  list(TRANSFORM arg_DEPENDS PREPEND "slipway_")
  slipway_room(NAME slipway_${name} PREFIX slipway/${name} DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
               SOURCES ${arg_SOURCES} ROOMS ${arg_DEPENDS}
               PACKAGES ${arg_PACKAGES} PRIVATE_PACKAGES ${arg_PRIVATE_PACKAGES})
  add_library(slipway::${name} ALIAS slipway_${name})
endfunction()

# Executables look for modules beside them, then where an installation and where this build keeps them.
set(SLIPWAY_MODULES ${CMAKE_BINARY_DIR}/modules)
set(CMAKE_BUILD_RPATH "\$ORIGIN;\$ORIGIN/../lib/slipway;\$ORIGIN/../../modules")

# slipway_module(otlp OF trace SOURCES ... PACKAGES ...) is slipway_otlp.so, which the library loads when a setting asks
# for it, and which alone links the packages. It sees the library's headers, and what of the library it uses is its own.
function(slipway_module name)
  cmake_parse_arguments(arg "" "OF" "SOURCES;PACKAGES" ${ARGN})
  add_library(slipway_${name} MODULE ${arg_SOURCES})
  target_link_libraries(slipway_${name} PRIVATE slipway_flags slipway_core ${arg_PACKAGES})
  target_include_directories(slipway_${name} PRIVATE ${CMAKE_BINARY_DIR}/rooms/slipway_${arg_OF})
  set_target_properties(slipway_${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${SLIPWAY_MODULES}
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  add_dependencies(slipway_${arg_OF} slipway_${name})
endfunction()

# slipway_tests(core_tests SOURCES ... ROOMS ... LABEL unit|integration [RESOURCES data directories])
function(slipway_tests name)
  cmake_parse_arguments(arg "" "LABEL" "SOURCES;ROOMS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE slipway_flags ${arg_ROOMS} GTest::gmock GTest::gtest GTest::gtest_main)
  gtest_discover_tests(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT 120 DISCOVERY_MODE PRE_TEST)
endfunction()

# slipway_fuzzer(fuzz_http SOURCE file ROOMS ...): only with SLIPWAY_FUZZ.
function(slipway_fuzzer name)
  if(NOT SLIPWAY_FUZZ)
    return()
  endif()
  cmake_parse_arguments(arg "" "SOURCE" "ROOMS" ${ARGN})
  add_executable(${name} ${arg_SOURCE})
  target_link_libraries(${name} PRIVATE slipway_flags ${arg_ROOMS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endfunction()
