"""Two processes on one Redis share the limits of routes and the throttle of logins; without Redis both go on."""

import concurrent.futures
import uuid

import httpx
import pytest

from databases import Redis
from fixtures import running
from harness import PASSWORD, Server, burst
from processes import temporary_folder, wait_until

ADDRESS = "127.9.8.7"


@pytest.fixture
def redis():
    with running(Redis) as server:
        yield server


def two_servers(redis, **more):
    settings = {"redis.url": redis.url, "redis.required": "false", "limits.enabled": "true", "limits.store": "redis",
                "redis.connect_timeout": "500ms", "redis.request_timeout": "500ms", "redis.outage_patience": "100ms",
                **more}
    first = Server(temporary_folder("limits-a"), settings).start()
    second = Server(temporary_folder("limits-b"), settings).start()
    return first, second


def client_of(server):
    """Always from the same address, so that the limits by address meet."""
    return httpx.Client(base_url=server.url, timeout=30, transport=httpx.HTTPTransport(local_address=ADDRESS))


def sign_up(client):
    return client.post("/v1/users", json={"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD, "name": "A"})


def stop(*servers):
    for server in servers:
        server.stop()


def metric(server, name):
    for line in httpx.get(f"{server.operator_url}/metrics").text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[-1])
    return None


def test_the_limit_of_signing_up_is_one_for_both(redis):
    first, second = two_servers(redis)
    try:
        with client_of(first) as one, client_of(second) as two, concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda i: sign_up(one if i % 2 else two), range(40)))
        codes = [a.status_code for a in answers]
        assert set(codes) == {201, 429}, codes
        # Twenty at once, and one more for every three seconds that the test took.
        assert 20 <= codes.count(201) <= 24, codes
        refused = next(a for a in answers if a.status_code == 429)
        assert refused.json()["code"] == "too_many_requests" and int(refused.headers["retry-after"]) >= 1
        assert 'q=20;w=60' in refused.headers["ratelimit-policy"]
        with client_of(first) as one:  # other routes are as they were
            assert one.get("/version").status_code == 200
        assert metric(first, "redis_commands_total") > 0
        assert metric(first, "limits_store_failures_total") == 0
    finally:
        stop(first, second)


def test_failed_logins_count_in_both(redis):
    first, second = two_servers(redis)
    try:
        with client_of(first) as one, client_of(second) as two:
            email = f"{uuid.uuid4().hex}@example.com"
            for i in range(5):
                answer = (one if i % 2 else two).post("/v1/auth/login", json={"email": email, "password": "wrong"})
                assert answer.status_code == 401, answer.text
            for client in (one, two):
                answer = client.post("/v1/auth/login", json={"email": email, "password": "wrong"})
                assert answer.status_code == 429 and answer.json()["code"] == "too_many_attempts", answer.text
        assert email.split("@")[0] not in redis.cli("keys", "*")
    finally:
        stop(first, second)


def test_a_burst_of_logins_is_compared_five_times_over_both(redis):
    first, second = two_servers(redis)
    try:
        email = first.person().email
        assert 5 <= burst([first, second], email).count(401) <= 7
        # Their own account, from elsewhere: whoever guesses does not keep the owner out.
        assert first.client().post("/v1/auth/login", json={"email": email, "password": PASSWORD}).status_code == 200
    finally:
        stop(first, second)


def test_without_redis_the_service_goes_on(redis):
    first, second = two_servers(redis)
    try:
        with client_of(first) as one:
            assert sign_up(one).status_code == 201
            checks = {c["name"]: c for c in httpx.get(f"{first.operator_url}/health/ready").json()["checks"]}
            assert checks["redis"]["status"] == "up"
            redis.kill()
            for _ in range(19):
                assert sign_up(one).status_code == 201
            # Each process counts for itself now.
            assert wait_until(lambda: sign_up(one).status_code == 429, what="this process's own limit")
            assert metric(first, "limits_store_failures_total") > 0
            assert one.get("/health/ready").status_code == 200  # degraded, and serving
            redis.start()
            wait_until(lambda: sign_up(one).status_code == 201, seconds=10, what="the shared limit again")
    finally:
        stop(first, second)


def test_who_prefers_to_refuse_gets_503(redis):
    first, second = two_servers(redis, **{"limits.when_store_fails": "refuse"})
    try:
        with client_of(first) as one:
            assert sign_up(one).status_code == 201
            redis.kill()
            answer = sign_up(one)
            assert answer.status_code == 503 and int(answer.headers["retry-after"]) >= 1, answer.text
            assert "redis" not in answer.text.lower()
            assert one.get("/version").status_code == 200
    finally:
        stop(first, second)


@pytest.mark.parametrize("settings, code, said", [
    ({"limits.store": "redis"}, 78, "redis.url is empty"),
    ({"redis.url": "http://nowhere"}, 78, "is no URL of Redis"),
    ({"redis.url": "redis://:secretpw@127.0.0.1:1", "redis.connect_attempts": "1"}, 69, "Connection refused"),
])
def test_wrong_settings_end_it_with_a_sentence(settings, code, said, tmp_path):
    server = Server(tmp_path / "wrong", settings)
    done = server.run("serve")
    assert done.returncode == code, done.stderr
    assert said in done.stderr + done.stdout and "secretpw" not in done.stderr + done.stdout
