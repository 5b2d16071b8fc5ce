"""What an operator relies on: health, metrics, logs, settings that change, and a stop that drops nothing."""

import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import uuid
from datetime import datetime, timedelta

import httpx
import pytest

from harness import BINARY, ROOT
from processes import PATIENCE, wait_until


def test_health_and_version(server):
    with server.client() as client:
        for name in ("live", "ready", "startup"):
            answer = client.get(f"/health/{name}")
            assert answer.status_code == 200, answer.text
            assert answer.headers["cache-control"] == "no-store"
        assert client.get("/version").json()["version"]
    checks = httpx.get(f"{server.operator_url}/health/ready").json()["checks"]
    assert any("database" in c["name"] for c in checks) and all(c["duration_ms"] >= 0 for c in checks)


def test_a_module_that_is_not_installed(launch):
    server = launch(settings={"tracing.enabled": "true"})
    # Looked for beside the executable, so an executable elsewhere has none.
    server.binary = server.folder / "slipway"
    try:
        os.link(BINARY, server.binary)
    except OSError:
        shutil.copy(BINARY, server.binary)
    server.refuses(78, "slipway_otlp.so", "tracing off")


def test_metrics_count_requests_by_route(plain_server):
    def counted():
        text = httpx.get(f"{plain_server.operator_url}/metrics").text
        lines = [x for x in text.splitlines() if x.startswith("http_") and "/version" in x and not x.startswith("#")]
        return text, lines

    with plain_server.client() as client:
        for _ in range(3):
            client.get("/version")
    text, lines = wait_until(lambda: (found := counted())[1] and found, what="the route in the metrics")
    assert any("count" in x or "total" in x for x in lines)
    assert "process_" in text
    assert "db_connections_in_use " in text and "db_wait_seconds_total " in text
    assert plain_server.metrics()["log_lines_written_total"] >= 1 and plain_server.metrics()["log_lines_dropped_total"] == 0
    for accept, answered in [("*/*", "text/plain"), ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text")]:
        headers = httpx.get(f"{plain_server.operator_url}/metrics", headers={"accept": accept}).headers
        assert headers["content-type"].startswith(answered)
        assert "accept" in [name.strip().lower() for name in headers["vary"].split(",")], "a cache must not mix the two up"


def test_prometheus_itself_finds_nothing_wrong_with_the_metrics(server):
    """Of each engine, after requests of several kinds: the names, the help and the labels that it sees then."""
    fetched = ROOT / "build/tools/promtool"
    promtool = os.environ.get("PROMTOOL") or shutil.which("promtool") or (fetched.exists() and str(fetched))
    if not promtool:
        pytest.skip("there is no promtool: ./dev test fetches it from Debian's package prometheus")
    person = server.person()
    person.note()
    person.client.get("/v1/notes", params={"limit": "none"})
    text = httpx.get(f"{server.operator_url}/metrics").text
    assert 'route="/v1/notes"' in text and "db_" in text
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    broken = subprocess.run([promtool, "check", "metrics"], input=text + "# TYPE odd counter\nodd 1\n", capture_output=True, text=True, timeout=60)
    assert broken.returncode != 0, "it is awake"


def test_the_metrics_are_private(plain_server):
    with plain_server.client() as client:
        assert client.get("/metrics").status_code == 404


def test_metrics_are_public_where_that_is_set_and_what_is_for_operators_never_is(launch):
    server = launch(settings={"operations.public_metrics": "true", "operations.profiles": "true"}).start()
    with server.client() as client:
        assert "\nhttp_request" in client.get("/metrics").text
        for path in ("/queries/slow", "/debug/pprof/heap", "/debug/pprof/profile?seconds=1"):
            assert client.get(path).status_code == 404, path
            assert httpx.get(server.operator_url + path.replace("seconds=1", "seconds=0")).status_code != 404, path


def test_why_it_is_not_ready_is_for_operators(launch):
    server = launch().start()
    file = server.folder / "test.db"
    file.rename(server.folder / "aside.db")

    def failed(url):
        with httpx.Client(timeout=30) as client:
            answer = client.get(f"{url}/health/ready")
            return [c for c in answer.json()["checks"] if c["name"] == "database"][0] if answer.status_code == 503 else None

    private = wait_until(lambda: failed(server.operator_url), what="the failed check")
    public = failed(server.url)
    assert "moved or removed" in private["detail"], private
    assert public["duration_ms"] >= 0 and str(file) not in str(public) and "moved" not in str(public), public
    (server.folder / "aside.db").rename(file)


def test_a_log_file_that_was_moved_away_is_opened_anew_on_sighup(launch):
    server = launch()
    file, aside = server.folder / "service.log", server.folder / "service.log.1"
    server.settings["log.output"] = str(file)
    server.start()

    def ask(name):
        with server.client() as client:
            client.get("/version", headers={"x-request-id": name})

    ask("before-it-moved")
    wait_until(lambda: "before-it-moved" in file.read_text(), what="the line")
    file.rename(aside)
    ask("after-it-moved")
    wait_until(lambda: "after-it-moved" in aside.read_text(), what="the line where the file is now")
    server.process.send_signal(signal.SIGHUP)
    wait_until(file.exists, what="a file in its old place")
    ask("after-the-signal")
    wait_until(lambda: "after-the-signal" in file.read_text(), what="the line in the new file")
    assert "after-the-signal" not in aside.read_text()


def test_an_unknown_path_makes_no_new_series(plain_server):
    with plain_server.client() as client:
        for i in range(20):
            client.get(f"/made-up-{i}")
    assert "made-up" not in httpx.get(f"{plain_server.operator_url}/metrics").text


def test_one_line_for_each_request(plain_server):
    with plain_server.client() as client:
        client.get("/version?secret=1", headers={"x-request-id": "one-line-test"})
    found = wait_until(lambda: [x for x in plain_server.log_lines() if x.get("correlation_id") == "one-line-test"], what="the line")
    assert len(found) == 1
    assert found[0]["route"] == "/version" and "secret" not in str(found[0])


def test_descriptors_run_out(launch):
    """With no descriptor left the server refuses new connections, and serves again when some are free."""
    server = launch()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(160, hard), hard))
    try:
        server.start()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    held = []
    try:
        for _ in range(200):
            held.append(socket.create_connection(server.address, timeout=5))
    finally:
        for peer in held:
            peer.close()

    def serves():
        with server.client() as client:
            return client.get("/health/live").status_code == 200

    def quietly():
        try:
            return serves()
        except httpx.HTTPError:
            return False

    wait_until(quietly, what="the server to serve again")


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_under_load_loses_no_request(launch, signal_number):
    server = launch(settings={"http.drain_delay": "300ms"}).start()
    person = server.person()
    address = server.address
    lost, sent_again = [], []

    # Each client keeps its connection until the server says that it closes; a request that was sent and got no
    # answer is a lost one, and so is a refused connection before the drain delay is over. A connection that rested for
    # drain_grace (250 ms, lib/http/worker.cpp) may close while a request is on its way: that one may be sent again,
    # because nothing of it was answered or processed (RFC 9112, section 9.3.1). These clients ask without a pause, so
    # only a connection's first request, or one after a rest that the machine forced on the client, may meet this.
    rest = 0.2
    stopped = threading.Event()

    def work():
        client = server.client(headers=person.client.headers)
        fresh, answered = True, 0.0
        while True:
            mark = uuid.uuid4().hex
            rested = time.monotonic() - answered > rest
            try:
                answer = client.get("/v1/notes", headers={"x-request-id": mark})
                assert answer.status_code == 200, answer.text
                fresh, answered = answer.headers.get("connection") == "close", time.monotonic()
            except httpx.ConnectError:
                if stopped.is_set():
                    return
                lost.append("refused before the stop")
                return
            except httpx.RemoteProtocolError as error:
                if not stopped.is_set() or not (fresh or rested):
                    lost.append(f"{mark}: {error!r}")
                    return
                sent_again.append(mark)
                client.close()
                client = server.client(headers=person.client.headers)
                fresh = True
            except Exception as error:
                lost.append(f"{mark}: {error!r}")
                return

    threads = [threading.Thread(target=work) for _ in range(6)]
    for t in threads:
        t.start()
    wait_until(lambda: sum(1 for x in server.log_lines() if x.get("route") == "/v1/notes") > 50, what="some load")
    stopped.set()
    server.stop(signal_number)
    for t in threads:
        t.join(30)
    assert lost == []
    lines = list(server.log_lines())
    assert [x["cut_requests"] for x in lines if x.get("message") == "stopped"] == [0]
    assert not {x.get("correlation_id") for x in lines} & set(sent_again), "a request that was processed got no answer"
    with pytest.raises(OSError):
        socket.create_connection(address, timeout=2)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_it_starts(launch, signal_number):
    """Nobody waits for a database that does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        server = launch(migrate=False, settings={"database.url": f"postgres://app@127.0.0.1:{silent.getsockname()[1]}/app"})
        process = subprocess.Popen([str(server.binary), "serve"], cwd=server.folder, env=server.variables(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            with silent.accept()[0]:
                process.send_signal(signal_number)
                said = process.communicate(timeout=PATIENCE)[0]
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0 and "stopped as asked, before it served" in said, said
    assert "Sanitizer" not in said


def test_a_slow_request_is_finished_before_the_end(launch):
    server = launch().start()
    peer = socket.create_connection(server.address, timeout=30)
    body = b'{"email":"slow","password":"x","name":""}'
    peer.sendall(b"POST /v1/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:5])
    with server.client() as client:
        client.get("/version")
    stopping = threading.Thread(target=server.stop)
    stopping.start()
    wait_until(lambda: not accepts(server.address), what="the server to stop accepting")
    peer.sendall(body[5:])
    answer = b""
    while part := peer.recv(65536):
        answer += part
    assert answer.startswith(b"HTTP/1.1 422") and b"onnection: close" in answer
    stopping.join(60)
    assert not stopping.is_alive()


def accepts(address):
    try:
        socket.create_connection(address, timeout=1).close()
        return True
    except OSError:
        return False


def moment(server, word):
    """When it wrote a line that begins so."""
    return next(datetime.fromisoformat(line["time"]) for line in server.log_lines() if line.get("message", "").startswith(word))


def test_readiness_turns_before_the_end(launch):
    server = launch(settings={"http.drain_delay": "2s"}).start()
    with server.client() as client:
        assert client.get("/health/ready").status_code == 200
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        wait_until(lambda: client.get("/health/ready").status_code == 503, seconds=2, what="readiness to turn")
        assert client.get("/health/live").status_code == 200
    stopping.join(60)
    began, ended = (moment(server, word) for word in ("stopping", "stopped"))
    assert ended - began < timedelta(seconds=4), "the delay is waited for once"


def test_the_operators_port_is_reached_without_the_balancer(launch):
    server = launch(settings={"http.proxy_protocol": "true", "http.trusted_proxies": '["127.0.0.1/32"]'}).start()
    assert httpx.get(f"{server.operator_url}/metrics").status_code == 200
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{server.url}/version")


def test_who_is_slow_at_the_operators_port_holds_up_no_end(launch):
    server = launch(settings={"http.drain_limit": "50s", "http.head_timeout": "50s"}).start()
    host, _, port = server.operator_url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as slow:
        slow.sendall(b"GET /metrics HT")
        wait_until(lambda: server.metrics(), what="an answer to somebody else")
        server.stop()
    began, ended = (moment(server, word) for word in ("stopping", "stopped"))
    assert timedelta(seconds=0.9) < ended - began < timedelta(seconds=25), "one second, and not what others may take"


def test_a_restart_keeps_sessions(launch):
    server = launch().start()
    person = server.person()
    server.stop()
    server.start()
    with server.client(headers=person.client.headers) as client:
        assert client.get("/v1/users/me").json()["id"] == person.id


def test_a_crash_loses_nothing_that_was_answered(launch):
    server = launch().start()
    person = server.person()
    made = [person.note(title=f"kept {i}").json()["id"] for i in range(20)]
    server.process.kill()
    server.process.wait()
    server.process = None
    server.start()
    with server.client(headers=person.client.headers) as client:
        assert {n["id"] for n in client.get("/v1/notes", params={"limit": 100}).json()["items"]} == set(made)


def test_settings_that_may_change_do_so_at_once(launch):
    server = launch(settings={"log.format": "json"})
    folder = server.own_configuration("log: { level: info }\n")
    server.start()
    (folder / "base.yaml").write_text("log: { level: error }\n")
    server.process.send_signal(signal.SIGHUP)

    def quiet():
        mark = f"quiet-{time.monotonic_ns()}"
        with server.client() as client:
            client.get("/version", headers={"x-request-id": mark})
            client.get("/version", headers={"x-request-id": mark + "-after"})
        return mark not in server.log()

    # Below the new level no line is written any more.
    wait_until(quiet, what="the new level")
    (folder / "base.yaml").write_text("log: { level: nonsense }\n")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "nonsense" in server.log(), what="a word about the bad setting")
    assert server.process.poll() is None


def test_the_binary_needs_nothing_around_it(tmp_path):
    """An empty folder and an empty environment are enough."""
    done = subprocess.run([str(BINARY), "version"], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.strip(), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_lock_of_another_process_on_the_file_of_sqlite(launch):
    """Somebody's sqlite3 in the middle of a transaction: writing waits a little, then says when to come again; reading goes on."""
    server = launch().start()
    person = server.person()
    person.note()
    holder = sqlite3.connect(server.folder / "test.db", isolation_level=None)
    try:
        holder.execute("begin immediate")
        refused = person.client.post("/v1/notes", json={"title": "Not now"})
        assert refused.status_code == 503 and int(refused.headers["retry-after"]) >= 1, refused.text
        assert len(person.client.get("/v1/notes").json()["items"]) == 1
        holder.execute("rollback")
    finally:
        holder.close()
    person.note()
    assert len(person.client.get("/v1/notes").json()["items"]) == 2, "what was refused was not done"
