# The compiler and its flags. clang 19 is the one that is tested; g++ before 14 miscompiles coroutines (a temporary
# in a full expression with co_await is destroyed twice), so it is refused rather than trusted.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines: temporaries in an expression with "
                      "co_await are destroyed twice. Use clang 19: apt-get install clang-19, then "
                      "cmake -DCMAKE_CXX_COMPILER=clang++-19. ./dev does this for you.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

set(SLIPWAY_SANITIZE "" CACHE STRING "Sanitizers: address;undefined, thread, or nothing")
option(SLIPWAY_COVERAGE "Measure which lines the tests execute" OFF)
option(SLIPWAY_FUZZ "Build the fuzz targets (clang's libFuzzer)" OFF)

add_library(slipway_flags INTERFACE)
target_compile_options(slipway_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror
  # Aggregates are written with the members that matter; the rest have defaults.
  -Wno-missing-field-initializers)
if(SLIPWAY_SANITIZE)
  list(JOIN SLIPWAY_SANITIZE "," sanitizers)
  add_compile_options(-fsanitize=${sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${sanitizers})
endif()
if(SLIPWAY_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()
if(SLIPWAY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
add_compile_definitions($<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)

find_program(SLIPWAY_CCACHE ccache)
if(SLIPWAY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SLIPWAY_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${SLIPWAY_CCACHE})
endif()
find_program(SLIPWAY_LLD NAMES ld.lld-19 ld.lld)
if(SLIPWAY_LLD)
  add_link_options(-fuse-ld=${SLIPWAY_LLD})
endif()
