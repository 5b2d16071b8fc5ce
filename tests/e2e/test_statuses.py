"""Provokes every status that the OpenAPI document names for every operation, and holds each answer to its schema."""

import http.client
import threading
import uuid

import httpx
import jsonschema
import pytest

from harness import PASSWORD, Load
from processes import wait_until

NOTE = {"title": "Groceries", "body": "Bread", "tags": ["home"], "pinned": True}
# Answered from memory: nothing that a client or an operator does from outside makes them fail.
NEVER_FAIL = {"/.well-known/jwks.json", "/health/live", "/health/ready", "/health/startup", "/openapi.json", "/version",
              "/v1/notes/events"}
FILE = {"file": ("notes.ndjson", b'{"title":"Groceries"}\n', "application/x-ndjson")}
TABLES = {"/v1/notes": "notes", "/v1/users": "users", "/v1/auth/login": "users", "/v1/auth/refresh": "refresh_tokens",
          "/v1/auth/logout": "refresh_tokens", "/v1/users/me/preferences": "documents_preferences"}


def sign_up():
    return {"email": f"s-{uuid.uuid4().hex[:12]}@example.com", "password": PASSWORD, "name": "Ada"}


class Caller:
    """Sends one operation in the many ways that lead to its statuses."""

    def __init__(self, server, method, path, person=None):
        self.server, self.method, self.path = server, method, path
        self.person = person or server.person()
        self.note = self.person.note()
        self.client = self.person.client

    def url(self, note=None):
        return self.path.replace("{id}", note or self.one_of_mine())

    def one_of_mine(self):
        if "/sessions/" in self.path:
            # None are left when they were ended, and none are told when their table is gone.
            listed = self.client.get("/v1/users/me/sessions").json().get("items", [])
            return next((session["id"] for session in listed), str(uuid.uuid4()))
        if self.path.startswith("/v1/users/"):
            return self.person.id
        return self.note.json()["id"]

    def body(self):
        return {
            ("post", "/v1/users"): sign_up(),
            ("post", "/v1/auth/login"): {"email": self.person.email, "password": PASSWORD},
            ("post", "/v1/auth/refresh"): {"refresh_token": self.person.tokens["refresh_token"]},
            ("post", "/v1/auth/logout"): {"refresh_token": self.person.tokens["refresh_token"]},
            ("post", "/v1/users/me/password"): {"current_password": PASSWORD, "new_password": PASSWORD + "!"},
            ("post", "/v1/notes"): NOTE,
            ("patch", "/v1/notes/{id}"): {"title": "Changed"},
            ("patch", "/v1/users/me"): {"name": "Ada King"},
            ("put", "/v1/users/me/preferences"): {"values": {"theme": "dark"}},
        }.get((self.method, self.path))

    def send(self, client=None, url=None, **more):
        if self.path.endswith("/import") and not {"json", "content", "files"} & more.keys():
            more["files"] = FILE
        if "json" not in more and "content" not in more and self.body() is not None:
            more["json"] = self.body()
        if (self.method == "patch" and "{id}" in self.path) or self.method == "put":
            more["headers"] = {"if-match": "*", **more.get("headers", {})}
        more["headers"] = {k: v for k, v in more.get("headers", {}).items() if v is not None}
        client = client or self.client
        if self.path.endswith("/events"):  # one that is let in has no end
            answer = client.send(client.build_request(self.method.upper(), url or self.url(), **more), stream=True)
            if answer.status_code != 200:
                answer.read()
            answer.close()
            return answer
        return client.request(self.method.upper(), url or self.url(), **more)

    def success(self):
        if self.path == "/v1/users" and self.method == "get":
            self.person.become_admin()
        if self.path.endswith("/restore"):
            self.client.delete(self.url().removesuffix("/restore"))
        return self.send()

    def status_304(self):
        return self.send(headers={"if-none-match": self.send().headers["etag"]})

    def status_400(self):
        if self.path.endswith("/import"):
            return self.send(content=b"torn", headers={"content-type": "multipart/form-data; boundary=b"})
        if self.body() is None:
            if self.path == "/v1/users":
                self.person.become_admin()
            return self.send_as_it_is(f"{self.url()}?fields=%zz&format=%zz&q=%zz")
        return self.send(content=b"{", headers={"content-type": "application/json"})

    def status_401(self):
        if self.path == "/v1/auth/login":
            return self.send(json={"email": self.person.email, "password": "not the password"})
        if self.path == "/v1/auth/refresh":
            return self.send(json={"refresh_token": "never one of yours"})
        return self.send(client=self.server.client())

    def status_403(self):
        return self.send()

    def status_404(self):
        if "{id}" in self.path:
            return self.send(url=self.url(note=str(uuid.uuid4())))
        self.client.delete("/v1/users/me")
        return self.send()

    def status_409(self):
        if self.path == "/v1/users":
            return self.send(json={**sign_up(), "email": self.person.email})
        # While the first request with this key is still running: its connection is held open in the middle.
        return self.concurrently_with_the_same_key()

    def concurrently_with_the_same_key(self):
        for _ in range(50):
            answers, headers = [], {"idempotency-key": str(uuid.uuid4())}
            clients = [self.server.client(headers=self.client.headers) for _ in range(8)]
            threads = [threading.Thread(target=lambda c=c: answers.append(self.send(client=c, headers=headers))) for c in clients]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            for answer in answers:
                if answer.status_code == 409:
                    return answer
        raise AssertionError("no two requests with one key met")

    def status_412(self):
        if self.path.endswith("/restore"):
            self.client.delete(self.url().removesuffix("/restore"))
        return self.send(headers={"if-match": '"another"'})

    def status_406(self):
        return self.send(headers={"accept": "image/png"})

    def send_as_it_is(self, url, **headers):
        """httpx mends what is wrong with a URL, and sends a body whole before it reads an answer."""
        if "authorization" in self.client.headers:
            headers["Authorization"] = self.client.headers["authorization"]
        connection = http.client.HTTPConnection(self.client.base_url.host, self.client.base_url.port, timeout=30)
        connection.putrequest(self.method.upper(), url)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())

    def status_413(self):
        # The length alone is too much: nothing else is sent.
        kind = "multipart/form-data; boundary=b" if self.path.endswith("/import") else "application/json"
        return self.send_as_it_is(self.url(), **{"Content-Length": str(3 << 20), "Content-Type": kind, "If-Match": "*"})

    def status_415(self):
        return self.send(content=b"a,b", headers={"content-type": "text/csv"})

    def status_422(self):
        if self.path.endswith("/import"):
            return self.send(files={"file": ("notes.ndjson", b"{}", "application/x-ndjson")})
        if self.path.endswith("/export"):
            return self.send(url=f"{self.path}?format=xml")
        if self.body() is None:
            if self.path == "/v1/users":
                self.person.become_admin()
            return self.send(url=f"{self.url()}?{'fields=nothing' if '{' in self.path else 'limit=0'}")
        return self.send(json={"unknown": True})

    def status_428(self):
        return self.send(headers={"if-match": None})


