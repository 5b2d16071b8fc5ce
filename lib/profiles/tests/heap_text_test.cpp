#include <slipway/core/errors.hpp>
#include <slipway/profiles/heap_text.hpp>

#include <gtest/gtest.h>

using slipway::profiles::as_pprof;

namespace {

constexpr char dump[] =
    "heap_v2/524288\n"
    "  t*: 51: 55015 [0: 0]\n"
    "  t0: 50: 55000 [0: 0]\n"
    "  t7: 1: 15 [0: 0]\n"
    "@ 0x7f0a6b0a2630 0x7f0a6b0ae000 0x556a30d75325 0x7f0a6aa4524a\n"
    "  t*: 49: 50176 [0: 0]\n"
    "  t0: 49: 50176 [0: 0]\n"
    "@ 0x7f0a6b0a2630\n"
    "  t*: 2: 4839 [3: 9]\n"
    "  t0: 2: 4839 [3: 9]\n"
    "\n"
    "MAPPED_LIBRARIES:\n"
    "556a30d75000-556a30d76000 r-xp 00001000 fe:00 10020370                   /srv/slipway\n"
    "7f0a6b022000-7f0a6b0ae000 r-xp 00006000 fe:00 326789                     /usr/lib/libjemalloc.so.2\n";

}  // namespace

TEST(heap_text, is_what_pprof_reads_and_begins_with_who_asked_for_the_memory) {
  EXPECT_EQ(as_pprof(dump),
            "heap profile: 51: 55015 [0: 0] @ heap_v2/524288\n"
            "49: 50176 [0: 0] @ 0x556a30d75325 0x7f0a6aa4524a\n"
            "2: 4839 [3: 9] @ 0x7f0a6b0a2630\n"
            "\n"
            "MAPPED_LIBRARIES:\n"
            "556a30d75000-556a30d76000 r-xp 00001000 fe:00 10020370                   /srv/slipway\n"
            "7f0a6b022000-7f0a6b0ae000 r-xp 00006000 fe:00 326789                     /usr/lib/libjemalloc.so.2\n");
}

TEST(heap_text, without_mappings_every_frame_stays) {
  EXPECT_EQ(as_pprof("heap_v2/1\n  t*: 1: 2 [0: 0]\n@ 0xa 0xb\n  t*: 1: 2 [0: 0]\n"),
            "heap profile: 1: 2 [0: 0] @ heap_v2/1\n1: 2 [0: 0] @ 0xa 0xb\n\n");
}

TEST(heap_text, another_form_is_not_passed_on) {
  for (auto const* text :
       {"", "heap_v3/1\n", "heap_v2/1\n", "heap_v2/1\n@ 0xa\n", "heap_v2/1\n  t*: 1: 2 [0: 0]\nstray\n",
        "heap_v2/1\n  t*: 1: 2 [0: 0]\n  t*: 1: 2 [0: 0]\n"})
    EXPECT_THROW(as_pprof(text), slipway::unavailable_error) << text;
}
