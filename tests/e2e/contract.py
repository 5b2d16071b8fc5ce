"""Holds every answer that the suite's clients see to the OpenAPI document of the binary that gave it."""

import json
import re
import threading
from pathlib import Path

import jsonschema

CONFIGURATION = Path(__file__).resolve().parents[2] / "config"

# What the HTTP core and its layers may say to any request, whatever the operation (docs/http.md).
ANY_OPERATION = {400, 405, 406, 408, 411, 413, 414, 415, 417, 421, 429, 431, 500, 501, 503, 505}
PROBLEM = "application/problem+json"


class Contract:
    """One document, and a validator for each schema in it that was needed so far."""

    def __init__(self, document, errors):
        self.document = document
        # The rows of docs/errors.md that hold for every operation.
        self.codes_of_any = {row.split("`")[1] for row in errors.splitlines() if row.endswith("| all |")}
        self.paths = [(re.compile("^" + re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)) + "/?$"), path)
                      for path in sorted(document["paths"], key=lambda p: ("{" in p, p))]
        self.validators = {}

    def operation(self, method, path):
        for pattern, template in self.paths:
            if pattern.match(path):
                return template, self.document["paths"][template].get(method.lower())
        return None, None

    def validator(self, key, schema):
        if key not in self.validators:
            whole = {**self.document, **schema}
            self.validators[key] = jsonschema.Draft202012Validator(
                whole, resolver=jsonschema.RefResolver("", whole), format_checker=jsonschema.FormatChecker())
        return self.validators[key]

    def problem_schema(self):
        for methods in self.document["paths"].values():
            for operation in methods.values():
                for answer in operation["responses"].values():
                    if PROBLEM in answer.get("content", {}):
                        return answer["content"][PROBLEM]["schema"]
        raise AssertionError("the document describes no problem")

    def judge(self, method, path, status, media_type, body, sparse=False):
        """What is wrong with this answer, in words; None when nothing is."""
        template, operation = self.operation("get" if method == "HEAD" else method, path)
        described = (operation or {}).get("responses", {}).get(str(status))
        if operation and described is None and status not in ANY_OPERATION:
            return f"{status} is not documented"
        if method == "HEAD" or not body:
            return None
        content = (described or {}).get("content")
        if content is None:
            if described is not None:
                return f"{status} has a body that is not documented: {body[:80]!r}"
            if media_type != PROBLEM and status >= 400:
                return f"{status} is {media_type}, not {PROBLEM}"
            schema = self.problem_schema() if media_type == PROBLEM else None
            key = PROBLEM
        else:
            if media_type not in content:
                return f"{status} is {media_type}; documented are {', '.join(content)}"
            schema = content[media_type].get("schema")
            key = (method, template, status, media_type)
        if schema is None or not media_type.endswith("json"):
            return None
        answer = json.loads(body)
        if media_type == PROBLEM:
            documented = (described or {}).get("description", "").partition(": ")[2].split(", ")
            if answer["code"] not in documented and answer["code"] not in self.codes_of_any:
                return f"the code {answer['code']} of {status} is not documented"
        errors = list(self.validator(key, schema).iter_errors(answer))
        if sparse and status == 200:  # ?fields= leaves members out, as its description says
            errors = [e for e in errors if e.validator != "required"]
        return "; ".join(f"{e.json_path}: {e.message[:200]}" for e in errors[:5]) or None


class Watch:
    """Sits in every client; what it finds fails the test that is running, wherever the answer was looked at."""

    def __init__(self):
        self.lock = threading.Lock()
        self.contracts, self.found, self.judged = {}, [], 0

    def contract(self, server):
        with self.lock:
            if server.binary not in self.contracts:
                # By the project's own files: those of the server may be broken on purpose.
                printed, errors = (server.run(verb, SLIPWAY_CONFIG=str(CONFIGURATION)) for verb in ("openapi", "errors"))
                assert printed.returncode == 0 == errors.returncode, printed.stderr + errors.stderr
                # A test may have the binary run under something that talks before it.
                self.contracts[server.binary] = Contract(json.loads(printed.stdout[printed.stdout.index("{"):]), errors.stdout)
            return self.contracts[server.binary]

    def hook(self, server):
        def look(response):
            media_type = response.headers.get("content-type", "").split(";")[0]
            # Streams without an end are the business of their own tests.
            body = response.read() if media_type.endswith("json") else b""
            request = response.request
            path, _, query = request.url.raw_path.decode("latin-1").partition("?")
            wrong = self.contract(server).judge(request.method, path, response.status_code, media_type, body,
                                                sparse="fields=" in query)
            with self.lock:
                self.judged += 1
                if wrong:
                    self.found.append(f"{request.method} {path}: {wrong}")
        return look

    def take(self):
        with self.lock:
            found, self.found = self.found, []
            return found


watch = Watch()