def documented(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for status in operation.get("responses", {}):
                yield method, path, int(status), operation


def hold_to_schema(document, operation, answer):
    described = operation["responses"][str(answer.status_code)]
    content = described.get("content")
    if not content:
        assert answer.content == b"", "a body that the document does not know"
        return
    media_type = answer.headers["content-type"].split(";")[0]
    assert media_type in content, f"{media_type} is not documented"
    for name in described.get("headers", {}):
        assert name.lower() in answer.headers or name.lower() in ("link", "retry-after", "idempotent-replayed"), f"the field {name} is missing"
    if "schema" in content[media_type]:
        schema = {**document, **content[media_type]["schema"]}
        jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver("", schema)).validate(answer.json())


def judge(document, operation, what, answer, status, problems):
    if answer.status_code != status:
        problems.append(f"{what}: expected {status}, got {answer.status_code}: {answer.text[:200]}")
        return
    try:
        hold_to_schema(document, operation, answer)
    except (AssertionError, KeyError, jsonschema.ValidationError) as error:
        problems.append(f"{what} {status}: {str(error)[:600]}")


@pytest.mark.timeout(400)
def test_every_documented_status_of_every_operation(server):
    with server.client() as client:
        document = client.get("/openapi.json").json()
    problems, walked = [], 0
    for method, path, status, operation in documented(document):
        if status in (429, 500, 503):  # below: they need a server in a certain state
            continue
        caller = Caller(server, method, path)
        provoke = caller.success if status < 300 else getattr(caller, f"status_{status}", None)
        if provoke is None:
            problems.append(f"{method} {path}: nobody knows how to provoke {status}")
            continue
        judge(document, operation, f"{method} {path}", provoke(), status, problems)
        walked += 1
    assert not problems, "\n".join(problems)
    assert walked > 60


