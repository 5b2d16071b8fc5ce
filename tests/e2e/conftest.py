import contextlib
import shutil

import pytest

import contract
import harness
from databases import MariaDB, Postgres
from fixtures import running
from processes import remove_temporary_folders, temporary_folder


@pytest.fixture(scope="session", autouse=True)
def nothing_stays():
    yield
    remove_temporary_folders()


@pytest.fixture(scope="session")
def postgres():
    with running(Postgres) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb():
    with running(MariaDB) as server:
        yield server


def pytest_generate_tests(metafunc):
    if "server" in metafunc.fixturenames:
        metafunc.parametrize("server", harness.DATABASES, indirect=True, scope="module")


def _serving(**options):
    folder = temporary_folder("server")
    server = harness.Server(folder, **options)
    return folder, server.start()


@pytest.fixture(scope="module")
def server(request):
    """The service on each database; shared by a module, so tests make their own people."""
    database = None if request.param == "sqlite" else request.getfixturevalue(request.param)
    folder, running = _serving(postgres=database)
    yield running
    running.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def plain_server():
    """The service on its embedded default, for what has nothing to do with the database."""
    folder, running = _serving()
    yield running
    running.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def launch():
    """A function that makes a server with settings of the test's own; not started, stopped at the end."""
    with contextlib.ExitStack() as made:  # one that does not stop well keeps no other from its end

        def make(**options):
            folder = temporary_folder("own")
            made.callback(shutil.rmtree, folder, ignore_errors=True)
            server = harness.Server(folder, **options)
            made.callback(server.stop)
            return server

        yield make


@pytest.fixture(autouse=True)
def answers_as_documented():
    """No answer that any client saw in this test differs from the OpenAPI document."""
    contract.watch.take()
    yield
    found = contract.watch.take()
    assert not found, "\n".join(found[:20])


@pytest.fixture
def person(server):
    return server.person()


@pytest.fixture
def stranger(server):
    return server.person(name="Mallory")


def pytest_make_parametrize_id(val):
    """Short and printable: some parameters are thousands of bytes of rubbish."""
    if isinstance(val, (bytes, str)):
        text = val.decode("latin-1") if isinstance(val, bytes) else val
        if len(text) > 40 or not text.isprintable():
            return f"{text[:30].encode('unicode_escape').decode()}-{len(text)}"
    return None
