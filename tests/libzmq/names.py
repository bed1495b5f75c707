#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""The library exports the functions of zmq.h, which are those of libzmq, and nothing else.

    names.py HEADER NM LIBRARY [THEIRS]; for a DLL of Windows objdump in place of nm

The last line tells how many cases passed, failed and were skipped, as that of a test program.
"""
import re
import subprocess
import sys

NUMBER = 70


def declared(header):
    with open(header, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.DOTALL)
    return set(re.findall(r"\bZMQ_EXPORT\s[^;{]*?(zmq_\w+)\s*\(", text))


def exported(nm, library):
    if library.endswith(".dll"):
        output = subprocess.run([nm, "-p", library], capture_output=True, text=True, check=True).stdout
        table = output[output.index("[Ordinal/Name Pointer] Table"):]
        return [("T", name) for name in re.findall(r"^\s*\[ *\d+\].*?(\w+)$", table, re.MULTILINE)]
    command = [nm, "--dynamic", "--extern-only", "--defined-only", library]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line.split()[-2:] for line in output.splitlines()]


def main(header, nm, library, theirs=""):
    wanted = declared(header)
    ours = exported(nm, library)
    names = {name for _, name in ours}
    cases = [
        (f"zmq.h declares {NUMBER} functions", len(wanted) == NUMBER, len(wanted)),
        ("the library exports the functions of zmq.h and nothing else", names == wanted,
         sorted(names ^ wanted)),
        ("all are functions without a version", all(kind == "T" for kind, _ in ours),
         [name for kind, name in ours if kind != "T"]),
    ]
    skipped = 0
    if theirs:
        others = {name for _, name in exported(nm, theirs)}
        cases.append(("libzmq exports the same", others == names, sorted(others ^ names)))
    else:
        skipped = 1
        print("skipped: libzmq exports the same: it is not installed")
    failed = 0
    for case, passed, what in cases:
        if not passed:
            failed += 1
            print(what)
            print(f"failed: {case}")
    print(f"slk-tests: {len(cases) - failed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
