#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Compares the code in documents with the programs that it is taken from: programs.py [--write].

Below a line `<!-- program: examples/guide/NAME.cpp -->` stands a block of code, which is the program
from its first #include on; below `<!-- part: FILE NAME -->` it is what stands between the comments
`// part: NAME` and `// end` of the file. --write puts the code there. Every program of the guide has to
be in a document.
"""

import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLACE = re.compile(r"^<!-- (program|part): (\S+)(?: (\S+))? -->\n\n?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIRST = {".cpp": "#include", ".c": "#include", ".py": '"""'}


def code_of(kind, name, part):
    text = (ROOT / name).read_text(encoding="utf-8")
    if kind == "program":
        start = text.find(FIRST[pathlib.Path(name).suffix])
        text = re.sub(r"^ *(//|#) (part: .*|end)\n", "", text[start:], flags=re.MULTILINE)
        return text
    found = re.search(rf"^ *(?://|#) part: {re.escape(part)}\n(.*?)^ *(?://|#) end\n", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise ValueError(f"{name} has no part {part}")
    return textwrap.dedent(found.group(1))


def main(write):
    faults, shown = [], set()
    documents = [path for path in sorted(ROOT.glob("docs/**/*.md"))]
    for document in documents:
        text = document.read_text(encoding="utf-8")
        here = document.relative_to(ROOT)

        def put(found):
            kind, name, part, language, old = found.groups()
            shown.add(name)
            try:
                code = code_of(kind, name, part)
            except (OSError, ValueError) as failure:
                faults.append(f"{here}: {failure}")
                return found.group()
            if code != old and not write:
                faults.append(f"{here}: differs from {name}; tools/docs/programs.py --write copies it")
            return f"<!-- {kind}: {name}{' ' + part if part else ''} -->\n```{language}\n{code}```"

        new = PLACE.sub(put, text)
        places = len(re.findall(r"^<!-- (?:program|part): ", text, re.MULTILINE))
        if places != len(PLACE.findall(text)):
            faults.append(f"{here}: a program has no block of code below its name")
        if write and new != text:
            document.write_text(new, encoding="utf-8")
    for program in sorted(ROOT.glob("examples/guide/*.*")):
        name = str(program.relative_to(ROOT))
        if program.suffix in FIRST and name not in shown:
            faults.append(f"{name}: is in no document")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv[1:]))
