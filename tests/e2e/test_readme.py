"""The README does what it says: its tutorial is followed to the letter in a copy of the project, and the resource that
it adds is served. The generated pages of the documentation are those that the binary generates now."""

import subprocess
from pathlib import Path

import httpx
import pytest

from harness import BINARY
from tutorial import follow

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(1800)
def test_the_tutorial_adds_a_resource(tmp_path, launch):
    binary = follow("README.md", tmp_path / "copy")
    server = launch(binary=binary).start()
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
