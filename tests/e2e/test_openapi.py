"""The OpenAPI document: what outside linters say of it, and whether the server does what it says."""

import json
import re
import subprocess

import jsonschema
import pytest

from harness import node_tool


@pytest.fixture(scope="module")
def document(plain_server):
    with plain_server.client() as client:
        answer = client.get("/openapi.json")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/")
    return answer.json()


def test_a_precondition_that_fails_says_so(plain_server):
    with plain_server.client() as client:
        answer = client.get("/openapi.json", headers={"if-match": '"x"'})
    assert answer.status_code == 412 and answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "precondition_failed"


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "put", "post", "patch", "delete"):
                yield method, path, operation


def test_the_command_prints_what_the_server_serves(plain_server, document):
    printed = plain_server.run("openapi")
    assert printed.returncode == 0 and json.loads(printed.stdout)["paths"] == document["paths"]
    older = plain_server.run("openapi", "--3.0")
    assert older.returncode == 0 and json.loads(older.stdout)["openapi"].startswith("3.0"), older.stderr


def test_every_operation_is_documented(document):
    assert document["openapi"].startswith("3.1")
    seen = set()
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["operationId"] not in seen, where
        seen.add(operation["operationId"])
        assert operation["summary"] and operation["tags"], where
        assert any(code.startswith("2") for code in operation["responses"]), where
        assert {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path)), where
        for code, answer in operation["responses"].items():
            if "$ref" not in answer and int(code) >= 400:
                assert "application/problem+json" in answer["content"], f"{where} {code}"


def test_operations_say_who_may_call_them(document):
    open_to_all = {"/v1/auth/login", "/v1/auth/refresh", "/v1/auth/logout"}
    for method, path, operation in operations(document):
        if path.startswith("/v1/") and path not in open_to_all and (method, path) != ("post", "/v1/users"):
            assert operation.get("security", document.get("security")), f"{method} {path}"
            assert "401" in operation["responses"], f"{method} {path}"


def test_references_lead_somewhere(document):
    def walk(node):
        if isinstance(node, dict):
            if isinstance(ref := node.get("$ref"), str):
                found = document
                for part in ref.removeprefix("#/").split("/"):
                    found = found[part.replace("~1", "/").replace("~0", "~")]
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(document)


def resolved(document, schema):
    """The schema behind a $ref, with what stands beside the reference."""
    if "$ref" in schema:
        return {**document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], **schema}
    return schema


def test_every_body_and_parameter_has_an_example_that_is_valid(document):
    """"Try it out" sends the examples: each must be one that the operation takes."""
    bodies = 0
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        for parameter in operation.get("parameters", []):
            check_parameter(document, where, parameter)
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if schema:
            bodies += 1
            whole = resolved(document, schema)
            example = {name: check_example(document, f"{where} {name}", member) for name, member in whole["properties"].items()}
            validate(document, example, schema, where)
    assert bodies >= 5


def check_parameter(document, where, parameter):
    where = f"{where} {parameter['in']} {parameter['name']}"
    if "example" not in parameter:
        return check_example(document, where, parameter["schema"])
    validate(document, parameter["example"], parameter["schema"], where)
    return parameter["example"]


def check_example(document, where, schema):
    examples = resolved(document, schema).get("examples")
    assert examples, f"{where} has no example"
    validate(document, examples[0], schema, where)
    return examples[0]


def validate(document, example, schema, where):
    whole = {**document, **schema}
    errors = jsonschema.Draft202012Validator(whole, resolver=jsonschema.RefResolver("", whole), format_checker=jsonschema.FormatChecker())
    assert not [e.message for e in errors.iter_errors(example)], where


def is_made_of_others(schema):
    """Of what has examples itself; and the cursor of the next page is known to the server alone."""
    return "$ref" in schema or "$ref" in schema.get("items", {})


def test_the_examples_of_answers_are_valid(document):
    for name, schema in document["components"]["schemas"].items():
        example = {member: check_example(document, f"{name}.{member}", about) for member, about in schema.get("properties", {}).items()
                   if not is_made_of_others(about) and (not name.endswith("_page") or member != "next")}
        for member, value in example.items():
            validate(document, value, schema["properties"][member], f"{name}.{member}")


