#include <slipway/content/media_types.hpp>

#include <slipway/content/negotiation.hpp>
#include <slipway/core/ascii.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace slipway::content {
namespace {

using entry = std::pair<std::string_view, std::string_view>;
constexpr auto by_extension = [] {
  std::array table{
      entry{"7z", "application/x-7z-compressed"},
      entry{"aac", "audio/aac"},
      entry{"apng", "image/apng"},
      entry{"avif", "image/avif"},
      entry{"bin", "application/octet-stream"},
      entry{"bmp", "image/bmp"},
      entry{"br", "application/octet-stream"},
      entry{"css", "text/css; charset=utf-8"},
      entry{"csv", "text/csv; charset=utf-8"},
      entry{"doc", "application/msword"},
      entry{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
      entry{"eot", "application/vnd.ms-fontobject"},
      entry{"epub", "application/epub+zip"},
      entry{"flac", "audio/flac"},
      entry{"gif", "image/gif"},
      entry{"gz", "application/gzip"},
      entry{"htm", "text/html; charset=utf-8"},
      entry{"html", "text/html; charset=utf-8"},
      entry{"ico", "image/vnd.microsoft.icon"},
      entry{"ics", "text/calendar; charset=utf-8"},
      entry{"jpeg", "image/jpeg"},
      entry{"jpg", "image/jpeg"},
      entry{"js", "text/javascript; charset=utf-8"},
      entry{"json", "application/json"},
      entry{"jsonld", "application/ld+json"},
      entry{"m4a", "audio/mp4"},
      entry{"map", "application/json"},
      entry{"md", "text/markdown; charset=utf-8"},
      entry{"mjs", "text/javascript; charset=utf-8"},
      entry{"mov", "video/quicktime"},
      entry{"mp3", "audio/mpeg"},
      entry{"mp4", "video/mp4"},
      entry{"mpeg", "video/mpeg"},
      entry{"oga", "audio/ogg"},
      entry{"ogg", "audio/ogg"},
      entry{"ogv", "video/ogg"},
      entry{"opus", "audio/ogg"},
      entry{"otf", "font/otf"},
      entry{"pdf", "application/pdf"},
      entry{"png", "image/png"},
      entry{"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
      entry{"rss", "application/rss+xml"},
      entry{"rtf", "application/rtf"},
      entry{"svg", "image/svg+xml"},
      entry{"tar", "application/x-tar"},
      entry{"tif", "image/tiff"},
      entry{"tiff", "image/tiff"},
      entry{"ttf", "font/ttf"},
      entry{"txt", "text/plain; charset=utf-8"},
      entry{"wasm", "application/wasm"},
      entry{"wav", "audio/wav"},
      entry{"webm", "video/webm"},
      entry{"webmanifest", "application/manifest+json"},
      entry{"webp", "image/webp"},
      entry{"woff", "font/woff"},
      entry{"woff2", "font/woff2"},
      entry{"xhtml", "application/xhtml+xml"},
      entry{"xls", "application/vnd.ms-excel"},
      entry{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
      entry{"xml", "application/xml"},
      entry{"yaml", "application/yaml"},
      entry{"yml", "application/yaml"},
      entry{"zip", "application/zip"},
      entry{"zst", "application/zstd"},
  };
  std::ranges::sort(table);
  return table;
}();

constexpr std::array<std::string_view, 13> compressible{"application/javascript",
                                                        "application/json",
                                                        "application/ld+json",
                                                        "application/manifest+json",
                                                        "application/problem+json",
                                                        "application/rtf",
                                                        "application/vnd.ms-fontobject",
                                                        "application/wasm",
                                                        "application/x-ndjson",
                                                        "application/xml",
                                                        "application/yaml",
                                                        "font/otf",
                                                        "font/ttf"};

}  // namespace

std::string_view media_type_of(std::string_view file_name) noexcept {
  constexpr std::string_view unknown = "application/octet-stream";
  auto const dot = file_name.rfind('.');
  if (dot == std::string_view::npos || file_name.find('/', dot) != std::string_view::npos) return unknown;
  auto const extension = file_name.substr(dot + 1);
  std::array<char, 16> buffer;
  if (extension.empty() || extension.size() > buffer.size()) return unknown;
  std::ranges::transform(extension, buffer.begin(), ascii_lower);
  std::string_view const wanted{buffer.data(), extension.size()};
  auto const at = std::ranges::lower_bound(by_extension, wanted, {}, &entry::first);
  return at != by_extension.end() && at->first == wanted ? at->second : unknown;
}

bool is_compressible(std::string_view media_type) noexcept {
  auto const type = essence(media_type);
  std::array<char, 64> buffer;
  if (type.size() > buffer.size()) return false;
  std::ranges::transform(type, buffer.begin(), ascii_lower);
  std::string_view const plain{buffer.data(), type.size()};
  if (plain.starts_with("text/")) return plain != "text/event-stream";  // an encoder would hold events back
  return plain.ends_with("+json") || plain.ends_with("+xml") || std::ranges::binary_search(compressible, plain);
}

}  // namespace slipway::content
