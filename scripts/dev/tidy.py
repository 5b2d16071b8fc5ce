"""Runs clang-tidy over sources, several at once, and passes over those whose last answer still holds.

    tidy.py [--within SECONDS] FILE...

An answer holds as long as the file with everything that it includes, the way it is compiled, the checks and the
version of clang-tidy are the same: build/tidy keeps a stamp for each clean answer. When the time is over, what is
left is counted, and the next run goes on from there. Exit codes: 0 clean, 1 findings, 75 clean but not finished.
"""

import argparse
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/debug"
STAMPS = ROOT / "build/tidy"
TIDY, COMPILER = "clang-tidy-19", "clang++-19"
MONTH = 30 * 24 * 3600
PATIENCE = 600  # seconds for one file
# Tests look at what was moved from, and need not be fast; and the analyzer knows no way out of the test macros.
NOT_FOR_TESTS = "-clang-analyzer-*,-performance-*,-bugprone-use-after-move"


def commands():
    """How each file is compiled. One that is not (a fuzz target) is taken like its neighbours, as clang-tidy does."""
    return {entry["file"]: entry for entry in json.loads((BUILD / "compile_commands.json").read_text())}


def command_of(known, file):
    if entry := known.get(str(file)):
        return entry
    for folder in file.parents:
        for name, entry in known.items():
            if name.startswith(f"{folder}/"):
                return {**entry, "command": entry["command"].replace(name, str(file))}
    raise SystemExit(f"nothing says how {file} is compiled: configure the debug preset")


def arguments_for(file):
    return [f"--checks={NOT_FOR_TESTS}"] if "tests" in file.parts or "fuzz" in file.parts else []


def stamp_of(entry, constant):
    """Where the clean answer for this text would be; nothing when it cannot be preprocessed."""
    words = shlex.split(entry["command"])
    del words[words.index("-o"):words.index("-o") + 2]
    words[words.index("-c")] = "-E"
    text = subprocess.run([COMPILER, *words[1:], "-P", "-C", "-o", "-"], cwd=entry["directory"], capture_output=True, check=False)
    if text.returncode != 0:
        return None
    root = str(ROOT).encode()
    what = hashlib.sha256(constant)
    what.update(" ".join(words).encode().replace(root, b""))
    what.update(text.stdout.replace(root, b""))
    return STAMPS / what.hexdigest()


def check(file, entry, constant, deadline):
    """(file, state, findings): clean, kept, wrong or left."""
    if time.monotonic() > deadline:
        return file, "left", ""
    arguments = arguments_for(file.relative_to(ROOT))
    stamp = stamp_of(entry, constant + repr(arguments).encode())
    if stamp is not None and stamp.exists():
        stamp.touch()
        return file, "kept", ""
    try:
        done = subprocess.run([TIDY, "-p", str(BUILD), "--quiet", *arguments, str(file)], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return file, "wrong", f"{file}: {TIDY} was not done after {PATIENCE} seconds\n"
    if done.returncode != 0:
        return file, "wrong", done.stdout or done.stderr
    if stamp is not None:
        stamp.touch()
    return file, "clean", ""


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--within", type=int, default=24 * 3600)
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    options.add_argument("files", nargs="+")
    wanted = options.parse_args()
    deadline = time.monotonic() + wanted.within
    STAMPS.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    constant = version + (ROOT / ".clang-tidy").read_bytes()
    known = commands()
    count = {"clean": 0, "kept": 0, "wrong": 0, "left": 0}
    with ThreadPoolExecutor(wanted.jobs) as pool:
        work = [pool.submit(check, file, command_of(known, file), constant, deadline) for file in (ROOT / name for name in wanted.files)]
        for one in work:
            file, state, findings = one.result()
            count[state] += 1
            if findings:
                print(findings.rstrip().replace(f"{ROOT}/", ""), flush=True)
    for stamp in STAMPS.iterdir():
        if stamp.stat().st_mtime < time.time() - MONTH:
            stamp.unlink()
    print(f"{count['clean']} clean, {count['kept']} unchanged since they were, {count['wrong']} with findings, {count['left']} not reached")
    if count["left"]:
        print(f"{count['left']} of {len(wanted.files)} sources not reached within {wanted.within} s: the next run goes on from there")
    return 1 if count["wrong"] else 75 if count["left"] else 0


sys.exit(main())
