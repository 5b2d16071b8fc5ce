"""The commands of ./dev in a copy of the project's scripts: what they refuse, and what they leave alone."""

import contextlib
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from harness import BINARY, ROOT
from machine import as_anybody
from processes import temporary_folder

USAGE, UNAVAILABLE, TEMPORARY, PERMISSION = 64, 69, 75, 77
NOBODY = 65534


class Tree:
    """A checkout with the scripts, the configuration, and the server that is tested."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("dev", "CMakeLists.txt", "CMakePresets.json"):
            shutil.copy(ROOT / name, folder / name)
        for name in ("scripts", "config"):
            shutil.copytree(ROOT / name, folder / name)

    def with_server(self):
        at = self.folder / "build/release/cmd/server/slipway"
        at.parent.mkdir(parents=True)
        at.symlink_to(BINARY)
        return at

    def run(self, *command, under=(), timeout=60, cwd=None, **variables):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLIPWAY_", "SUDO_", "DEV_"))}
        return subprocess.run([*under, *map(str, command)], cwd=cwd or self.folder, env={**kept, "DEV_NO_INSTALL": "1", **variables},
                              capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)

    def dev(self, *arguments, **more):
        return self.run("bash", "dev", *arguments, **more)

    def sourced(self, text, *scripts, **more):
        """Runs shell commands as one of the scripts would."""
        sources = "".join(f". scripts/dev/{name}.sh; " for name in ("common", *scripts))
        return self.run("bash", "-euc", f"DEV_ROOT=$PWD; {sources}{text}", **more)

    def files(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))


@pytest.fixture
def tree():
    """Its name has a space, as that of a folder on somebody's desktop may."""
    folder = temporary_folder("dev")
    (folder / "my service").mkdir()
    yield Tree(folder / "my service")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("arguments, words", [
    (["doctor", "foo"], ["'foo'"]), (["coverage", "--qiuck"], ["'--qiuck'"]), (["coverage", "--quick", "x"], ["'x'"]),
    (["test", "unit", "a", "b"], ["'b'", "one FILTER"]), (["nightly", "--seconds"], ["--seconds wants a whole number"]),
    (["nightly", "fuzz", "--seconds", "1m"], ["--seconds", "'1m'"]), (["lint", "--within"], ["--within wants a whole number"]),
    (["clean", "--all", "x"], ["'x'"]), (["hook", "--remove", "x"], ["'x'"]), (["biuld"], ["'biuld'"])])
def test_arguments_that_nobody_reads(tree, arguments, words):
    done = tree.dev(*arguments)
    assert done.returncode == USAGE, done.stdout + done.stderr
    for word in words:
        assert word in done.stderr


def test_doctor_changes_nothing(tree):
    tree.with_server()
    before = tree.files()
    said = tree.dev("doctor").stdout
    assert "var/app.db is not made yet" in said, said
    assert tree.files() == before


def test_the_front_door_opens_from_anywhere(tree):
    tree.with_server()
    inside, outside = tree.dev("doctor"), tree.run("bash", tree.folder / "dev", "doctor", cwd="/")
    assert outside.returncode == inside.returncode and "var/app.db is not made yet" in outside.stdout, outside.stdout + outside.stderr


def test_doctor_tells_migrations_that_are_pending_or_changed(tree):
    server = tree.with_server()
    (tree.folder / "var").mkdir()
    assert tree.run(server, "migrate", "up", "--to", "2").returncode == 0
    said = tree.dev("doctor").stdout
    assert "doubtful database" in said and "migrations are pending" in said, said
    assert tree.run(server, "migrate", "up").returncode == 0
    said = tree.dev("doctor").stdout
    assert "database" in said and "pending" not in said and "doubtful database" not in said, said
    with contextlib.closing(sqlite3.connect(tree.folder / "var/app.db")) as database, database:
        database.execute("update schema_migrations set checksum = 'another' where version = 1")
    said = tree.dev("doctor").stdout
    assert "doubtful database" in said and "0001" in said and "changed" in said, said


