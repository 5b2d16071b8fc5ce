"""check_layers.py finds what it is for: each test plants one violation in a small tree that is otherwise clean."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "check_layers.py"
CLEAN = {
    "lib/core/CMakeLists.txt": "slipway_library(core SOURCES task.cpp)\n",
    "lib/core/task.hpp": "#include <memory>\n#include <sys/stat.h>\n#include <boost/describe.hpp>\n",
    "lib/core/task.cpp": "#include <slipway/core/task.hpp>\n#include <boost/asio/post.hpp>\n",
    "lib/db/CMakeLists.txt": "slipway_library(db\n  SOURCES wire.cpp\n  DEPENDS core PRIVATE_PACKAGES PkgConfig::libpq)\n",
    "lib/db/database.hpp": "#include <slipway/core/task.hpp>\n\nstruct pg_conn;\n",
    "lib/db/wire.hpp": "#include <slipway/db/database.hpp>\n#include <libpq-fe.h>\n",
    "lib/db/pool.hpp": "#include <slipway/db/wire.hpp>\n",
    "lib/db/wire.cpp": "#include <slipway/db/pool.hpp>\n",
    "lib/db/tests/fixture.hpp": "#include <gtest/gtest.h>\n#include <slipway/db/database.hpp>\n",
    "lib/db/tests/wire_test.cpp": '#include "../wire.hpp"\n#include "fixture.hpp"\n',
    "lib/limits/CMakeLists.txt": "slipway_library(limits SOURCES store.cpp DEPENDS core db)\n",
    "lib/limits/store.cpp": "#include <slipway/db/database.hpp>\n",
    "lib/limits/tests/store_test.cpp": '#include "../../db/tests/fixture.hpp"\n',
    "models/note.hpp": "#include <boost/describe/class.hpp>\n",
    "services/notes.cpp": '#include "models/note.hpp"\n#include <slipway/db/database.hpp>\n#include <fmt/format.h>\n',
    "cmd/server/main.cpp": '#include <CLI/CLI.hpp>\n#include "services/notes.hpp"\n',
    "docs/architecture.md": "core <- nothing\ndb <- core\nlimits <- core, db\n",
}


class Layers(unittest.TestCase):
    def found(self, planted):
        """What is said about the clean tree with these files added or replaced."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {**CLEAN, **planted}.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            done = subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.returncode, 1 if done.stdout else 0)
        return done.stdout.splitlines()

    def assert_finds(self, planted, *expected):
        """One line, which says all of this."""
        lines = self.found(planted)
        self.assertEqual(len(lines), 1, lines)
        for part in expected:
            self.assertIn(part, lines[0])

    def test_the_clean_tree(self):
        self.assertEqual(self.found({}), [])

    def test_another_folder_includes_an_internal_header(self):
        self.assert_finds({"lib/limits/store.cpp": "#include <slipway/db/wire.hpp>\n"},
                          "lib/db/wire.hpp: brings <libpq-fe.h> along, so it is for lib/db alone", "lib/limits/store.cpp includes it")

    def test_it_comes_through_a_header_that_looks_light(self):
        self.assert_finds({"lib/limits/store.cpp": "#include <slipway/db/pool.hpp>\n"},
                          "lib/db/pool.hpp: brings <libpq-fe.h> along through lib/db/wire.hpp", "lib/limits/store.cpp")

    def test_no_way_of_writing_the_include_hides_it(self):
        self.assert_finds({"lib/limits/store.cpp": '#  include "../db/wire.hpp"\n'}, "lib/db/wire.hpp", "<libpq-fe.h>")
        self.assert_finds({"lib/db/database.hpp": '#include "wire.hpp"\n', "lib/db/wire.hpp": "#include <libpq-fe.h>\n"},
                          "lib/db/database.hpp: brings <libpq-fe.h> along through lib/db/wire.hpp")

    def test_a_test_of_another_folder_includes_it(self):
        self.assert_finds({"lib/limits/tests/store_test.cpp": "#include <slipway/db/wire.hpp>\n"},
                          "lib/db/wire.hpp", "lib/limits/tests/store_test.cpp")
        self.assert_finds({"lib/db/tests/fixture.hpp": "#include <slipway/db/wire.hpp>\n"},
                          "lib/db/tests/fixture.hpp: brings <libpq-fe.h> along", "lib/limits/tests/store_test.cpp")

    def test_a_public_header_becomes_heavy(self):
        self.assert_finds({"lib/db/database.hpp": "#include <boost/asio/io_context.hpp>\n"},
                          "lib/db/database.hpp: brings <boost/asio/io_context.hpp> along", "lib/limits/store.cpp and 1 more include it")

    def test_a_library_that_nobody_has_named_is_heavy(self):
        self.assert_finds({"lib/core/task.hpp": "#include <brand/new.hpp>\n"}, "lib/core/task.hpp: brings <brand/new.hpp>")
        self.assert_finds({"lib/core/task.hpp": "#include <zstd.h>\n"}, "lib/core/task.hpp: brings <zstd.h>")

    def test_headers_that_include_each_other(self):
        self.assert_finds({"lib/db/database.hpp": "#include <slipway/db/pool.hpp>\n"}, "lib/db/database.hpp", "<libpq-fe.h>")

    def test_the_application_includes_the_chassis_alone(self):
        self.assert_finds({"services/notes.cpp": "#include <libpq-fe.h>\n"}, "services/notes.cpp: <libpq-fe.h> outside lib/")
        self.assert_finds({"cmd/server/main.cpp": "#include <slipway/db/wire.hpp>\n"}, "lib/db/wire.hpp", "cmd/server/main.cpp")

    def test_rooms_look_down_only(self):
        self.assert_finds({"models/note.hpp": '#include "services/notes.hpp"\n'}, "models/note.hpp: models may not see services")
        self.assert_finds({"lib/core/task.cpp": '#include "models/note.hpp"\n'}, "the chassis knows nothing of the application")

    def test_libraries_include_what_they_depend_on(self):
        self.assert_finds({"lib/core/task.cpp": "#include <slipway/db/database.hpp>\n"}, "lib/core does not depend on db")

    def test_the_drawing_is_that_of_the_build(self):
        self.assert_finds({"docs/architecture.md": "core <- nothing\ndb <- core\nlimits <- core\n"},
                          "draws limits <- core; CMake says core, db")

    def test_one_clock(self):
        self.assert_finds({"lib/core/task.cpp": "auto now = std::chrono::system_clock::now();\n"}, "take a clock_source")


if __name__ == "__main__":
    unittest.main()
