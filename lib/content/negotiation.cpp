#include <slipway/content/negotiation.hpp>

#include <slipway/content/fields.hpp>

#include <array>

namespace slipway::content {
namespace {

constexpr int unnamed = -1;

// Takes ";q=0.5" off the front parts of an element: its name and its quality. Empty when the quality is malformed.
struct weighted {
  std::string_view name;  // with other parameters
  int quality = 1000;
};
std::optional<weighted> read_weighted(std::string_view element) noexcept {
  weighted w{element};
  pieces parts{element, ';'};
  std::string_view part;
  if (!parts.next(part)) return std::nullopt;
  while (parts.next(part)) {
    auto const [name, value] = split(part, '=');
    if (name != "q" && name != "Q") continue;
    auto const quality = parse_quality(value);
    if (!quality) return std::nullopt;
    w.quality = *quality;
    w.name = trim(element.substr(0, static_cast<std::size_t>(part.data() - element.data())));
    w.name.remove_suffix(1);  // the semicolon
    w.name = trim(w.name);
    return w;  // whatever follows q belongs to the quality
  }
  return w;
}

bool has_parameter(std::string_view offered, std::string_view wanted) noexcept {
  auto const [wanted_name, wanted_value] = split(wanted, '=');
  pieces parts{offered, ';'};
  std::string_view part;
  if (!parts.next(part)) return false;
  while (parts.next(part)) {
    auto const [name, value] = split(part, '=');
    if (!http::equal_names(name, wanted_name)) continue;
    auto const bare = [](std::string_view v) {
      return v.size() >= 2 && v.front() == '"' && v.back() == '"' ? v.substr(1, v.size() - 2) : v;
    };
    // The values of charset and the like are compared without case: being strict here would only refuse.
    return http::equal_names(bare(value), bare(wanted_value));
  }
  return false;
}

// How closely `range` describes `offered`: 0 not at all, 1 for */*, 2 for type/*, 3 for the type, more with parameters.
int closeness(std::string_view range, std::string_view offered) noexcept {
  pieces parts{range, ';'};
  std::string_view type;
  if (!parts.next(type)) return 0;
  auto const plain = essence(offered);
  int close = 0;
  if (type == "*/*")
    close = 1;
  else if (type.ends_with("/*"))
    close = plain.size() >= type.size() - 1 &&
                    http::equal_names(plain.substr(0, type.size() - 1), type.substr(0, type.size() - 1))
                ? 2
                : 0;
  else
    close = http::equal_names(type, plain) ? 3 : 0;
  if (close == 0) return 0;
  for (std::string_view parameter; parts.next(parameter); ++close)
    if (!has_parameter(offered, parameter)) return 0;
  return close;
}

}  // namespace

std::string_view to_string(coding c) noexcept {
  switch (c) {
    case coding::identity: return "identity";
    case coding::gzip: return "gzip";
    case coding::brotli: return "br";
    case coding::zstd: return "zstd";
  }
  return {};
}

std::optional<coding> coding_of(std::string_view name) noexcept {
  if (http::equal_names(name, "gzip") || http::equal_names(name, "x-gzip")) return coding::gzip;
  if (http::equal_names(name, "br")) return coding::brotli;
  if (http::equal_names(name, "zstd")) return coding::zstd;
  if (http::equal_names(name, "identity")) return coding::identity;
  return std::nullopt;
}

std::optional<coding> choose_coding(std::string_view accept_encoding, std::span<coding const> offered) noexcept {
  if (accept_encoding.data() == nullptr) return coding::identity;
  std::array<int, coding_count> qualities;
  qualities.fill(unnamed);
  int rest = unnamed;
  pieces list{accept_encoding};
  for (std::string_view element; list.next(element);) {
    auto const w = read_weighted(element);
    if (!w) continue;
    if (w->name == "*")
      rest = w->quality;
    else if (auto const c = coding_of(w->name))
      qualities[static_cast<std::size_t>(*c)] = w->quality;
  }
  auto const quality_of = [&](coding c) {
    auto const named = qualities[static_cast<std::size_t>(c)];
    return named != unnamed ? named : rest;
  };
  std::optional<coding> best;
  int best_quality = 0;
  for (auto c : offered)
    if (auto const q = quality_of(c); q > best_quality) {
      best = c;
      best_quality = q;
    }
  // Identity is acceptable unless it is refused; without a quality of its own it is the last resort.
  auto const identity = quality_of(coding::identity);
  if (identity == 0) return best;
  return best && (identity == unnamed || identity <= best_quality) ? best : coding::identity;
}

std::optional<std::size_t> choose_media_type(std::string_view accept,
                                             std::span<std::string_view const> offered) noexcept {
  if (offered.empty()) return std::nullopt;
  if (trim(accept).empty()) return 0;
  std::optional<std::size_t> best;
  int best_quality = 0;
  for (std::size_t i = 0; i < offered.size(); ++i) {
    int quality = 0, closest = 0;
    pieces list{accept};
    for (std::string_view element; list.next(element);) {
      auto const w = read_weighted(element);
      if (!w) continue;
      if (auto const close = closeness(w->name, offered[i]); close > closest) {
        closest = close;
        quality = w->quality;
      }
    }
    if (quality > best_quality) {
      best = i;
      best_quality = quality;
    }
  }
  return best;
}

std::string_view essence(std::string_view media_type) noexcept {
  return trim(media_type.substr(0, media_type.find(';')));
}

bool is_media_type(std::string_view media_type) noexcept {
  auto const [type, subtype] = split(essence(media_type), '/');
  return is_token(type) && is_token(subtype);
}

}  // namespace slipway::content
