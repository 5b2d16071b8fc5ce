"""Servers that the tests start: each in a folder of its own, on loopback and a free port."""

import contextlib
import fcntl
import functools
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

# A debug build with sanitizers on a busy machine is slow; nothing here waits that long when all is well.
PATIENCE = 60


def wait_until(condition, seconds=PATIENCE, what="the condition"):
    """The first true value of `condition()`. Looks again without a fixed rhythm that a test could rely on."""
    end = time.monotonic() + seconds
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not hold within {seconds} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


class PortClaims:
    """Ports for servers that are told where to listen. The kernel gives none of them to outgoing connections or to whoever
    asks for any port, so that nobody comes between the choice and the server, nor while it is down and to be started
    again. Tests run side by side: each process locks the byte of its port in one file, as lib/core/tests/server_process.cpp
    does. The locks go with the process."""

    FIRST, LAST = 10_000, 20_000

    def __init__(self):
        self.file = os.open(Path(tempfile.gettempdir()) / f"slipway-ports-{os.geteuid()}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        start = os.getpid() * 37 % (self.LAST - self.FIRST)
        self.candidates = itertools.cycle([*range(self.FIRST + start, self.LAST), *range(self.FIRST, self.FIRST + start)])

    def next(self):
        for port in itertools.islice(self.candidates, self.LAST - self.FIRST):
            with contextlib.suppress(OSError), socket.socket() as probe:
                fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
                probe.bind(("127.0.0.1", port))
                return port
        raise AssertionError("no free port")


@functools.cache
def port_claims():
    return PortClaims()


def free_port():
    return port_claims().next()


_folders = []


def temporary_folder(prefix):
    """It goes with the last test (conftest.py) where it is not removed before: a database takes some 40 MB."""
    folder = Path(tempfile.mkdtemp(prefix=f"slipway-{prefix}-"))
    folder.chmod(0o755)  # PostgreSQL runs as another user
    _folders.append(folder)
    return folder


def remove_temporary_folders():
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


class ChildServer:
    """One process that answers from when it is made until `kill` or `stop`, and again after `start`. A class of such says
    what it is called, which user the package made for it (root runs it as that one), its command, and whether it
    answers."""

    name = user = None

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.process = None
        self.owner = pwd.getpwnam(self.user) if self.user and os.geteuid() == 0 else None
        if self.owner:
            os.chown(self.folder, self.owner.pw_uid, self.owner.pw_gid)

    def command(self):
        raise NotImplementedError

    def answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def as_owner(self):
        """For subprocess: who runs it, and where they may be."""
        who = {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []} if self.owner else {}
        return {"cwd": self.folder, **who}

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, **self.as_owner())
        try:
            wait_until(self._answers, what=f"{self.name} to start")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended: {(self.folder / 'log').read_text(errors='replace')[-2000:]}")
        return self.answers()

    def kill(self):
        """Ends it as a crash does: no client is told."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.shut_down()
            self.process.wait(PATIENCE)

    def shut_down(self):
        self.process.kill()
