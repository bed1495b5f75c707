#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Measures the tables of docs/herd.md and writes them into it; ./dev herd calls this.

herd_tables.py SLK DOCUMENT [NAME...]: SLK is the command, NAME a table; without a NAME, all tables.
A table stands in the document behind the line <!-- table NAME -->.
"""

import json
import re
import subprocess
import sys

PEAKS = [("peak 10 ms", "peak_10ms", 1), ("peak 1 s", "peak_1s", 1)]
BACK = [("p50 s", "back_p50_s", 1), ("p99 s", "back_p99_s", 1), ("p100 s", "back_p100_s", 1)]
OUTAGE = [
    ("attempts /client/min", "attempts_per_client_minute", 1),
    *PEAKS,
    ("SYN drops", "syn_drops", 0),
    *BACK,
    ("never back", "never_back", 0),
    ("wasted /client", "wasted_per_client", 2),
    ("lockstep", "lag_autocorrelation", 2),
    ("delays < 1 ms", "zero_delay_share", 3),
    ("max ÷ median", "max_by_median_attempts", 1),
]
SIZING = [*PEAKS, ("SYN drops", "syn_drops", 0), *BACK]
HIT = [*PEAKS, ("SYN drops", "syn_drops", 0), *BACK, ("never back", "never_back", 0),
       ("wasted /client", "wasted_per_client", 2)]
UNSTEADY = [
    ("attempts /client/min", "attempts_per_client_minute", 1),
    *PEAKS,
    ("SYN drops", "syn_drops", 0),
    ("wasted /client", "wasted_per_client", 2),
    ("connected", "connected_share", 3),
]
CLOSED = [
    ("connections /client in 10 min", "connections_per_client_10min", 0),
    ("max ÷ median", "max_by_median_attempts", 1),
]

ALL = ["--policy", "all"]
SOME = [word for name in ("serverlink", "libzmq", "libzmq-30s", "grpc")
        for word in ("--policy", name)]
# The seconds in which the server can accept all clients: N / C.
LARGE_BASE = ["--base", "2s", "--spread"]


def sized(clients, cap, outage, *more):
    """One row: its label and its options."""
    label = f"{clients:,} clients, cap {cap}, outage {outage}" + (", " if more else "")
    label += " ".join(more).replace("--", "")
    seeds = "1" if clients > 10_000 else "3"
    return label, ["--clients", str(clients), "--cap", cap, "--outage", outage, "--seeds", seeds,
                   *more]


# Name of the table: its columns, and per run the label (empty: the policy's own) and the options.
TABLES = {
    "outage-60s": (OUTAGE, [("", [*ALL, "--outage", "60s"])]),
    "outage-5s": (OUTAGE, [("", [*ALL, "--outage", "5s"])]),
    "sizing": (SIZING, [
        *[sized(10_000, cap, "60s") for cap in ("2s", "4s", "5s", "10s")],
        *[sized(100_000, cap, "120s") for cap in ("5s", "20s", "40s")],
        *[sized(100_000, cap, "5s") for cap in ("5s", "40s")],
        sized(100_000, "40s", "5s", "--base", "1s"),
        sized(100_000, "40s", "5s", "--base", "20s"),
    ]),
    "black-hole": (OUTAGE, [("", [*SOME, "--scenario", "black-hole"])]),
    "cold-start": (HIT, [
        ("", [*SOME, "--scenario", "cold-start"]),
        ("serverlink, base 2s, spread", ["--scenario", "cold-start", *LARGE_BASE]),
    ]),
    "resume": (HIT, [
        ("", [*SOME, "--scenario", "resume"]),
        ("serverlink, base 2s", ["--scenario", "resume", *LARGE_BASE]),
    ]),
    "flapping": (UNSTEADY, [("", [*SOME, "--scenario", "flapping"])]),
    "accept-then-close": (CLOSED, [
        ("", [*ALL, "--scenario", "accept-then-close", "--clients", "100", "--seeds", "1"]),
        ("serverlink, 10,000 clients", ["--scenario", "accept-then-close", "--seeds", "1"]),
    ]),
}


def measured(slk, options):
    print("slk simulate herd", *options, file=sys.stderr, flush=True)
    run = subprocess.run([slk, "simulate", "herd", "--json", *options], check=True,
                         stdout=subprocess.PIPE, encoding="utf-8")
    return [json.loads(line) for line in run.stdout.splitlines()]


def shown(value, decimals):
    # Adding 0 turns -0, which rounding may leave, into 0.
    return "–" if value is None else f"{round(value, decimals) + 0:,.{decimals}f}"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(slk, columns, runs):
    lines = [row(["", *[title for title, _, _ in columns]]),
             "|---" + "|---:" * len(columns) + "|"]
    for label, options in runs:
        for seen in measured(slk, options):
            lines.append(row([label or seen["title"],
                              *[shown(seen[key], decimals) for _, key, decimals in columns]]))
    return "\n".join(lines)


def main(slk, document, *names):
    for name in names or TABLES:
        made = table(slk, *TABLES[name])
        # Read and written for each table, so that none is lost when a later one fails.
        with open(document, encoding="utf-8") as file:
            text = file.read()
        place = re.compile(rf"(<!-- table {name} -->\n)(\|.*\n)*")
        text, found = place.subn(lambda before, made=made: before[1] + made + "\n", text)
        if found != 1:
            sys.exit(f"{document} has no place for the table {name}")
        with open(document, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    if len(sys.argv) < 3 or set(sys.argv[3:]) - set(TABLES):
        sys.exit(__doc__ + "\nTables: " + ", ".join(TABLES))
    main(*sys.argv[1:])
