#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Makes the site of the documents: site.py FOLDER.

Everything is in FOLDER then, as static HTML that asks no other host: the documents, the reference of
the public headers (by Doxygen), and the files of the repository that a document links to. Prints a
line for each fault (a comment that is missing, a dead link) and fails if there is one.
"""

import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import markdown
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import check_links  # noqa: E402
import reference  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURES = {".svg", ".png"}

# The documents in their order; one that does not exist is left out, and one that is not named here is
# in the last group.
GUIDE = ("first-link", "first-messages", "reconnecting", "shutting-down", "threads", "other-loops", "testing",
         "limits", "operating", "tuning")
GROUPS = [
    ("", ["README.md"]),
    ("Guide", [f"docs/guide/{name}.md" for name in GUIDE]),
    ("Programs for ZeroMQ", ["docs/coming-from-libzmq.md", "docs/libzmq.md"]),
    ("Explained", ["docs/coroutines.md", "docs/architecture.md", "docs/states.md", "docs/security.md", "docs/herd.md",
                   "docs/performance.md"]),
    ("The project", ["docs/packages.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md", "docs/hacking.md"]),
]


def tracked():
    """The files of the repository, those that are not committed yet included."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    return {str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file() and "build" not in path.parts}


def slug(text, separator="-"):
    """An anchor as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", separator)


class Site:
    def __init__(self, folder):
        self.folder = folder
        self.files = tracked()
        self.faults = []
        self.search = []
        self.sources = []  # files of the repository that are linked to
        self.written = set()
        self.documents = []  # (group, [(path, title)])
        named = {path for _, paths in GROUPS for path in paths}
        others = sorted(path for path in self.files
                        if path.endswith(".md") and path not in named and path.startswith("docs/"))
        for group, paths in GROUPS + [("More", others)]:
            known = [(path, self.title(path)) for path in paths if path in self.files]
            if known:
                self.documents.append((group, known))
        self.known = {path for _, pairs in self.documents for path, _ in pairs}
        self.reference = None

    def title(self, path):
        for line in (ROOT / path).read_text(encoding="utf-8").splitlines():
            if line.startswith("# "):
                return line[2:].strip().replace("`", "")
        return pathlib.Path(path).stem

    @staticmethod
    def page_of(path):
        return "index.html" if path == "README.md" else path.removesuffix(".md") + ".html"

    # --- pages ---

    def write(self, page, title, body, here=(), wide=False):
        """`here`: the headings of the page, for the navigation."""
        up = "../" * page.count("/")
        navigation = []
        for group, pairs in self.documents:
            items = []
            for path, name in pairs:
                target = self.page_of(path)
                current = target == page
                name = "Overview" if path == "README.md" else name
                inner = ""
                if current and here:
                    inner = "<ul>" + "".join(f'<li><a href="#{anchor}">{text}</a></li>' for anchor, text in here) \
                        + "</ul>"
                items.append(f'<li><a href="{up}{target}"{" aria-current=page" if current else ""}>'
                             f"{html.escape(name)}</a>{inner}</li>")
            heading = f"<h2>{group}</h2>" if group else ""
            navigation.append(f"{heading}<ul>{''.join(items)}</ul>")
        names = []
        in_reference = page.startswith("reference/")
        if self.reference:
            for file in sorted(self.reference.files):
                target = f"reference/{file}.html"
                names.append(f'<li><a href="{up}{target}"{" aria-current=page" if target == page else ""}>'
                             f"{file}</a></li>")
            opened = " open" if in_reference else ""
            navigation.append(f'<h2><a href="{up}reference/index.html">Reference</a></h2>'
                              f'<details{opened}><summary>Headers</summary><ul class="headers">{"".join(names)}'
                              "</ul></details>")
        target = self.folder / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{html.escape(title)} – serverlink</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{up}site.css">
<script src="{up}site.js" data-up="{up}" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<header>
<a class="name" href="{up}index.html">serverlink</a>
<label class="search"><span>Search</span><input type="search" id="search" placeholder="Search" autocomplete="off"></label>
</header>
<div id="found" hidden></div>
<div class="page">
<nav aria-label="Documents"><details class="menu" open><summary>Contents</summary>{"".join(navigation)}</details></nav>
<main id="content"{' class="wide"' if wide else ""}>
{body}
</main>
</div>
</body>
</html>
""", encoding="utf-8")
        self.written.add(page)

    def link(self, href, path):
        """Where a link of a document leads to in the site."""
        if re.match(r"[a-z]+:", href) or href.startswith("#"):
            return href
        target, _, anchor = href.partition("#")
        joined = os.path.normpath(os.path.join(os.path.dirname(path), target))
        anchor = f"#{anchor}" if anchor else ""
        up = "../" * self.page_of(path).count("/")
        if joined in self.known:
            return up + self.page_of(joined) + anchor
        if self.reference and joined.startswith("include/serverlink"):
            name = os.path.basename(joined)
            if name in self.reference.files:
                return f"{up}reference/{name}.html{anchor}"
            if joined == "include/serverlink":
                return up + "reference/index.html"
        if joined in self.files:
            if pathlib.Path(joined).suffix in PICTURES:
                copied = self.folder / joined
                copied.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / joined, copied)
                return up + joined
            self.sources.append(joined)
            return f"{up}source/{joined}.html"
        if any(each.startswith(joined + "/") for each in self.files):
            self.sources.append(joined)
            return f"{up}source/{joined}/index.html"
        self.faults.append(f"{path}: there is no {href}")
        return href

    def document(self, path):
        text = (ROOT / path).read_text(encoding="utf-8")
        converter = markdown.Markdown(
            extensions=["tables", "fenced_code", "codehilite", "toc", "sane_lists"],
            extension_configs={"codehilite": {"guess_lang": False, "css_class": "code"},
                               "toc": {"slugify": slug}})
        body = converter.convert(text)
        body = re.sub(r'(href|src)="([^"]*)"', lambda found: f'{found.group(1)}="'
                      + html.escape(self.link(html.unescape(found.group(2)), path)) + '"', body)
        body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
        headings = []

        def collect(tokens, depth):
            for token in tokens:
                headings.append((depth, token["id"], token["name"]))
                collect(token["children"], depth + 1)

        collect(converter.toc_tokens, 1)
        page = self.page_of(path)
        self.write(page, self.title(path), body, [(anchor, name) for depth, anchor, name in headings if depth == 2])
        self.index(page, self.title(path), body)

    def index(self, page, title, body):
        """Each heading, with the text below it."""
        parts = re.split(r'<h[1-3] id="([^"]*)">(.*?)</h[1-3]>', body)
        for at in range(1, len(parts), 3):
            words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", parts[at + 2])).split())
            name = html.unescape(re.sub(r"<[^>]+>", "", parts[at + 1]))
            self.search.append([title if name == title else f"{title}: {name}", f"{page}#{parts[at]}", words])

    def source(self, path):
        """A file of the repository, or a folder."""
        if (ROOT / path).is_dir():
            inside = sorted({each[len(path) + 1:].split("/")[0] for each in self.files if each.startswith(path + "/")})
            items = []
            for name in inside:
                full = f"{path}/{name}"
                folder = (ROOT / full).is_dir()
                if not folder:
                    self.sources.append(full)
                items.append(f"<li><code>{name}/</code></li>" if folder
                             else f'<li><a href="{html.escape(name)}.html">{html.escape(name)}</a></li>')
            self.write(f"source/{path}/index.html", path, f"<h1>{path}</h1><ul>{''.join(items)}</ul>")
            return
        if pathlib.Path(path).suffix in PICTURES:
            return
        text = (ROOT / path).read_text(encoding="utf-8", errors="replace")
        try:
            lexer = get_lexer_for_filename(path)
            shown = highlight(text, lexer, HtmlFormatter(nowrap=True))
        except ClassNotFound:
            shown = html.escape(text)
        self.write(f"source/{path}.html", path,
                   f'<h1>{html.escape(path)}</h1><pre class="code"><code>{shown}</code></pre>', wide=True)

    # --- everything ---

    def build(self):
        warnings = reference.run_doxygen(ROOT, self.folder.parent / (self.folder.name + "-doxygen"))
        self.faults.extend(warnings)
        self.reference = reference.Reference(self.folder.parent / (self.folder.name + "-doxygen") / "xml")
        for name in ("site.css", "site.js"):
            shutil.copy(ROOT / "tools/docs" / name, self.folder / name)
        for _, pairs in self.documents:
            for path, _ in pairs:
                self.document(path)
        rows = []
        for file in sorted(self.reference.files):
            body = self.reference.page(file)
            headings = [(anchor, name) for anchor, name in re.findall(r'<h2 id="([^"]*)">(.*?)</h2>', body)]
            self.write(f"reference/{file}.html", file, body, headings)
            rows.append(f'<tr><td><a href="{file}.html">{file}</a></td>'
                        f"<td>{html.escape(self.reference.summary(file))}</td></tr>")
            self.search.append([f"serverlink/{file}", f"reference/{file}.html", self.reference.summary(file)])
            for name, anchor, words in self.reference.entries(file):
                self.search.append([name, f"reference/{file}.html#{anchor}", words])
        self.write("reference/index.html", "Reference",
                   "<h1>Reference</h1><p>The public headers. A program in C++ includes "
                   "<code>&lt;serverlink/serverlink.hpp&gt;</code>, which has all but "
                   '<a href="http.hpp.html">http.hpp</a>; a program in C includes '
                   '<a href="serverlink.h.html"><code>&lt;serverlink/serverlink.h&gt;</code></a>.</p>'
                   f'<div class="table"><table><tr><th>Header</th><th>What it is for</th></tr>{"".join(rows)}'
                   "</table></div>")
        done = set()
        while self.sources:
            path = self.sources.pop()
            if path not in done:
                done.add(path)
                self.source(path)
        (self.folder / "search.js").write_text(
            "window.serverlinkSearch=" + json.dumps(self.search, ensure_ascii=False, separators=(",", ":")) + ";\n",
            encoding="utf-8")
        self.faults.extend(check_links.faults_of(self.folder))


def main(folder):
    folder = pathlib.Path(folder).resolve()
    # Only what this program has made before is removed.
    if folder.exists() and not (folder / "search.js").exists() and any(folder.iterdir()):
        print(f"{folder}: is not empty, and no site")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    site = Site(folder)
    site.build()
    for fault in site.faults:
        print(fault)
    return 1 if site.faults else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
