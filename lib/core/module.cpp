#include <slipway/core/errors.hpp>
#include <slipway/core/module.hpp>

#include <dlfcn.h>

namespace slipway {

// Where a bare name is looked for is written into each executable (its RUNPATH, see cmake/rooms.cmake).
void const* load_module(std::string const& file, char const* symbol, std::string const& needs) {
  auto* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    throw startup_error{exit_code::config, "the module " + file + " cannot be loaded: " + ::dlerror() + "; " + needs};
  if (auto const* found = ::dlsym(library, symbol)) return found;
  throw startup_error{exit_code::config, "the module " + file + " is not one of this program: it has no " + symbol +
                                             "; install the one that was built with it"};
}

}  // namespace slipway
