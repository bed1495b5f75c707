# SPDX-License-Identifier: MPL-2.0
"""Prints what took longest: slowest.py <since> <build folder>...

Lists the slowest files to compile, test programs and test cases of the given build folders, as
seconds on the clock: two that run at the same time slow each other down. Files that were compiled
before <since>, in seconds since 1970, do not count, and neither do tests that ran before.
"""

import json
import pathlib
import re
import sys

ROWS = 10
SLOW_CASE = re.compile(r"^slow: ([0-9.]+) s: (.*?)\s*$", re.MULTILINE)


def compiled_files(text, since):
    """[(seconds, object file)] of a .ninja_log; the last entry of a file counts."""
    found = {}
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) < 4 or not fields[3].endswith((".o", ".obj")):
            continue
        start, end, modified = map(int, fields[:3])
        if modified >= since * 1e9:
            found[fields[3]] = (end - start) / 1000
    return [(seconds, name) for name, seconds in found.items()]


def programs_and_cases(text):
    """[(seconds, program)] and [(seconds, "program: case")] of Meson's testlog.json."""
    programs, cases = [], []
    for line in text.splitlines():
        entry = json.loads(line)
        # Meson puts the project's name in front where there are several.
        name = entry["name"].split(" / ")[-1]
        programs.append((entry["duration"], name))
        for seconds, case in SLOW_CASE.findall(entry.get("stdout", "")):
            cases.append((float(seconds), f"{name}: {case}"))
    return programs, cases


def table(title, rows):
    """The lines of one table; rows are (seconds, part, name)."""
    if not rows:
        return []
    slowest = sorted(rows, reverse=True)[:ROWS]
    return [title] + [f"{seconds:8.1f} s  {part:9} {name}" for seconds, part, name in slowest]


def read(path, since):
    """The file's text, or nothing when it is not there or older."""
    if not path.is_file() or path.stat().st_mtime < since:
        return ""
    return path.read_text(encoding="utf-8", errors="replace")


def main():
    since = int(sys.argv[1])
    files, programs, cases = [], [], []
    for folder in map(pathlib.Path, sys.argv[2:]):
        of_part = lambda rows: [(seconds, folder.name, name) for seconds, name in rows]
        files += of_part(compiled_files(read(folder / ".ninja_log", since), since))
        ran = programs_and_cases(read(folder / "meson-logs" / "testlog.json", since))
        programs += of_part(ran[0])
        cases += of_part(ran[1])
    for lines in (
        table("slowest files to compile:", files),
        table("slowest test programs:", programs),
        table("slowest test cases:", cases),
    ):
        for line in lines:
            print(line)


if __name__ == "__main__":
    main()
