"""A built front end from a directory, on the same origin as the API."""

import gzip
import os

import pytest


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>front end</title>" + "<p>text</p>" * 300)
    (folder / "assets/app-3f9a01bc.js").write_text("console.log('app')\n" * 200)
    (folder / "assets/app-3f9a01bc.js.gz").write_bytes(gzip.compress(b"console.log('app')\n" * 200))
    (folder / "about.html").write_text("<p>about</p>")
    (folder / ".env").write_text("SECRET=1")
    (folder / ".git").mkdir()
    (folder / ".git/config").write_text("secret")
    (tmp_path / "outside.txt").write_text("outside")
    (folder / "link.txt").symlink_to(tmp_path / "outside.txt")
    (folder / "up").symlink_to(tmp_path)
    return folder


@pytest.fixture
def web(launch, site):
    return launch(settings={"web.folder": str(site), "web.fallback": "index.html"}).start()


@pytest.fixture
def client(web):
    with web.client() as client:
        yield client


def test_the_first_page(client):
    page = client.get("/")
    assert page.status_code == 200 and "front end" in page.text
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff" and page.headers["x-frame-options"] == "DENY"
    assert client.get("/index.html").text == page.text
    assert client.head("/").headers["etag"] == client.get("/").headers["etag"]


def test_pages_carry_the_policy_that_is_set_and_the_api_keeps_its_own(launch, site):
    policy = "default-src 'none'; script-src 'self'"
    with launch(settings={"web.folder": str(site), "web.content_security_policy": policy}).start().client() as client:
        for page in ("/", "/about.html"):
            assert client.get(page).headers["content-security-policy"] == policy, page
        assert client.get("/version").headers.get("content-security-policy") != policy


def test_copies_are_asked_about_and_hashed_names_are_kept(client):
    page = client.get("/")
    assert page.headers["cache-control"] == "no-cache"
    again = client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    assert "immutable" in client.get("/assets/app-3f9a01bc.js").headers["cache-control"]


def test_compressed_siblings_and_ranges(client):
    packed = client.get("/assets/app-3f9a01bc.js", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and packed.text.startswith("console.log")
    assert int(packed.headers["content-length"]) < 200
    part = client.get("/assets/app-3f9a01bc.js", headers={"range": "bytes=0-6", "accept-encoding": "identity"})
    assert part.status_code == 206 and part.text == "console"
    beyond = client.get("/assets/app-3f9a01bc.js", headers={"range": "bytes=999999-", "accept-encoding": "identity"})
    assert beyond.status_code == 416


@pytest.mark.parametrize("path", ["/.env", "/.git/config", "/link.txt", "/up/outside.txt", "/assets/../../outside.txt",
                                  "/%2e%2e/outside.txt", "/assets/%2e%2e/%2e%2e/outside.txt", "/assets%2f..%2f..%2foutside.txt",
                                  "/missing.js", "/..%5coutside.txt", "//etc/passwd"])
def test_nothing_else_is_to_be_had(web, path):
    answer = web.raw(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 200"):  # a path without an extension may be one that the browser routes
        assert b"front end" in body and b"outside" not in body and b"root:" not in body
    else:
        assert head.startswith(b"HTTP/1.1 404") and b"application/problem+json" in head
    assert b"SECRET" not in answer and b"outside" not in body


def test_paths_of_the_application_show_its_page_and_those_of_the_api_do_not(client):
    assert "front end" in client.get("/settings/profile").text
    for path in ("/v1/nothing", "/v1/notes/x/y", "/health/nothing", "/.well-known/nothing"):
        answer = client.get(path)
        assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json", path
    assert client.get("/v1/notes").status_code == 401
    assert client.get("/version").json()["name"] == "slipway"
    assert client.post("/settings/profile").status_code == 405
    assert client.get("/openapi.json").json()["paths"].keys() & {"/", "/{path}"} == set()


def test_without_a_fallback_unknown_is_unknown(launch, site):
    server = launch(settings={"web.folder": str(site)}).start()
    with server.client() as client:
        assert client.get("/").status_code == 200
        assert client.get("/settings/profile").status_code == 404


def test_a_new_build_is_served_at_once(client, site):
    before = client.get("/about.html")
    (site / "about.new").write_text("<p>new about</p>")
    os.replace(site / "about.new", site / "about.html")
    after = client.get("/about.html", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200 and after.text == "<p>new about</p>"


def test_a_folder_that_is_not_there_stops_the_start(launch, tmp_path):
    server = launch(settings={"web.folder": str(tmp_path / "nowhere")})
    done = server.run("serve")
    assert done.returncode == 78 and "nowhere" in done.stderr and "Create it" in done.stderr


def test_there_is_none_by_default(plain_server):
    with plain_server.client() as client:
        assert client.get("/").status_code == 404
