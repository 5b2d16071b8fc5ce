"""Checks who includes whom: the libraries of lib/ follow the DAG that their CMake files declare, the page
docs/architecture.md shows that same DAG, the application's rooms only look down, heavy headers stay in .cpp files,
and only one file asks the system for the time.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
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
HEAVY = re.compile(r'#\s*include\s*[<"](boost/(asio|beast|mysql)|libpq-fe|curl/|yaml-cpp/|openssl/|CLI/|simdjson|sqlite3)')
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
            for name, depends in re.findall(r"^([a-z_]+) <- (.*)$", page.read_text(), re.M)}


def check_libraries():
    libraries = declared_libraries()
    reachable = {name: closure(libraries, name) for name in libraries}
    for path in files("lib"):
        own = path.parts[1]
        if own not in libraries or "tests" in path.parts or "fuzz" in path.parts or "bench" in path.parts:
            continue
        for include in INCLUDE.findall(text(path)):
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
        for include in INCLUDE.findall(text(path)):
            parts = include.removeprefix("app/").split("/")
            if parts[0] in ROOMS and parts[0] != own and parts[0] not in MAY_SEE[own]:
                wrong.append(f"{path}: {own} may not see {parts[0]}: {include}")
        if own != "cmd" and HEAVY.search(text(path)):
            wrong.append(f"{path}: a driver's or Asio's header outside lib/**/*.cpp")


def check_public_headers():
    """No header that another folder can reach, at any depth, may pull in a heavy one."""
    own_headers = {f"slipway/{path.relative_to('lib')}": path for path in files("lib") if path.suffix == ".hpp"}
    reached = set()
    for path in files("lib", *ROOMS):
        for include in INCLUDE.findall(text(path)):
            if include in own_headers and own_headers[include].parts[:2] != path.parts[:2]:
                reached.add(include)
    waiting = list(reached)
    while waiting:
        path = own_headers[waiting.pop()]
        if HEAVY.search(text(path)):
            wrong.append(f"{path}: a heavy header, and other folders include this one: keep it in the .cpp")
        for include in INCLUDE.findall(text(path)):
            if include in own_headers and include not in reached:
                reached.add(include)
                waiting.append(include)


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
    if sys.argv[1:] == ["--write"]:
        write_drawing()
        return 0
    check_libraries()
    check_rooms()
    check_public_headers()
    check_clock()
    for line in sorted(set(wrong)):
        print(line)
    return 1 if wrong else 0


sys.exit(main())
