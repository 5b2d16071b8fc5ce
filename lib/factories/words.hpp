// What made-up texts consist of. Private to the library.
#pragma once

#include <array>
#include <string_view>

namespace slipway::factories {

inline constexpr std::array<std::string_view, 24> first_names{
    "Ada",  "Alan",  "Amina", "Bjarne", "Chen",  "Dorothy", "Edsger", "Elena", "Farid", "Grace", "Haruki", "Irma",
    "Jomo", "Katja", "Liam",  "Mei",    "Nadia", "Olu",     "Priya",  "Rosa",  "Sven",  "Tomás", "Yusuf",  "Zoë"};
inline constexpr std::array<std::string_view, 24> last_names{
    "Adeyemi", "Andersson", "Bauer",  "Castro",   "Dubois", "Fischer",  "García", "Hopper",
    "Ito",     "Jansen",    "Kowal",  "Lovelace", "Moreau", "Nakamura", "Okafor", "Petrov",
    "Quinn",   "Rossi",     "Sharma", "Tanaka",   "Ueda",   "Vega",     "Wong",   "Yilmaz"};
inline constexpr std::array<std::string_view, 48> common_words{
    "account", "autumn",  "bread",   "bridge", "careful", "city",   "clear",  "cloud",   "coffee", "corner",
    "early",   "engine",  "evening", "field",  "forest",  "garden", "glass",  "green",   "harbor", "hill",
    "house",   "island",  "kitchen", "lamp",   "letter",  "market", "meadow", "morning", "music",  "narrow",
    "north",   "ocean",   "paper",   "pencil", "plan",    "quiet",  "river",  "road",    "signal", "silver",
    "small",   "station", "stone",   "summer", "table",   "train",  "window", "winter"};
inline constexpr std::array<std::string_view, 12> cities{"Accra", "Berlin", "Bogotá", "Cairo", "Dublin", "Hanoi",
                                                         "Kyoto", "Lisbon", "Lyon",   "Oslo",  "Pune",   "Toronto"};
inline constexpr std::array<std::string_view, 8> countries{"BR", "DE", "EG", "FR", "IN", "JP", "PT", "US"};
inline constexpr std::array<std::string_view, 6> currencies{"EUR", "GBP", "INR", "JPY", "USD", "CHF"};

}  // namespace slipway::factories