@pytest.mark.parametrize("key", ["http.listen", "operations.listen"])
def test_doctor_finds_the_port_that_is_taken(tree, key):
    tree.with_server()
    holder = subprocess.Popen([sys.executable, "-c", "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); "
                               "print(s.getsockname()[1], flush=True); sys.stdin.read()"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with holder:
        address = f"127.0.0.1:{holder.stdout.readline().strip()}"
        addresses = {"http.listen": "127.0.0.1:0", "operations.listen": "127.0.0.1:0", key: f"127.0.0.1:0,{address}"}
        done = tree.dev("doctor", **{"SLIPWAY_" + name.replace(".", "__").upper(): value for name, value in addresses.items()})
        holder.stdin.close()
    assert done.returncode == 1 and f"{key}, {address}" in done.stdout and f"--{key}=" in done.stdout, done.stdout


def test_a_build_folder_that_cannot_be_written(tree):
    """One sentence, and what to do; nothing of the shell's."""
    closed = tree.folder / "build"
    closed.mkdir()
    closed.chmod(0o500)
    for command in ("build", "test", "run", "coverage"):
        done = tree.dev(command, under=as_anybody(), DEV_NO_INSTALL=os.environ.get("DEV_NO_INSTALL", ""))
        assert done.returncode == PERMISSION, done.stdout + done.stderr
        assert "cannot be written" in done.stderr and "chown" in done.stderr and "Permission denied" not in done.stderr, done.stderr


def test_what_root_made_becomes_the_callers(tree):
    """Under sudo on a fresh clone: the packages are root's business, the build is not."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    os.chown(tree.folder, NOBODY, NOBODY)
    (tree.folder / "build/release").mkdir(parents=True)
    (tree.folder / "build/packages-build.stamp").write_text("x")
    done = tree.sourced("drop_root -c 'id -u; echo kept >build/release/log; echo kept >build/packages-build.stamp'",
                        SUDO_UID=str(NOBODY), SUDO_GID=str(NOBODY))
    assert done.returncode == 0 and done.stdout.split() == [str(NOBODY)], done.stdout + done.stderr
    assert (tree.folder / "build/release/log").exists()


@pytest.mark.parametrize("told, root", [(None, "/var/tmp"), ("own", "own")])
def test_little_room_in_tmp(tree, told, root):
    """Where /tmp is small, and nobody has said where to: /var/tmp."""
    root = str(tree.folder) if root == "own" else root
    done = tree.sourced('free_megabytes() { case $1 in /tmp) echo 100 ;; *) echo 9000 ;; esac; }; '
                        f'{"unset TMPDIR" if told is None else "TMPDIR=$PWD"}; use_scratch 4000 "a test"; echo "$TMPDIR"; test -d "$TMPDIR"',
                        "scratch")
    assert done.returncode == 0 and done.stdout.startswith(f"{root}/slipway-run."), done.stdout + done.stderr
    assert not Path(done.stdout.strip()).exists()


def test_no_room_anywhere(tree):
    done = tree.sourced('free_megabytes() { echo 100; }; unset TMPDIR; use_scratch 4000 "a test"', "scratch")
    assert done.returncode == 73 and "4000 MB" in done.stderr and "TMPDIR" in done.stderr, done.stderr


def test_npm_without_a_network(tree):
    """The rest goes on within seconds."""
    if not shutil.which("npm"):
        pytest.skip("there is no npm")
    (tree.folder / "web/docs").mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "web/docs" / name, tree.folder / "web/docs")
    done = tree.sourced("ensure_viewer", "node", timeout=30, DEV_NO_INSTALL="", npm_config_registry="http://127.0.0.1:9/",
                        npm_config_cache=str(tree.folder / "cache"), npm_config_replace_registry_host="always")
    assert done.returncode == 0 and "without its viewer" in done.stderr, done.stdout + done.stderr


@pytest.fixture
def fuzzers(tree):
    """Two targets that are built already; they say how they were called, and find what is in a file beside them."""
    at = tree.folder / "build/fuzz"
    at.mkdir(parents=True)
    names = ("fuzz_aaa", "fuzz_http")
    (at / "build.ninja").write_text("".join(f"build {name}: phony\n" for name in names))
    for name in names:
        (at / name).write_text('#!/bin/sh\necho "$(basename "$0") $*" >>calls\n[ ! -e "$0.finding" ]\n')
        (at / name).chmod(0o755)
    return at


def fuzz(tree, *arguments):
    done = tree.dev("nightly", "fuzz", "--seconds", "60", *arguments)
    calls = tree.folder / "calls"
    return done, [line.split()[:2] for line in calls.read_text().splitlines()] if calls.exists() else []


def test_little_time_is_shared_by_the_fuzz_targets(tree, fuzzers):
    done, calls = fuzz(tree, "--within", "30")
    assert done.returncode == 0 and "2 of 2 fuzz targets run" in done.stdout, done.stdout + done.stderr
    assert [name for name, _ in calls] == ["fuzz_http", "fuzz_aaa"], "what strangers reach first comes first"
    assert 10 <= int(calls[0][1].removeprefix("-max_total_time=")) <= 15


def test_fuzz_targets_that_did_not_run_are_no_success(tree, fuzzers):
    done, calls = fuzz(tree, "--within", "5")
    assert done.returncode == TEMPORARY and not calls, done.stdout + done.stderr
    assert "0 of 2" in done.stdout and "for lack of time: fuzz_http fuzz_aaa" in done.stdout and "--within" in done.stderr
    (fuzzers / "fuzz_http.finding").touch()
    done, _ = fuzz(tree)
    assert done.returncode == 1 and "FOUND by fuzz_http" in done.stdout, done.stdout + done.stderr


@pytest.fixture
def checks(tree):
    """One source, and tools that find something where there is a file beside them; how they are reached."""
    (tree.folder / "scripts/dev/check_layers.py").write_text("")
    (tree.folder / ".clang-tidy").touch()
    source, build, tools = tree.folder / "lib/a.cpp", tree.folder / "build/debug", tree.folder / "tools"
    for folder in (source.parent, build, tools):
        folder.mkdir(parents=True)
    source.write_text("int main() {}\n")
    (build / "build.ninja").touch()
    command = f"clang++-19 -o a.o -c {shlex.quote(str(source))}"
    (build / "compile_commands.json").write_text(json.dumps([{"file": str(source), "directory": str(build), "command": command}]))
    for name in ("clang-tidy-19", "clang-format-19", "cppcheck", "shellcheck", "codespell"):
        (tools / name).write_text('#!/bin/sh\n[ ! -e "$0.finding" ]\n')
        (tools / name).chmod(0o755)
    return {"PATH": f"{tools}:{os.environ['PATH']}"}


def test_sources_that_clang_tidy_did_not_reach_are_no_success(tree, checks):
    done = tree.dev("lint", "--all", "--within", "0", **checks)
    assert done.returncode == TEMPORARY, done.stdout + done.stderr
    assert "1 of 1 sources not reached within 0 s" in done.stdout and "ok      clang-tidy" not in done.stdout, done.stdout
    assert "clang-tidy" in done.stderr and "--within" in done.stderr, done.stderr
    night = tree.dev("nightly", "lint", "--within", "0", **checks)
    assert night.returncode == TEMPORARY and "lint" in night.stderr, night.stdout + night.stderr
    done = tree.dev("lint", "--all", **checks)
    assert done.returncode == 0 and "ok      clang-tidy, 1 files" in done.stdout, done.stdout + done.stderr
    (tree.folder / "tools/cppcheck.finding").touch()
    (tree.folder / "lib/a.cpp").write_text("int main() { return 1; }\n")
    assert tree.dev("lint", "--all", "--within", "0", **checks).returncode == 1, "what was found comes first"


@pytest.mark.parametrize("form", ["--staged", "--quick", "--all", ""])
def test_a_leftover_in_git_is_refused(tree, checks, form):
    def git(*arguments):
        done = tree.run("git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr

    def lint():
        return tree.dev("lint", *filter(None, [form]), **checks)

    shutil.copy(ROOT / ".gitignore", tree.folder)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "a")
    leftovers = ["lib/a.cpp.orig", "lib/a.cpp.rej", "a b.bak", "lib/.a.cpp.swp", "lib/a.cpp~"]
    for name in leftovers:
        (tree.folder / name).touch()
    assert lint().returncode == 0, "git does not know them"
    git("add", "-f", *leftovers)
    done = lint()
    assert done.returncode == 1 and "WRONG   leftovers" in done.stdout, done.stdout + done.stderr
    assert all(f"\n{name}: a leftover" in done.stdout for name in leftovers), done.stdout
    git("commit", "-qm", "b")
    assert lint().returncode == (0 if form == "--staged" else 1), "the hook is about what is committed now"


@pytest.mark.parametrize("code, line", [(0, "7 passed, 0 failed, 0 skipped"), (TEMPORARY, "6 passed, 0 failed, 1 skipped"),
                                        (1, "6 passed, 1 failed, 0 skipped")])
def test_continuous_integration_counts_what_did_not_fit(tree, code, line):
    (tree.folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", tree.folder / ".ci/run")
    (tree.folder / "dev").write_text(f'#!/bin/sh\ncase "$*" in test*) echo "1 passed, 0 failed, 0 skipped" ;; '
                                     f'"nightly fuzz"*) exit {code} ;; esac\n')
    (tree.folder / "dev").chmod(0o755)
    done = tree.run(".ci/run", DEV_CI_LIMIT="2700")
    assert done.stdout.splitlines()[-1] == line and (done.returncode == 0) == (code != 1), done.stdout + done.stderr
    assert ("SKIPPED fuzz targets" in done.stdout) == (code == TEMPORARY)


def test_promtool_without_a_network(tree):
    """The tests go on, and say what they skip."""
    done = tree.sourced("apt_get() { return 100; }; fetch_prometheus() { return 100; }; "
                        'command() { [ "$2" != promtool ] && builtin command "$@"; }; ensure_promtool; echo "went on with ${PROMTOOL:-none}"; ls -A build/tools',
                        "packages", "promtool", DEV_NO_INSTALL="", PROMTOOL="")
    assert done.returncode == 0 and "could not be fetched" in done.stderr, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "went on with none", "and nothing is left"


def test_the_summary_tells_the_shares_of_the_kinds_of_tests(tree):
    for kind, count in (("unit", 6), ("integration", 3), ("e2e", 1)):
        (tree.folder / f"{kind}.xml").write_text("<testsuite>" + '<testcase name="a" status="run"/>' * count + "</testsuite>")
    done = tree.run(sys.executable, "scripts/dev/summary.py", "unit.xml", "integration.xml", "e2e.xml")
    assert done.stdout.splitlines()[-2:] == ["Tests of each kind: unit 6 (60 %), integration 3 (30 %), e2e 1 (10 %)",
                                             "10 passed, 0 failed, 0 skipped"], done.stdout + done.stderr
    alone = tree.run(sys.executable, "scripts/dev/summary.py", "unit.xml")
    assert alone.stdout.split("\n")[-2:] == ["6 passed, 0 failed, 0 skipped", ""] and "kind" not in alone.stdout, alone.stdout


def test_clean_keeps_what_was_fetched(tree):
    fetched = tree.folder / "web/docs/node_modules"
    fetched.mkdir(parents=True)
    for folder in ("build/debug", "var"):
        (tree.folder / folder).mkdir(parents=True)
    assert tree.dev("clean").returncode == 0
    assert fetched.exists() and (tree.folder / "var").exists() and not (tree.folder / "build").exists()
    assert tree.dev("clean", "--all").returncode == 0
    assert not fetched.exists() and not (tree.folder / "var").exists()


def test_generated_pages_change_as_a_whole_or_not_at_all(tree):
    docs = tree.folder / "docs"
    docs.mkdir()
    names = ("configuration.md", "errors.md", "migrations.md")
    for name in names:
        shutil.copy(ROOT / "docs" / name, docs / name)
    before = {name: (docs / name).read_text() for name in names}
    absent = tree.run("scripts/generate_docs.sh")
    assert absent.returncode == UNAVAILABLE and "./dev build" in absent.stderr, absent.stderr
    assert tree.run("scripts/generate_docs.sh", "/bin/false").returncode != 0
    assert {path.name: path.read_text() for path in docs.iterdir()} == before
    made = tree.run("scripts/generate_docs.sh", BINARY)
    assert made.returncode == 0, made.stderr
    assert {path.name: path.read_text() for path in docs.iterdir()} == before, "scripts/generate_docs.sh makes the pages anew"
