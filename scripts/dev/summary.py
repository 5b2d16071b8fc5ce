"""Adds up the results of all test runners, says what share of the tests is of which kind, and ends with the one line that
counts: N passed, N failed, N skipped.

Reads JUnit XML as ctest and pytest write it. Every failure is listed with the end of its output, every skip with its
reason. Exits with 1 when something failed or when nothing ran at all.
"""

import glob
import re
import sys
import xml.etree.ElementTree as xml
from collections import defaultdict
from pathlib import Path


def cases(path):
    """(name, outcome, text) of every test in one report."""
    for case in xml.parse(path).getroot().iter("testcase"):
        # ctest repeats the test's name as its class; pytest has a real one.
        group, name = case.get("classname", ""), case.get("name", "?")
        name = name if group in ("", name) else f"{group}.{name}"
        output = case.findtext("system-out") or ""
        wrong = case.find("failure") if case.find("failure") is not None else case.find("error")
        skip = case.find("skipped")
        if wrong is not None:
            yield name, "failed", (wrong.text or "").strip() or output or wrong.get("message") or ""
        elif skip is not None and "Not Run" in case.get("status", "") + (skip.get("message") or ""):
            yield name, "failed", "it could not be started"
        elif skip is not None:
            yield name, "skipped", reason(skip, output)
        elif case.get("status") in ("fail", "notrun"):
            yield name, "failed", output
        else:
            yield name, "passed", ""


def reason(skip, output):
    """Why a test was skipped: pytest says so, GoogleTest prints it after the word Skipped."""
    found = re.search(r": Skipped\n(.*?)(?:\n\[|\n\n|$)", output, re.S)
    if found:
        return " ".join(found.group(1).split())
    text = skip.get("message") or skip.text or ""
    return " ".join(text.split()) or "no reason given"


def shortened(lines):
    return lines if len(lines) <= 45 else [*lines[:40], "...", *lines[-4:]]


def said(text):
    """What a failure is about: of GoogleTest, which prints the ones that passed as well, the output of those that
    failed; otherwise the end."""
    blocks = re.findall(r"^\[ RUN      \][^\n]*\n(?:(?!\[       OK|\[ RUN).*\n)*?\[  FAILED  \][^\n]*", text, re.M)
    if blocks:
        return [line for block in blocks[:5] for line in shortened(block.splitlines())]
    return text.strip().splitlines()[-25:]


def shares(sizes):
    """Of unit, integration and end-to-end tests, from the sizes of their reports."""
    whole = sum(sizes.values())
    return ", ".join(f"{kind} {size} ({100 * size / whole:.0f} %)" for kind, size in sorted(sizes.items(), key=lambda s: -s[1]))


def main(arguments):
    broken = [a.removeprefix("--broken=") for a in arguments if a.startswith("--broken=")]
    paths = [p for a in arguments if not a.startswith("--") for p in glob.glob(a)]
    count = {"passed": 0, "failed": len(broken), "skipped": 0}
    skips = defaultdict(list)
    failures, sizes = [], {}
    for path in sorted(paths):
        try:
            results = list(cases(path))
        except xml.ParseError as error:
            broken.append(f"{path}: {error}")
            count["failed"] += 1
            continue
        if results:
            sizes[Path(path).stem] = len(results)
        for name, outcome, text in results:
            count[outcome] += 1
            if outcome == "failed":
                failures.append((name, text))
            elif outcome == "skipped":
                skips[text].append(name)

    print()
    for name, text in failures:
        print(f"FAILED {name}")
        for line in said(text):
            print(f"    {line}")
    for text in broken:
        print(f"FAILED {text}")
    for why, names in sorted(skips.items()):
        print(f"SKIPPED {len(names)}: {why}")
        print(f"    {', '.join(names[:6])}{', ...' if len(names) > 6 else ''}")
    if count["passed"] + count["failed"] == 0:
        print("No test ran: the filter fits none, or nothing was built.")
    if len(sizes) > 1:
        print(f"Tests of each kind: {shares(sizes)}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not count["passed"] else 0


sys.exit(main(sys.argv[1:]))
