#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Checks the links of a folder of HTML pages: check_links.py FOLDER.

Each link has to lead to a file of the folder, and to an anchor that the file has. Prints a line for
each that does not, for each thing that a page loads from another host, and for each id that a page
has twice.
"""

import html.parser
import os
import pathlib
import re
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.anchors = []
        self.links = []
        self.loads = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if values.get("id"):
            self.anchors.append(values["id"])
        if tag == "a" and values.get("name"):
            self.anchors.append(values["name"])
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag in ("img", "script", "iframe", "source") and "src" in values:
            self.loads.append(values["src"])
        if tag == "link" and "href" in values:
            self.loads.append(values["href"])


def faults_of(folder):
    pages = {str(path.relative_to(folder)): Page(path.read_text(encoding="utf-8"))
             for path in sorted(folder.rglob("*.html"))}
    faults = []
    for name, page in pages.items():
        for anchor in sorted({each for each in page.anchors if page.anchors.count(each) > 1}):
            faults.append(f"{name}: the id {anchor} is there twice")
        for href in page.loads:
            if re.match(r"data:", href):
                continue
            if re.match(r"([a-z]+:|//)", href):
                faults.append(f"{name}: loads {href} from another host")
        for href in page.links + [each for each in page.loads if not re.match(r"([a-z]+:|//)", each)]:
            if re.match(r"[a-z]+:", href):
                continue
            target, _, anchor = href.partition("#")
            target = urllib.parse.unquote(target)
            path = os.path.normpath(os.path.join(os.path.dirname(name), target)) if target else name
            if not (folder / path).is_file():
                faults.append(f"{name}: there is no {href}")
            elif anchor and path in pages and urllib.parse.unquote(anchor) not in pages[path].anchors:
                faults.append(f"{name}: {path} has no anchor {anchor}")
    for path in folder.glob("*.css"):
        faults.extend(f"{path.name}: loads {found}" for found in
                      re.findall(r"@import.*|url\([^)]*\)", path.read_text(encoding="utf-8")))
    return faults


if __name__ == "__main__":
    found = faults_of(pathlib.Path(sys.argv[1]))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)
