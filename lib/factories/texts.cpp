#include <slipway/factories/factory.hpp>
#include <slipway/factories/words.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace slipway::factories {

using meta::rule_kind;

namespace {

std::size_t length_of(std::string_view text) noexcept {  // in code points
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// At most so many code points.
void cut(std::string& text, std::size_t longest) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 && count++ == longest) return text.resize(i);
}

bool keeps_formats(meta::attributes const& about, std::string_view text) noexcept {
  return std::ranges::all_of(about.rules(), [text](auto const& r) {
    return r.what != rule_kind::format || r.check == nullptr || r.check(text);
  });
}

std::string capital(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') text.front() = static_cast<char>(text.front() - 32);
  return text;
}

}  // namespace

std::string factory::word() { return std::string{common_words[below(common_words.size())]}; }

std::string factory::words(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out.append(i == 0 ? "" : " ").append(common_words[below(common_words.size())]);
  return out;
}

std::string factory::sentence() { return capital(words(4 + below(8))) + "."; }

std::string factory::paragraph() {
  auto out = sentence();
  for (auto more = below(4); more > 0; --more) out.append(" ").append(sentence());
  return out;
}

std::string factory::name() {
  return std::string{first_names[below(first_names.size())]}.append(" ").append(last_names[below(last_names.size())]);
}

std::string factory::email() { return word() + "." + word() + std::to_string(++emails_) + "@example.com"; }

std::string factory::plausible(std::string_view name) {
  auto const about = [name](std::string_view part) { return name.find(part) != std::string_view::npos; };
  if (about("email")) return email();
  if (about("password")) return words(3) + " " + std::to_string(below(10'000));
  if (about("first_name")) return std::string{first_names[below(first_names.size())]};
  if (about("last_name")) return std::string{last_names[below(last_names.size())]};
  if (about("name")) return this->name();
  if (about("title") || about("subject")) return capital(words(2 + below(3)));
  if (about("body") || about("content") || about("description") || about("message") || about("comment"))
    return paragraph();
  if (about("street") || about("address")) return capital(word()) + " Street " + std::to_string(1 + below(200));
  if (about("city")) return std::string{cities[below(cities.size())]};
  if (about("country")) return std::string{countries[below(countries.size())]};
  if (about("currency")) return std::string{currencies[below(currencies.size())]};
  if (about("phone")) return "+4955501" + std::to_string(10'000 + below(90'000));
  if (about("url") || about("link") || about("website")) return "https://www.example.com/" + word();
  return words(1 + below(3));
}

std::string factory::text_for(meta::attributes const& about, std::string_view name) {
  auto const has = [&about](rule_kind what) {
    return std::ranges::any_of(about.rules(), [what](auto const& r) { return r.what == what; });
  };
  if (has(rule_kind::email)) return email();
  if (has(rule_kind::url)) return "https://www.example.com/" + word();
  if (has(rule_kind::format)) {
    // The example of a text is JSON: it stands in quotes.
    auto text = about.example.size() > 2 ? std::string{about.example.substr(1, about.example.size() - 2)} : "";
    return keeps_formats(about, text) ? text : std::string{};
  }
  auto out = plausible(name);
  while (length_of(out) < about.within.shortest) out.append(" ").append(word());
  cut(out, about.within.longest);
  return out;
}

}  // namespace slipway::factories
