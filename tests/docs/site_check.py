#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Opens the site of the documents in a headless Chromium: site_check.py FOLDER.

Each document and some pages of the reference, on a wide and on a narrow screen: nothing reaches over
the right edge, nothing is asked of another host, and nothing is written to the console. The search
finds something, and the texts can be read in light and dark. Prints a line for each fault.
"""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from browser import Browser  # noqa: E402

TIMEOUT = 120
faults = []

# What is wider than the screen, but for what scrolls by itself.
TOO_WIDE = """(() => {
  const w = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > w)
    return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > w + 1 &&
      !e.closest('pre, .table, .skip')).map((e) => e.outerHTML.slice(0, 80)).slice(0, 3).join(' | ') || 'the page';
  return '';
})()"""

LOWEST_CONTRAST = """(() => {
  const parts = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = (rgb) => { const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.03928 ? c / 12.92
    : ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!c.startsWith('rgba(0, 0, 0, 0')) return light(parts(c)); } return 1; };
  return Math.min(...[...document.querySelectorAll('main p, main a, main code span, main td, main h2, nav a, nav h2')]
    .map((e) => { const text = light(parts(getComputedStyle(e).color)), back = behind(e);
      return (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05); }));
})()"""


def check(holds, text):
    if not holds:
        faults.append(text)


def look(browser, folder):
    pages = [path for path in sorted(folder.rglob("*.html")) if path.relative_to(folder).parts[0] != "source"]
    reference = [path for path in pages if path.parent.name == "reference"]
    some = {"index.html", "socket_options.hpp.html", "serverlink.h.html", "message.hpp.html", "events.hpp.html"}
    pages = [path for path in pages if path not in reference or path.name in some]
    browser.open()
    for width in (1280, 360):
        browser.size(width, 800)
        for path in pages:
            name = path.relative_to(folder)
            browser.call("Page.navigate", url=path.as_uri())
            browser.until(f"location.href === {path.as_uri()!r} && document.readyState === 'complete'")
            wide = browser.value(TOO_WIDE)
            check(not wide, f"{name}: is wider than {width} pixels: {wide}")
            if width == 360:
                check(browser.value("!document.querySelector('.menu').open"), f"{name}: the menu is open")

    for scheme in ("light", "dark"):
        browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for path in (folder / "index.html", folder / "reference/message.hpp.html"):
            browser.call("Page.navigate", url=path.as_uri())
            browser.until(f"location.href === {path.as_uri()!r} && document.readyState === 'complete'")
            lowest = browser.value(LOWEST_CONTRAST)
            check(lowest >= 4.5, f"{path.name}, {scheme}: the lowest contrast is {lowest:.2f}")

    search = "(() => { const f = document.getElementById('search'); f.value = 'peer_timeout';" \
             " f.dispatchEvent(new Event('input')); })()"
    browser.value(search)
    browser.until("document.querySelector('#found a').href.endsWith('socket_options.hpp.html"
                  "#socket_options.peer_timeout')")

    allowed = folder.as_uri()
    for event in browser.events:
        at = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            url = at["request"]["url"]
            check(url.startswith((allowed, "data:", "about:")), f"a request for {url}")
        elif event.get("method") == "Log.entryAdded":
            check(False, f"the log: {at['entry']['text']}")
        elif event.get("method") == "Runtime.exceptionThrown":
            check(False, f"an exception: {at['exceptionDetails']}")
        elif event.get("method") == "Runtime.consoleAPICalled":
            check(False, f"the console: {at['args']}")


def main(folder):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile, TIMEOUT)
        try:
            look(browser, pathlib.Path(folder).resolve())
        except Exception as failure:  # a line is what the caller reads
            check(False, f"{type(failure).__name__}: {failure}")
        finally:
            browser.close()
    for fault in dict.fromkeys(faults):
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
