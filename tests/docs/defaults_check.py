#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Compares the defaults in docs/coming-from-libzmq.md with the headers, and with the libzmq of the
system by pyzmq, if there is one; each option of zmq.h has to be in its table of options, and what it
has become in a header. Prints a line for each difference.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/coming-from-libzmq.md"
NUMBERS = {"milliseconds": "ms", "seconds": "s"}


def default_in_headers(name):
    """As the document writes it: 30 s, 1000, true, never."""
    for header in ("socket_options.hpp", "reconnect.hpp", "context.hpp"):
        text = (ROOT / "include/serverlink" / header).read_text(encoding="utf-8")
        found = re.search(rf"^    [\w:]+(?:<[\w:]+>)? {name} = ([^;]+);", text, re.MULTILINE)
        if not found:
            continue
        value = found.group(1)
        time = re.fullmatch(r"std::chrono::(\w+)\((\d+)\)", value)
        if time:
            return f"{time.group(2)} {NUMBERS[time.group(1)]}"
        shifted = re.fullmatch(r"std::uint\d+_t\{(\d+)\} << (\d+)", value)
        if shifted:
            return str(int(shifted.group(1)) << int(shifted.group(2)))
        return value.split("::")[-1]
    return "no such option"


def rows(columns):
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == columns and cells[0].startswith("`") and cells[1]:
            yield [cell if len(cells) == 2 else cell.strip("`") for cell in cells]


def default_of_libzmq(zmq, context, name):
    if name == "ZMQ_ROUTER_MANDATORY":
        # It cannot be read: a message for nobody vanishes, or is an error.
        with context.socket(zmq.ROUTER) as router:
            try:
                router.send_multipart([b"nobody", b"x"], zmq.DONTWAIT)
                return "0"
            except zmq.ZMQError:
                return "1"
    with context.socket(zmq.DEALER) as dealer:
        return str(dealer.getsockopt(getattr(zmq, name.removeprefix("ZMQ_"))))


def faults_of_options():
    text = DOCUMENT.read_text(encoding="utf-8")
    table = text[text.index("## Option by option"):text.index("## Defaults that differ")]
    shown = re.findall(r"`(ZMQ_[A-Z0-9_]+\*?)`", table)
    header = (ROOT / "include/libzmq/zmq.h").read_text(encoding="utf-8")
    section = header[header.index("#define ZMQ_AFFINITY"):header.index("#define ZMQ_IPC_FILTER_GID")] \
        + "#define ZMQ_IPC_FILTER_GID 60"
    known = re.findall(r"#define (ZMQ_[A-Z0-9_]+) \d+", section)
    for name in known:
        if name not in shown and not any(each.endswith("*") and name.startswith(each[:-1]) for each in shown):
            yield f"{name} is not in the table of options"
    for name in shown:
        if not name.endswith("*") and name not in known:
            yield f"there is no option {name}"
    public = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "include/serverlink").glob("*.hpp"))
    for row in rows(2):
        for name in re.findall(r"`([a-z_:]+)(?:\(\))?`", row[1]):
            for part in name.split("::"):
                if not re.search(rf"\b{part}\b", public):
                    yield f"{name} is in no header"


def main():
    faults = list(faults_of_options())
    differing = [row for row in rows(5) if row[0].startswith("ZMQ_")]
    own = [row for row in rows(4) if re.fullmatch(r"(?!zmq_)[a-z_0-9]+", row[0])]
    if len(differing) < 9 or len(own) < 10:
        faults.append("the tables of defaults are not found")
    for name, value in [row[2:4] for row in differing] + [row[:2] for row in own]:
        found = default_in_headers(name)
        if found != value:
            faults.append(f"{name}: the document says {value}, the header {found}")
    try:
        import zmq
    except ImportError:
        zmq = None
    if zmq is not None:
        with zmq.Context() as context:
            for name, value in [row[:2] for row in differing]:
                found = default_of_libzmq(zmq, context, name)
                if found != value:
                    faults.append(f"{name}: the document says {value}, libzmq {zmq.zmq_version()} {found}")
    for fault in faults:
        print(f"docs/coming-from-libzmq.md: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
