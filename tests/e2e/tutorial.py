"""Pages that say how to change the project, followed to the letter in a copy of it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import BINARY

ROOT = Path(__file__).parents[2]


def blocks(page):
    """The page's files and its changes to files that are there."""
    text = (ROOT / page).read_text()
    files = {m[1]: m[2] for m in re.finditer(r"```(?:cpp|sql)\n(?://|--) file: (\S+)\n(.*?)```", text, re.S)}
    return files, re.search(r"```diff\n(.*?)```", text, re.S)[1]


def apply(folder, changes):
    """Like patch, but finds each place by its context alone."""
    target = None
    for part in re.split(r"(?m)^(--- a/\S+\n\+\+\+ b/\S+|@@)\n", changes):
        if part.startswith("--- a/"):
            target = folder / part.split("\n")[0].removeprefix("--- a/")
        elif part.strip() not in ("", "@@"):
            lines = part.splitlines()
            before = "".join(line[1:] + "\n" for line in lines if line[:1] in (" ", "-"))
            after = "".join(line[1:] + "\n" for line in lines if line[:1] in (" ", "+"))
            text = target.read_text()
            assert text.count(before) == 1, f"{target} holds {text.count(before)} times:\n{before}"
            target.write_text(text.replace(before, after))


def follow(page, project):
    """A copy of the project with what the page says, built. Gives the binary."""
    cache = BINARY.parents[2] / "CMakeCache.txt"
    if not cache.exists():
        pytest.skip("the binary under test does not stand in a build folder, so there is no build to repeat")
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, project / name)
    viewer = ROOT / "web/docs/node_modules"
    if viewer.exists():
        (project / "web/docs/node_modules").symlink_to(viewer)
    files, changes = blocks(page)
    assert len(files) >= 8
    for name, text in files.items():
        (project / name).write_text(text)
    apply(project, changes)

    environment = {**os.environ, "CCACHE_BASEDIR": str(project), "CCACHE_NOHASHDIR": "1"}
    preset = BINARY.parents[2].name
    for command in (["cmake", "--preset", preset], ["cmake", "--build", f"build/{preset}", "--target", "slipway_server"]):
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=1500)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return project / f"build/{preset}/cmd/server/slipway"
