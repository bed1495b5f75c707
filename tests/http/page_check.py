#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Opens the page in a headless Chromium and checks what a reader sees: page_check.py URL LINKS.

Prints a line for each fault; "at: ..." for each step that it begins, "stop" when the server is to
end, and "done" at the end.
"""

import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from browser import Browser  # noqa: E402

TIMEOUT = 150

faults = 0


def check(holds, text):
    global faults
    if not holds:
        faults += 1
        print(f"fault: {text}", flush=True)


def step(name):
    print(f"at: {name}", flush=True)


def inside(browser, width):
    """Nothing reaches over the right edge."""
    return browser.value(
        "(() => { const w = document.documentElement.clientWidth;"
        " const all = [...document.querySelectorAll('body *')].filter((e) =>"
        "   !e.closest('thead') && !e.closest('svg') && e.getBoundingClientRect().right > w + 1);"
        f" return w <= {width} && document.documentElement.scrollWidth <= w && !all.length; }})()")


def contrasts(browser):
    """The lowest contrast of a text and the page's background (WCAG 2, at least 4.5)."""
    return browser.value("""(() => {
      const parts = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
      const light = (rgb) => { const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.03928 ? c / 12.92
        : ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const back = light(parts(getComputedStyle(document.body).backgroundColor));
      return Math.min(...[...document.querySelectorAll('p, dt, dd, li, td, th, h1, h2, a, span')].map((e) => {
        const text = light(parts(getComputedStyle(e).color));
        return (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05); }));
    })()""")


def look(browser, url, links):
    browser.open()
    browser.size(1200, 900)
    browser.call("Page.navigate", url=url)
    total = f"{links:,}"
    browser.until(f"document.getElementById('totals').textContent.includes(' of {total}')")
    browser.until("document.getElementById('status').textContent.startsWith('Live')")
    rows = "document.querySelectorAll('#links tbody tr').length"
    more = "document.getElementById('links-more')"
    check(browser.value(rows) == 200, "the first links are shown")
    check(browser.value(f"{more}.textContent") == f"Show all {total}", "the others are announced")
    check(inside(browser, 1200), "the wide page fits")

    step("all links")
    # A reader may ask for all of them, and for some.
    browser.value(f"{more}.click()")
    browser.until(f"{rows} === {links}")
    browser.value("(() => { const f = document.getElementById('links-filter');"
                  " f.value = ' CONNECTED'; f.dispatchEvent(new Event('input')); })()")
    browser.until(f"{rows} === 1")
    check(browser.value("document.querySelector('#links tbody td').textContent") == "connected",
          "the filter finds the one link that is connected")
    browser.value("(() => { const f = document.getElementById('links-filter');"
                  " f.value = ''; f.dispatchEvent(new Event('input')); })()")
    check(browser.value(rows) == links, "without a filter all links are there again")
    browser.value(f"{more}.click()")
    check(browser.value(rows) == 200, "all but the first links may be hidden again")
    check(browser.value("document.getElementById('states').getAttribute('aria-label')")
          .startswith("1 connected, "), "the picture of the states has a text")
    browser.until("document.querySelector('#moves tbody').textContent.includes('connecting → backoff')")

    step("texts of peers")
    # Texts of peers.
    browser.until("document.getElementById('peers').textContent.includes('<img src=x')")
    check(browser.value("document.querySelectorAll('table img, table b').length") == 0,
          "a text of a peer has become HTML")
    check(browser.value("document.title") == "serverlink", "a text of a peer has run as a script")
    check(browser.value("document.getElementById('links').textContent.includes('<b>bold</b>')"),
          "the endpoint is a text")

    step("live")
    # It is live.
    received = "[...document.querySelectorAll('#sockets tr')].find((r) => " \
               "r.textContent.startsWith('ROUTER')).cells[4].textContent"
    before = browser.value(received)
    browser.until(f"{received} !== {json.dumps(before)}")
    browser.until("document.getElementById('rate-in').getAttribute('points').split(' ').length > 1")
    browser.value("document.getElementById('pause').click()")
    check(browser.value("document.getElementById('status').textContent") == "Paused", "it pauses")
    browser.value("document.getElementById('pause').click()")
    browser.until("document.getElementById('status').textContent.startsWith('Live')")

    step("light and dark")
    # Light and dark.
    lights = []
    for scheme in ("light", "dark"):
        browser.call("Emulation.setEmulatedMedia",
                     features=[{"name": "prefers-color-scheme", "value": scheme}])
        lights.append(browser.value("getComputedStyle(document.body).backgroundColor"))
        lowest = contrasts(browser)
        check(lowest >= 4.5, f"{scheme}: the lowest contrast is {lowest:.2f}")
    check(lights[0] != lights[1], "light and dark have the same background")

    step("widths")
    for width in (1600, 1000, 900, 890, 600):
        browser.size(width, 740)
        check(inside(browser, width), f"the page fits into {width} pixels")

    step("a narrow screen")
    # A narrow screen.
    browser.size(360, 740)
    check(inside(browser, 360), "the narrow page fits")
    check(browser.value("document.querySelector('#links td').dataset.label") == "State" and
          browser.value("getComputedStyle(document.querySelector('#links td')).display") == "flex",
          "a cell of the narrow page has its label")

    step("a screen reader")
    # What a screen reader is given.
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    named = {"table", "button", "searchbox", "image", "link", "region", "columnheader"}
    found = {}
    for node in nodes:
        role = node.get("role", {}).get("value")
        if node.get("ignored") or role not in named:
            continue
        found[role] = found.get(role, 0) + 1
        check(node.get("name", {}).get("value"), f"a {role} has no name")
    for role, least in {"table": 5, "button": 2, "searchbox": 3, "image": 2, "region": 6,
                        "columnheader": 20}.items():
        check(found.get(role, 0) >= least, f"{role}: {found.get(role, 0)} of {least}")

    step("requests")
    # Nothing else was asked for, and nothing was refused.
    for event in browser.events:
        at = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            check(at["request"]["url"].startswith(url), f"a request for {at['request']['url']}")
        elif event.get("method") == "Log.entryAdded":
            check(False, f"the log: {at['entry']['text']}")
        elif event.get("method") == "Runtime.exceptionThrown":
            check(False, f"an exception: {at['exceptionDetails']}")

    print("stop", flush=True)
    browser.until("document.getElementById('status').className === 'lost'")


def main(url, links):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile, TIMEOUT)
        try:
            look(browser, url, int(links))
        except Exception as failure:  # a line is what the test reads
            check(False, f"{type(failure).__name__}: {failure}")
        finally:
            browser.close()
    print("done", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
