"""usage: check_layers.py [--write] [ROOT]
Checks who includes whom: the libraries of lib/ follow the DAG that their CMake files declare, the page
docs/architecture.md shows that same DAG, the application's rooms only look down, heavy headers stay in .cpp files and
in headers that no other folder includes, and only one file asks the system for the time.

--write  brings the list of libraries in docs/architecture.md up to date, and checks nothing
ROOT     another tree than the one that this file is in
"""

import os
import re
import sys
from functools import cache
from pathlib import Path

WRITE = "--write" in sys.argv[1:]
ROOT = next((Path(a).resolve() for a in sys.argv[1:] if a != "--write"), Path(__file__).resolve().parents[2])
# Each room sees the rooms after it, and lib/.
ROOMS = ["cmd", "routes", "controllers", "middleware", "services", "repositories", "models", "config"]
# Settings are read where objects are made; a room below does not know them.
MAY_SEE = {
    "cmd": set(ROOMS),
    "routes": {"controllers", "middleware", "services", "models"},
    "controllers": {"services", "models"},
    "middleware": {"services", "models"},
    "services": {"repositories", "models"},
    "repositories": {"models"},
    "models": set(),
    "config": set(),
}
# Of other people's headers, those that any header may include. All others count as heavy, so that a library that is
# new here is heavy until somebody says otherwise.
LIGHT = re.compile(r"boost/(describe|mp11)\b|boost/json/(fwd|value)\.hpp|boost/system/error_code\.hpp|fmt/core\.h")
# The C++ library's have neither a slash nor an ending; these are the system's and the compiler's.
SYSTEM = re.compile(r"(arpa|linux|net|netinet|sys)/|"
                    r"(dirent|dlfcn|fcntl|netdb|poll|pthread|pwd|signal|spawn|termios|unistd|[a-z]mmintrin)\.h$")
# Not part of what is delivered: test frameworks are theirs to include.
HELPERS = {"tests", "fuzz", "bench"}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)
wrong = []


def files(*folders):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".hpp", ".cpp") and "node_modules" not in path.parts:
                yield path.relative_to(ROOT)


