"""The README does what it says: its tutorial is followed to the letter in a copy of the project, and the resource that
it adds is served. The generated pages of the documentation are those that the binary generates now."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from harness import BINARY

ROOT = Path(__file__).parents[2]


def blocks():
    """The tutorial's files and its changes to files that are there."""
    text = (ROOT / "README.md").read_text()
    files = {m[1]: m[2] for m in re.finditer(r"```(?:cpp|sql)\n(?://|--) file: (\S+)\n(.*?)```", text, re.S)}
    changes = re.search(r"```diff\n(.*?)```", text, re.S)[1]
    return files, changes


def apply(folder, changes):
    """Like patch, but finds each place by its context alone."""
    target = None
    for part in re.split(r"(?m)^(--- a/\S+\n\+\+\+ b/\S+|@@)\n", changes):
        if part.startswith("--- a/"):
            target = folder / part.split("\n")[0].removeprefix("--- a/")
        elif part.strip() not in ("", "@@"):
            lines = part.splitlines()
            before = "".join(line[1:] + "\n" for line in lines if line[0] in " -")
            after = "".join(line[1:] + "\n" for line in lines if line[0] in " +")
            text = target.read_text()
            assert text.count(before) == 1, f"{target} holds {text.count(before)} times:\n{before}"
            target.write_text(text.replace(before, after))


@pytest.mark.timeout(1800)
def test_the_tutorial_adds_a_resource(tmp_path, launch):
    cache = BINARY.parents[2] / "CMakeCache.txt"
    if not cache.exists():
        pytest.skip("the binary under test does not stand in a build folder, so there is no build to repeat")
    project = tmp_path / "copy"
    for name in subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines():
        if (ROOT / name).is_file():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, project / name)
    viewer = ROOT / "web/docs/node_modules"
    if viewer.exists():
        (project / "web/docs/node_modules").symlink_to(viewer)
    files, changes = blocks()
    assert len(files) >= 8
    for name, text in files.items():
        (project / name).write_text(text)
    apply(project, changes)

    environment = {**os.environ, "CCACHE_BASEDIR": str(project), "CCACHE_NOHASHDIR": "1"}
    preset = BINARY.parents[2].name
    for command in (["cmake", "--preset", preset], ["cmake", "--build", f"build/{preset}", "--target", "slipway_server"]):
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=1500)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]

    server = launch(binary=project / f"build/{preset}/cmd/server/slipway").start()
    agreed = server.run("migrate", "diff")
    assert agreed.returncode == 0 and "agree" in agreed.stdout, agreed.stdout + agreed.stderr
    person, other = server.person().client, server.person().client
    made = person.post("/v1/bookmarks", json={"url": "https://example.com/a", "title": "A"})
    assert made.status_code == 201, made.text
    assert person.get(made.headers["Location"]).json()["url"] == "https://example.com/a"
    assert other.get(made.headers["Location"]).status_code == 404
    assert person.post("/v1/bookmarks", json={"url": "no url"}).status_code == 422
    assert httpx.get(f"{server.url}{made.headers['Location']}").status_code == 401
    assert "/v1/bookmarks" in httpx.get(f"{server.url}/openapi.json").json()["paths"]


@pytest.mark.parametrize("page, command", [("configuration.md", ["config", "reference"]), ("errors.md", ["errors"]),
                                           ("migrations.md", ["migrate", "lint", "--rules"])])
def test_generated_pages_are_up_to_date(page, command):
    made = subprocess.run([BINARY, *command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    assert made.stdout.strip() in (ROOT / "docs" / page).read_text(), f"docs/{page} is old: scripts/generate_docs.sh makes it anew"