@pytest.mark.timeout(300)
def test_every_operation_says_429_when_asked_too_often(launch):
    server = launch(settings={"limits.enabled": "true", "limits.requests": "30", "limits.window": "3600s", "runtime.shards": "1"}).start()
    with server.client() as client:
        document = client.get("/openapi.json").json()
    problems = []
    for method, path, status, operation in documented(document):
        if status != 429:
            continue
        caller = Caller(server, method, path)
        with server.client(headers=caller.client.headers) as client:
            answers = (caller.send(client=client) for _ in range(80))
            answer = next((a for a in answers if a.status_code == 429), None)
        if answer is None:
            problems.append(f"{method} {path}: 80 requests were let through")
        else:
            judge(document, operation, f"{method} {path}", answer, 429, problems)
            if int(answer.headers.get("retry-after", 0)) < 1:
                problems.append(f"{method} {path}: a 429 without Retry-After")
    with server.client() as client:
        assert 429 in [client.get("/version").status_code for _ in range(80)], "its address has used up all it had"
        problems += [probe for probe in ("live", "ready", "startup") if client.get(f"/health/{probe}").status_code != 200]
    assert not problems, "\n".join(problems)


@pytest.mark.timeout(300)
def test_every_operation_says_503_when_the_server_is_full(launch):
    # One request at a time, and hashes that take long: whoever logs in keeps all others out meanwhile.
    server = launch(settings={"http.max_in_flight": "1", "runtime.shards": "1", "auth.passwords.memory_kib": "131072",
                              "auth.passwords.passes": "4"}).start()
    person = server.person().become_admin()
    with server.client() as client:
        document = client.get("/openapi.json").json()
    callers = [(Caller(server, method, path, person), operation)
               for method, path, status, operation in documented(document) if status == 503]
    problems = []

    def log_in():
        with server.client() as client:
            return client.post("/v1/auth/login", json={"email": person.email, "password": PASSWORD}).status_code

    with Load(log_in, clients=1):
        for caller, operation in callers:
            what = f"{caller.method} {caller.path}"
            answer = wait_until(lambda: (a := caller.send()).status_code == 503 and a, seconds=30, what=f"{what} to be refused")
            judge(document, operation, what, answer, 503, problems)
            if int(answer.headers.get("retry-after", 0)) < 1:
                problems.append(f"{what}: a 503 without Retry-After")
    with server.client() as client:
        assert client.get("/version").status_code == 200
    assert not problems, "\n".join(problems)


@pytest.mark.timeout(300)
def test_every_operation_that_needs_the_database_says_500_when_its_table_is_gone(launch):
    server = launch().start()
    with server.client() as client:
        document = client.get("/openapi.json").json()
    problems = []
    # Everything is prepared while all is well; then the tables go.
    callers = []
    for method, path, status, operation in documented(document):
        if status == 500 and path not in NEVER_FAIL:
            caller = Caller(server, method, path)
            if (method, path) == ("get", "/v1/users"):
                caller.person.become_admin()
            callers.append((caller, operation))
    for table in sorted(set(TABLES.values())):
        server.sql(f"alter table {table} rename to {table}_gone")
    for caller, operation in callers:
        answer = caller.send()
        what = f"{caller.method} {caller.path}"
        judge(document, operation, what, answer, 500, problems)
        if "gone" in answer.text or "table" in answer.text.lower():
            problems.append(f"{what} tells of the inside: {answer.text}")
    assert not problems, "\n".join(problems)
    assert len(callers) >= 14
