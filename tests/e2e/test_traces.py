"""Traces on their way to a collector: what is sent, who decides it, and what happens when the collector is not well."""

import http.server
import socket
import threading
import time

import pytest

from processes import wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"


class Collector(http.server.ThreadingHTTPServer):
    """Takes what it is sent, or refuses it with another status."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Asked)
        self.status, self.bodies = 200, []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Asked(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.bodies.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def collector():
    with Collector() as one:
        yield one
        one.shutdown()


@pytest.fixture
def traced(launch):
    """A function that starts a server which sends its traces to that port."""
    def start(port, **settings):
        changed = {name.replace("__", "."): value for name, value in settings.items()}
        server = launch(settings={"tracing.enabled": "true", "tracing.endpoint": f"http://127.0.0.1:{port}/v1/traces", **changed})
        try:
            return server.start()
        except AssertionError as error:
            if "opentelemetry-cpp" in str(error):
                server.process = None
                pytest.skip("this build has no OTLP exporter: opentelemetry-cpp-dev or libabsl-dev is not installed")
            raise
    return start


def ask(server, **headers):
    with server.client() as client:
        assert client.get("/version", headers=headers).status_code == 200


def test_a_collector_that_takes_nothing_is_told_and_counted(traced, collector):
    server = traced(collector.server_port, tracing__ratio="1")

    def told(level, message):
        return sum(1 for x in server.log_lines() if x.get("level") == level and x.get("message") == message)

    collector.status = 400
    for _ in range(2):  # told once, not for each call
        before = server.metrics()["trace_spans_failed_total"]
        ask(server)
        wait_until(lambda: server.metrics()["trace_spans_failed_total"] > before, what="the spans to be refused")
    assert told("warn", "the collector takes no traces; they are dropped") == 1
    assert server.metrics()["trace_spans_exported_total"] == 0
    collector.status = 200
    ask(server)
    wait_until(lambda: server.metrics()["trace_spans_exported_total"] > 0, what="the spans to be taken")
    wait_until(lambda: told("info", "the collector takes traces again") == 1, what="a word about it")
    numbers = server.metrics()
    assert numbers["traces_begun_total"] >= 3 and numbers["traces_chosen_total"] >= 3
    assert numbers["trace_spans_dropped_total"] == numbers["trace_spans_left_out_total"] == 0


@pytest.mark.parametrize("follow", ["false", "true"])
def test_who_decides_what_is_exported(traced, collector, follow):
    """A stranger's trace is continued, but what is exported is for the settings to say; a gateway's word counts."""
    server = traced(collector.server_port, tracing__ratio="0", tracing__follow_caller=follow)
    ask(server, traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
    line = wait_until(lambda: next((x for x in server.log_lines() if x.get("route") == "/version"), None), what="the line")
    assert line["trace_id"] == TRACE
    numbers = server.metrics()
    assert numbers["traces_begun_total"] == 1 and numbers["traces_chosen_total"] == (1 if follow == "true" else 0)
    server.stop()
    assert any(bytes.fromhex(TRACE) in body for body in collector.bodies) == (follow == "true")


def test_a_collector_that_hangs_holds_no_stop_up(traced):
    """One time-out in all: not one for each call, and none for saying good-bye."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as silent:
        server = traced(silent.getsockname()[1], tracing__ratio="1", tracing__timeout="10s", http__drain_delay="0s")
        ask(server)
        begun = time.monotonic()
        server.stop()
        took = time.monotonic() - begun
    assert took < 2 * 10, f"{took:.1f} s"


def fields_of(message):
    """The (number, value) pairs of a protobuf message: https://protobuf.dev/programming-guides/encoding"""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        kind = key & 7
        size = {0: 0, 1: 8, 5: 4}.get(kind)
        if kind == 0:
            yield key >> 3, varint()
            continue
        if size is None:
            size = varint()
        yield key >> 3, message[at:at + size]
        at += size


def spans_of(body):
    """Each span of an ExportTraceServiceRequest: opentelemetry/proto/trace/v1/trace.proto"""
    def parts(message, number):
        return [value for found, value in fields_of(message) if found == number]

    for of_resource in parts(body, 1):
        for of_scope in parts(of_resource, 2):
            for span in parts(of_scope, 2):
                first = dict(reversed(list(fields_of(span))))
                yield {"id": first[2], "parent": first.get(4, b""), "name": first[5].decode(), "raw": span}


def test_a_request_its_handler_and_its_statements_are_spans_below_each_other(traced, collector):
    server = traced(collector.server_port, tracing__ratio="1")
    server.person().client.get("/v1/notes")
    server.stop()
    spans = [span for body in collector.bodies for span in spans_of(body)]
    request = next(span for span in spans if span["name"] == "GET /v1/notes")
    handler = next(span for span in spans if span["name"] == "notes.list")
    statement = next(span for span in spans if span["parent"] == handler["id"])
    assert handler["parent"] == request["id"] and request["parent"] == b""
    assert statement["name"].upper() == "SELECT" and b"db.query.text" in statement["raw"] and b"notes" in statement["raw"]
