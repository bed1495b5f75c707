#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Writes the files of the page as C++: embed.py OUTPUT FILE..."""

import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def main(output, *names):
    arrays, entries = [], []
    for number, name in enumerate(names):
        file = pathlib.Path(name)
        path = "/" if file.name == "index.html" else "/" + file.name
        numbers = ",".join(str(byte) for byte in file.read_bytes())
        arrays.append(f"constexpr unsigned char file_{number}[] = {{{numbers}}};")
        entries.append(
            f'    {{"{path}", "{TYPES[file.suffix]}",\n'
            f"     {{reinterpret_cast<const char*>(file_{number}), sizeof file_{number}}}}},"
        )
    pathlib.Path(output).write_text(
        "// SPDX-License-Identifier: MPL-2.0\n"
        "// Made by src/http/embed.py.\n"
        '#include "http/page_files.hpp"\n\n'
        "namespace slk::http {\n\nnamespace {\n\n"
        + "\n".join(arrays)
        + "\n\n} // namespace\n\n"
        "std::span<const page_file> page_files() noexcept\n{\n"
        "    static const page_file files[] = {\n" + "\n".join(entries) + "\n    };\n"
        "    return files;\n}\n\n} // namespace slk::http\n",
        encoding="ascii",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