def text(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def declared_libraries():
    """{library: what it names in DEPENDS}, from CMake."""
    libraries = {}
    for path in sorted((ROOT / "lib").glob("*/CMakeLists.txt")):
        for name, arguments in re.findall(r"slipway_library\(\s*(\S+)(.*?)\)", path.read_text(), re.S):
            section, depends = None, []
            for word in arguments.split():
                if word.isupper():
                    section = word
                elif section == "DEPENDS":
                    depends.append(word)
            libraries[name] = depends
    return libraries


def closure(libraries, name, seen=()):
    """Everything that `name` may see; a cycle is reported once."""
    if name in seen:
        wrong.append(f"lib/: a cycle: {' -> '.join([*seen, name])}")
        return set()
    found = set(libraries.get(name, []))
    for other in libraries.get(name, []):
        if other not in libraries:
            wrong.append(f"lib/{name}/CMakeLists.txt: depends on {other}, which is no library of lib/")
        found |= closure(libraries, other, (*seen, name))
    return found


def drawn_libraries():
    """{library: dependencies} from the lines `name <- a, b` of docs/architecture.md; None when there is no page."""
    page = ROOT / "docs/architecture.md"
    if not page.exists():
        return None
    return {name: [d for d in re.split(r",\s*", depends.strip()) if d and d != "nothing"]
            for name, depends in re.findall(r"^([a-z0-9_]+) <- (.*)$", page.read_text(), re.M)}


def check_libraries():
    libraries = declared_libraries()
    reachable = {name: closure(libraries, name) for name in libraries}
    for path in files("lib"):
        own = path.parts[1]
        if own not in libraries or HELPERS & set(path.parts):
            continue
        for include in includes(path):
            parts = include.split("/")
            if parts[0] == "slipway" and len(parts) > 2 and parts[1] != own and parts[1] not in reachable[own]:
                wrong.append(f"{path}: includes {include}, but lib/{own} does not depend on {parts[1]}")
            if parts[0] in ROOMS + ["app"]:
                wrong.append(f"{path}: the chassis knows nothing of the application: {include}")
    drawn = drawn_libraries()
    if drawn is not None:
        for name in sorted(set(drawn) | set(libraries)):
            if sorted(drawn.get(name, ["(not drawn)"])) != sorted(libraries.get(name, ["(not declared)"])):
                wrong.append(f"docs/architecture.md draws {name} <- {', '.join(drawn.get(name, ['(not drawn)'])) or 'nothing'}; "
                             f"CMake says {', '.join(libraries.get(name, ['(not declared)'])) or 'nothing'}")


def check_rooms():
    for path in files(*ROOMS):
        own = path.parts[0]
        for include in includes(path):
            parts = include.removeprefix("app/").split("/")
            if parts[0] in ROOMS and parts[0] != own and parts[0] not in MAY_SEE[own]:
                wrong.append(f"{path}: {own} may not see {parts[0]}: {include}")
            if own != "cmd" and is_heavy(path, include) and not include.startswith("fmt/"):
                wrong.append(f"{path}: <{include}> outside lib/: the application includes the chassis alone")


@cache
def includes(path):
    return INCLUDE.findall(text(path))


@cache
def resolve(path, include):
    """The file of ours that `path` includes; None for everybody else's."""
    beside = Path(os.path.normpath(path.parent / include))
    there = Path("lib", *Path(include).parts[1:]) if include.startswith("slipway/") else Path(include)
    return next((each for each in (beside, there) if (ROOT / each).is_file()), None)


def is_heavy(path, include):
    is_standard = "/" not in include and "." not in include
    return not (is_standard or SYSTEM.match(include) or LIGHT.match(include) or resolve(path, include)
                or include.split("/")[0] in ["slipway", "app", *ROOMS])


def folder_of(path):
    return path.parts[:2] if path.parts[0] == "lib" else path.parts[:1]


burdens = {}


def burden(path):
    """How `path` comes to a heavy header: the files in between and that header; empty when it does not."""
    if path not in burdens:
        burdens[path] = ()  # for headers that include each other
        burdens[path] = find_burden(path)
    return burdens[path]


def find_burden(path):
    for include in includes(path):
        if not HELPERS & set(path.parts) and is_heavy(path, include):
            return (include,)
    for include in includes(path):
        target = resolve(path, include)
        if target is not None and burden(target):
            return (str(target), *burden(target))
    return ()


def check_heavy_headers():
    """A header that brings a heavy one along, itself or through others, is for its own folder alone."""
    strangers = {}
    for path in files("lib", *ROOMS, "tests", "bench/server"):
        for include in includes(path):
            target = resolve(path, include)
            if target is not None and folder_of(target) != folder_of(path) and burden(target):
                strangers.setdefault(target, []).append(path)
    for target, who in strangers.items():
        *between, heavy = burden(target)
        if strangers.keys() & map(Path, between):
            continue  # the one that it comes through is named itself
        through = f" through {' and '.join(between)}" if between else ""
        includers = f"{who[0]} and {len(who) - 1} more include it" if len(who) > 1 else f"{who[0]} includes it"
        wrong.append(f"{target}: brings <{heavy}> along{through}, so it is for {'/'.join(folder_of(target))} alone, but "
                     f"{includers}: declare what it points to, or leave the header to a .cpp")


def check_clock():
    for path in files("lib", *ROOMS):
        if re.search(r"\bsystem_clock::now\b", text(path)) and path.name != "clock.cpp" and not {"bench", "tests"} & set(path.parts):
            wrong.append(f"{path}: asks the system for the time; take a clock_source")


def write_drawing():
    """Brings the list in docs/architecture.md up to date."""
    page = ROOT / "docs/architecture.md"
    order = re.search(r"set\(all ([^)]*)\)", text(Path("lib/CMakeLists.txt")))
    known = declared_libraries()
    names = [n for n in (order.group(1).split() if order else []) if n in known]
    lines = [f"{n} <- {', '.join(known[n]) or 'nothing'}" for n in names + sorted(set(known) - set(names))]
    block = "<!-- libraries -->\n```\n" + "\n".join(lines) + "\n```\n<!-- end -->"
    page.write_text(re.sub(r"<!-- libraries -->.*?<!-- end -->", lambda _: block, page.read_text(), flags=re.S))


def main():
    if WRITE:
        write_drawing()
        return 0
    check_libraries()
    check_rooms()
    check_heavy_headers()
    check_clock()
    for line in sorted(set(wrong)):
        print(line)
    return 1 if wrong else 0


sys.exit(main())
