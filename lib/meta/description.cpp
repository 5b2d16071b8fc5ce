#include <slipway/meta/description.hpp>

#include <cstring>

namespace slipway::meta {
namespace {

template <class T>
T load(void const* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

std::int64_t read_integer(type const& t, void const* at) noexcept {
  switch (t.size) {
    case 1: return t.is_signed ? load<std::int8_t>(at) : static_cast<std::int64_t>(load<std::uint8_t>(at));
    case 2: return t.is_signed ? load<std::int16_t>(at) : static_cast<std::int64_t>(load<std::uint16_t>(at));
    case 4: return t.is_signed ? load<std::int32_t>(at) : static_cast<std::int64_t>(load<std::uint32_t>(at));
    default: return load<std::int64_t>(at);
  }
}

std::string_view enumerator_name(type const& t, void const* at) noexcept {
  auto const value = read_integer(t, at);
  for (auto const& e : t.enumerators)
    if (e.value == value) return e.name;
  return {};
}

}  // namespace slipway::meta
