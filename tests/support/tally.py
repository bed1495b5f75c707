# SPDX-License-Identifier: MPL-2.0
"""Counts the test cases of one `meson test` run: tally.py <build folder>

Reads meson-logs/testlog.json. Prints the skipped and failed test cases, and on the last line the
totals: "<passed> <failed> <skipped>". A program that crashed, timed out, ran no test case, or
exited with an error after reporting success counts as one failure.
"""

import json
import pathlib
import re
import sys

COUNTS = re.compile(r"^slk-tests: (\d+) passed, (\d+) failed, (\d+) skipped\s*$", re.MULTILINE)
# doctest's block about one assertion: a line of "=", the file, the case, and what was compared.
BLOCK = re.compile(r"^=+$")
OUTPUT_LINES = 60


def shortened(text):
    """The last lines of an output, and what earlier lines tell of failed assertions and cases."""
    lines = text.rstrip().splitlines()
    before, last = lines[:-OUTPUT_LINES], lines[-OUTPUT_LINES:]
    if not before:
        return last
    blocks = [[]]
    for line in before:
        if BLOCK.match(line):
            blocks.append([])
        blocks[-1].append(line)
    kept = []
    for block in blocks:
        tells = any("ERROR:" in line for line in block)
        kept += [line for line in block if tells or line.startswith("failed: ")]
    return kept + [f"... {len(before) - len(kept)} lines left out"] + last


def show(text):
    for line in shortened(text):
        print("  " + line)


def count(program):
    """The counts of one program, and a problem of the program itself, if there is one."""
    found = COUNTS.findall(program.get("stdout", ""))
    result = program["result"]
    if len(found) != 1:
        what = "timed out" if result == "TIMEOUT" else f"ended without its counts ({result})"
        return 0, 1, 0, what
    passed, failed, skipped = map(int, found[0])
    if passed + failed + skipped == 0:
        return 0, 1, 0, "ran no test case"
    if result != "OK" and failed == 0:
        return passed, 1, skipped, f"ended with status {program.get('returncode')} ({result})"
    return passed, failed, skipped, "timed out" if result == "TIMEOUT" else ""


def main():
    log = pathlib.Path(sys.argv[1]) / "meson-logs" / "testlog.json"
    total = [0, 0, 0]
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        program = json.loads(line)
        *counts, wrong = count(program)
        total = [sum(pair) for pair in zip(total, counts)]
        output = program.get("stdout", "")
        for skip in re.findall(r"^skipped: .*$", output, re.MULTILINE):
            print(skip.rstrip("\r"))
        if counts[1]:
            print(f"{program['name']}: {counts[1]} failed{wrong and ': ' + wrong}")
            show(output)
            show(program.get("stderr", ""))
    print(*total)


if __name__ == "__main__":
    main()