def test_the_examples_work_as_they_stand(plain_server, document):
    """Somebody presses the button of one operation after the other."""
    schemas = document["components"]["schemas"]

    def example(name):
        return {member: schema["examples"][0] for member, schema in schemas[name]["properties"].items()}

    def parameter(operation, name):
        return next(p["example"] for p in operation["parameters"] if p["name"] == name)

    with plain_server.client() as client:
        assert client.post("/v1/users", json=example("sign_up")).status_code == 201
        tokens = client.post("/v1/auth/login", json=example("login")).json()
        client.headers["authorization"] = f"Bearer {tokens['access_token']}"
        paths = document["paths"]
        key = {"idempotency-key": parameter(paths["/v1/notes"]["post"], "Idempotency-Key")}
        made = client.post("/v1/notes", json=example("new_note"), headers=key)
        assert made.status_code == 201, made.text
        assert client.post("/v1/notes", json=example("new_note"), headers=key).json() == made.json()
        note = f"/v1/notes/{made.json()['id']}"
        fields = parameter(paths["/v1/notes/{id}"]["get"], "fields")
        assert list(client.get(note, params={"fields": fields}).json()) == fields.split(",")
        listed = client.get("/v1/notes", params={"fields": parameter(paths["/v1/notes"]["get"], "fields")})
        assert listed.status_code == 200 and len(listed.json()["items"]) == 1, listed.text
        nobodys, version = (parameter(paths["/v1/notes/{id}"]["delete"], name) for name in ("id", "If-Match"))
        assert client.delete(f"/v1/notes/{nobodys}", headers={"if-match": version}).status_code == 404
        assert client.delete(note, headers={"if-match": version}).status_code == 412
        parameters = {p["name"]: resolved(document, p["schema"])["examples"][0]
                      for p in document["paths"]["/v1/notes"]["get"]["parameters"] if p["name"] != "fields"}
        found = client.get("/v1/notes", params=parameters)
        assert [n["id"] for n in found.json()["items"]] == [made.json()["id"]], found.text
        changed = client.patch(f"/v1/notes/{made.json()['id']}", json=example("note_change"), headers={"if-match": made.headers["etag"]})
        assert changed.status_code == 200, changed.text
        assert client.patch("/v1/users/me", json=example("profile_change")).status_code == 200
        assert client.post("/v1/auth/refresh", json=example("refresh")).status_code == 401, "well formed, and nobody's"
        answer = client.post("/v1/users/me/password", json=example("password_change"))
        assert answer.status_code == 204, answer.text


def run_linter(name, arguments, folder):
    command, missing = node_tool(name)
    if missing:
        pytest.skip(missing)
    # Linters would report home; they run without telemetry and without looking for newer versions.
    return subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=150, stdin=subprocess.DEVNULL,
                          env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "CI": "true"})


@pytest.fixture(params=["3.1", "3.0"])
def document_file(request, plain_server, tmp_path):
    with plain_server.client() as client:
        answer = client.get("/openapi.json" if request.param == "3.1" else "/openapi-3.0.json")
    assert answer.json()["openapi"].startswith(request.param)
    (tmp_path / "openapi.json").write_text(answer.text)
    return tmp_path


def test_redocly_finds_nothing(document_file):
    # The service's own address stands in the document; on a development machine that is a local one.
    # Health takes nothing that could be wrong, and has no limit: nobody is at fault there.
    rules = "  no-server-example.com: off\n  operation-4xx-response: off\n"
    (document_file / "redocly.yaml").write_text("extends: [recommended]\nrules:\n" + rules)
    done = run_linter("redocly", ["lint", "--config", "redocly.yaml", "--max-problems", "50", "openapi.json"], document_file)
    text = done.stdout + done.stderr
    assert done.returncode == 0 and "warning" not in text.lower(), text[-6000:]


def test_spectral_finds_nothing(document_file):
    (document_file / ".spectral.json").write_text('{"extends": "spectral:oas", "rules": {"info-contact": "off"}}')
    done = run_linter("spectral", ["lint", "--fail-severity", "warn", "--ruleset", ".spectral.json", "openapi.json"], document_file)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


def test_a_broken_document_is_found(tmp_path):
    """The linters are awake."""
    (tmp_path / "openapi.json").write_text('{"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {"/a": {"get": {"responses": {"200": {}}}}}}')
    (tmp_path / ".spectral.json").write_text('{"extends": "spectral:oas"}')
    assert run_linter("redocly", ["lint", "openapi.json"], tmp_path).returncode != 0
    assert run_linter("spectral", ["lint", "--fail-severity", "warn", "--ruleset", ".spectral.json", "openapi.json"], tmp_path).returncode != 0
