#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""The names that the library offers to C are the functions of the header, and no others.

    exported_names.py HEADER NM static LIBRARY [shared LIBRARY]

The last line tells how many cases passed, failed and were skipped, as that of a test program.
"""
import re
import subprocess
import sys

DECLARATION = re.compile(r"\bSL_EXPORT\b[^;{]*?\bSL_CALL\s+(\w+)\s*\(")
# What compilers and linkers may add, and names of C++; a program cannot use them as its own.
RESERVED = re.compile(r"^(_[A-Z_]|\.|DW\.|_init$|_fini$|_edata$|_end$)")


def declared(header):
    with open(header, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.DOTALL)
    return set(DECLARATION.findall(text))


def c_names(nm, arguments, library):
    """The names that the library defines and others can see, without those of C++."""
    command = [nm, *arguments, "--extern-only", "--defined-only", library]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = set()
    for line in output.splitlines():
        words = line.split()
        # An address, a letter and a name; others name the objects of an archive. A shared library
        # may add its version to a name.
        if len(words) == 3 and len(words[1]) == 1:
            names.add(words[2].split("@")[0])
    return {name for name in names if not RESERVED.match(name)}


def compare(what, expected, found):
    missing = sorted(expected - found)
    others = sorted(found - expected)
    failed = 0
    for case, names in (
        (f"the {what} library has every function of the header", missing),
        (f"the {what} library has no other names of C", others),
    ):
        if names:
            failed += 1
            print(", ".join(names))
            print(f"failed: {case}")
    return 2 - failed, failed


def main(header, nm, *libraries):
    expected = declared(header)
    passed = failed = skipped = 0
    if len(expected) > 100 and all(name.startswith("slk_") for name in expected):
        passed += 1
    else:
        failed += 1
        print(f"{len(expected)} functions: {', '.join(sorted(expected))}")
        print("failed: the header declares functions whose names begin with slk_")
    kinds = dict(zip(libraries[::2], libraries[1::2]))
    for kind, arguments in (("static", []), ("shared", ["--dynamic"])):
        if kind in kinds:
            one = compare(kind, expected, c_names(nm, arguments, kinds[kind]))
            passed += one[0]
            failed += one[1]
        else:
            skipped += 1
            print(f"skipped: names of the {kind} library: it is not built here")
    print(f"slk-tests: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
