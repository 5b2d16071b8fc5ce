"""The interactive documentation in a real browser: somebody logs in there and calls an endpoint."""

import glob
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import ARTIFACTS, node_tool

HERE = Path(__file__).parent


@pytest.fixture
def node():
    command, missing = node_tool("node")
    if missing or not (HERE / "node_modules/playwright-core").exists():
        pytest.skip(missing or "playwright-core is not installed: npm could not install tests/e2e/package.json")
    if not shutil.which("chromium"):
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    if not glob.glob(str(HERE.parents[1] / "web/docs/node_modules/swagger-ui-dist/swagger-ui-bundle.js")):
        pytest.skip("the viewer is not installed: npm could not install web/docs/package.json")
    return command


def test_somebody_logs_in_and_calls_an_endpoint(node, plain_server, tmp_path):
    person = plain_server.person(name="Grace Hopper")
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    order = {"url": plain_server.url, "email": person.email, "password": person.password,
             "screenshot": str(ARTIFACTS / "documentation-page.png"), "profile": str(tmp_path), "chromium": shutil.which("chromium")}
    done = subprocess.run([*node, str(HERE / "documentation_page.mjs")], input=json.dumps(order), capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["login"] == 200
    assert seen["status"] == 200 and seen["body"]["name"] == "Grace Hopper" and seen["body"]["id"] == person.id
    assert seen["foreign"] == [], "everything comes from our own origin"
    assert seen["errors"] == []
    assert Path(order["screenshot"]).stat().st_size > 10_000
