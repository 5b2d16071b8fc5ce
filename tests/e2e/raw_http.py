"""HTTP/1.1 as bytes: requests as they are written, answers as they are read."""

import json

from processes import wait_until


def heads(data):
    """Every (status, fields, body) in a stream of answers that all have a Content-Length or no body."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(fields.get("content-length", 0)) if status != 304 else 0
        found.append((status, fields, rest[:length]))
        data = rest[length:]
    return found


def read_to_the_end(peer):
    parts = []
    while part := peer.recv(65536):
        parts.append(part)
    return b"".join(parts)


def get(path="/health/live", *fields, method="GET", version="HTTP/1.1", host="Host: localhost"):
    lines = [f"{method} {path} {version}", *([host] if host else []), *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def first(server, request):
    return heads(server.raw(request))[0]


def assert_observed(server, answer):
    """What was refused before anything of it was known can be found by its id like any other request."""
    status, fields, body = answer
    identity = fields["x-request-id"]
    assert json.loads(body)["correlation_id"] == identity and fields["x-content-type-options"] == "nosniff"
    wait_until(lambda: any(line.get("correlation_id") == identity and line["status"] == status for line in server.log_lines()),
               what="the line of the refusal")
