#include <slipway/s3/xml.hpp>

#include <expat.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <new>

namespace slipway::s3 {
namespace {

constexpr std::size_t deepest = 16;

struct reading {
  XML_Parser parser;
  std::vector<xml_element> open{1};  // the first holds the root
  bool bad = false;

  void stop() noexcept {
    bad = true;
    ::XML_StopParser(parser, XML_FALSE);
  }
};

// No exception may pass through expat's frames.
void XMLCALL on_start(void* self, XML_Char const* name, XML_Char const**) noexcept try {
  auto& r = *static_cast<reading*>(self);
  if (r.bad || r.open.size() > deepest) return r.stop();
  std::string_view const full{name};
  r.open.push_back({.name = std::string{full.substr(full.rfind(':') + 1)}, .text = {}, .children = {}});
} catch (std::bad_alloc const&) {
  static_cast<reading*>(self)->stop();
}

void XMLCALL on_end(void* self, XML_Char const*) noexcept try {
  auto& r = *static_cast<reading*>(self);
  if (r.bad) return;
  auto done = std::move(r.open.back());
  r.open.pop_back();
  r.open.back().children.push_back(std::move(done));
} catch (std::bad_alloc const&) {
  static_cast<reading*>(self)->stop();
}

void XMLCALL on_text(void* self, XML_Char const* text, int size) noexcept try {
  auto& r = *static_cast<reading*>(self);
  if (!r.bad) r.open.back().text.append(text, static_cast<std::size_t>(size));
} catch (std::bad_alloc const&) {
  static_cast<reading*>(self)->stop();
}

// Entities of its own are nothing that an object store has to say.
void XMLCALL on_document_type(void* self, XML_Char const*, XML_Char const*, XML_Char const*, int) noexcept {
  static_cast<reading*>(self)->stop();
}

}  // namespace

xml_element const* xml_element::find(std::string_view child) const noexcept {
  auto const at = std::ranges::find(children, child, &xml_element::name);
  return at == children.end() ? nullptr : &*at;
}

std::string_view xml_element::value(std::string_view child) const noexcept {
  auto const* found = find(child);
  return found != nullptr ? std::string_view{found->text} : std::string_view{};
}

std::optional<xml_element> parse_xml(std::string_view text) {
  std::unique_ptr<XML_ParserStruct, void (*)(XML_Parser)> const parser{::XML_ParserCreate(nullptr), ::XML_ParserFree};
  if (!parser) throw std::bad_alloc{};
  if (text.size() > INT_MAX) return std::nullopt;
  reading r{.parser = parser.get()};
  ::XML_SetUserData(parser.get(), &r);
  ::XML_SetElementHandler(parser.get(), &on_start, &on_end);
  ::XML_SetCharacterDataHandler(parser.get(), &on_text);
  ::XML_SetStartDoctypeDeclHandler(parser.get(), &on_document_type);
  auto const status = ::XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE);
  if (status != XML_STATUS_OK || r.bad || r.open.front().children.size() != 1) return std::nullopt;
  return std::move(r.open.front().children.front());
}

}  // namespace slipway::s3
