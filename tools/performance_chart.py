#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Draws the ratios of a run of bench-messages --json as SVG; ./dev performance calls this.

performance_chart.py JSON SVG

A group of bars for each work, from the line that is libzmq (or the bare sockets, where libzmq took
no part) to the contender's own ratio, on a logarithmic axis. A thin line shows the range of the
rounds' ratios.
"""

import json
import math
import sys

import matplotlib

matplotlib.use("svg")
# The same measurements give the same file.
matplotlib.rcParams["svg.hashsalt"] = "serverlink"
matplotlib.rcParams["svg.fonttype"] = "none"
matplotlib.rcParams["font.family"] = "sans-serif"

from matplotlib import pyplot  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.patches import Patch  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator  # noqa: E402

COLOURS = {
    "libzmq": "#a33c6b",
    "nng": "#b8680b",
    "bare": "#90a4ae",
    "serverlink": "#1a6fb0",
    "serverlink-batch": "#5fa8d3",
    "serverlink-no-thread": "#2e7d4f",
    "serverlink-epoll": "#7a5195",
    "serverlink-c": "#3b4a6b",
    "serverlink-no-thread-epoll": "#8a6d1f",
}
TARGET_COLOUR = "#c0392b"
TITLES = {
    "stream": "streams: messages per second; more is better",
    "round_trip": "round trips: time of one way (p50); less is better",
    "fan_out": "publishers: messages per second of all subscribers; more is better",
    "topics": "many topics: messages per second of the subscriber; more is better",
    "requests": "REQ and REP: replies per second; more is better",
    "routed": "DEALER and ROUTER: replies per second; more is better",
    "forwarded": "streams by a proxy: messages per second; more is better",
}
BAR_INCHES = 0.19  # the height of a bar with its distance to the next one
GROUP_GAP = 0.9  # between two works, in bars


def reference_of(works):
    """The contender that the others are compared with: its name and its title."""
    for name in ("libzmq", "bare"):
        for work in works:
            for each in work["contenders"]:
                if each["contender"] == name and f"ratio_to_{name}" in each:
                    return name, each["title"]
    sys.exit("neither libzmq nor the bare sockets took part: there is nothing to compare with")


def groups_of(works, kind, reference):
    """Per work of that kind: the work, and its contenders with their ratios."""
    groups = []
    for work in works:
        bars = [(each, each[f"ratio_to_{reference}"]) for each in work["contenders"]
                if each["contender"] != reference and f"ratio_to_{reference}" in each]
        if work["kind"] == kind and bars:
            groups.append((work, bars))
    return groups


def rows_of(groups):
    """The height of a panel, in bars."""
    return sum(len(bars) + GROUP_GAP for _, bars in groups)


def power_text(value, _position=None):
    power = round(math.log2(value))
    return f"1/{2 ** -power}" if power < 0 else f"{2 ** power}"


def draw_axis(axes, groups):
    ends = [end for _, bars in groups for _, ratio in bars
            for end in (ratio["lowest"], ratio["highest"])]
    lowest = min(-1, math.floor(math.log2(min(ends))))
    highest = max(1, math.ceil(math.log2(max(ends))))
    axes.set_xscale("log", base=2)
    axes.set_xlim(2.0 ** lowest, 2.0 ** highest)
    axes.xaxis.set_major_locator(FixedLocator([2.0 ** power
                                               for power in range(lowest, highest + 1)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(power_text))
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", length=0, labelsize=8)
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.grid(axis="x", color="#cfd8dc", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def draw_panel(axes, kind, groups, reference):
    draw_axis(axes, groups)
    axes.set_title(TITLES[kind], loc="left", fontsize=10, fontweight="bold", pad=18)
    row = GROUP_GAP / 2
    labels = []
    for work, bars in groups:
        labels.append((row + (len(bars) - 1) / 2, work["title"]))
        for each, ratio in bars:
            median, lowest, highest = (ratio[key] for key in ("median", "lowest", "highest"))
            axes.barh(row, median - 1, left=1, height=0.8, color=COLOURS[each["contender"]])
            axes.plot([lowest, highest], [row, row], color="#222222", linewidth=0.8,
                      solid_capstyle="butt")
            axes.annotate(f"{median:.{3 if median < 0.1 else 2}f}", (max(1, highest), row),
                          xytext=(4, 0), textcoords="offset points", va="center", fontsize=8,
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8})
            row += 1
        if reference == "libzmq" and "target_to_libzmq" in work:
            axes.plot([work["target_to_libzmq"]] * 2, [row - len(bars) - 0.6, row - 0.4],
                      color=TARGET_COLOUR, linewidth=1.6, dashes=(2, 1.4))
        row += GROUP_GAP
    axes.axvline(1, color="#222222", linewidth=1.2)
    axes.set_yticks([at for at, _ in labels], [title for _, title in labels])
    axes.set_ylim(row - GROUP_GAP / 2 - 0.1, -0.6)


def legend_of(panels):
    drawn = {}
    for _, groups in panels:
        for _, bars in groups:
            for each, _ in bars:
                drawn.setdefault(each["contender"], each["title"])
    return [Patch(color=COLOURS[name], label=title) for name, title in drawn.items()] + [
        Line2D([], [], color=TARGET_COLOUR, linewidth=1.6, dashes=(2, 1.4),
               label="serverlink's target")]


def main(source, picture):
    with open(source, encoding="utf-8") as file:
        works = json.load(file)["works"]
    reference, title = reference_of(works)
    panels = [(kind, groups_of(works, kind, reference)) for kind in TITLES]
    panels = [(kind, groups) for kind, groups in panels if groups]

    head, gap, foot = 0.95, 0.75, 0.15  # inches: title and legend, a panel's title, the margin
    heights = [rows_of(groups) * BAR_INCHES for _, groups in panels]
    height = head + sum(heights) + gap * len(panels) + foot - 0.3
    figure = pyplot.figure(figsize=(10, height))
    figure.text(0.025, 1 - 0.3 / height, f"Messages, compared with {title}", fontsize=13,
                fontweight="bold")
    figure.legend(handles=legend_of(panels), loc="upper left", bbox_to_anchor=(0.015, 1 - 0.4 / height),
                  ncol=4, fontsize=9, frameon=False, handlelength=1.2, columnspacing=1.6)
    top = height - head
    for (kind, groups), panel_height in zip(panels, heights):
        top -= gap - 0.15
        axes = figure.add_axes((0.15, (top - panel_height) / height, 0.79, panel_height / height))
        draw_panel(axes, kind, groups, reference)
        top -= panel_height
    figure.savefig(picture, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
