# SPDX-License-Identifier: MPL-2.0
"""The reference: a page for each public header, of what Doxygen has read (tools/docs/Doxyfile)."""

import html
import os
import pathlib
import re
import subprocess
import xml.etree.ElementTree as ElementTree

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import CppLexer

FORMAT = HtmlFormatter(nowrap=True)
INLINE = {"computeroutput": "code", "emphasis": "em", "bold": "strong"}


def run_doxygen(root, output):
    """Returns the warnings."""
    output.mkdir(parents=True, exist_ok=True)
    ran = subprocess.run(["doxygen", "tools/docs/Doxyfile"], cwd=root, capture_output=True, text=True,
                         env={**os.environ, "DOCS_OUTPUT": str(output)}, check=False)
    said = [line for line in (ran.stdout + ran.stderr).splitlines() if line.strip()]
    if ran.returncode != 0 and not said:
        said = [f"doxygen has ended with {ran.returncode}"]
    return [line.replace(f"{root}/", "") for line in said]


def text_of(node):
    return "".join(node.itertext()) if node is not None else ""


def tidy(code):
    """C++ as the headers write it."""
    code = re.sub(r"<\s+", "<", code)
    code = re.sub(r"\s+>", ">", code)
    code = re.sub(r"\s*([&*]+)\s*(?=\w)", r"\1 ", code)
    return re.sub(r"\s+", " ", code).replace(" ,", ",").strip()


class Member:
    def __init__(self, node, owner):
        self.node = node
        self.id = node.get("id")
        self.kind = node.get("kind")
        self.name = text_of(node.find("name"))
        self.owner = owner
        self.line = int(node.find("location").get("line"))
        self.anchor = ""


class Compound:
    def __init__(self, node):
        self.node = node
        self.id = node.get("id")
        self.kind = node.get("kind")
        self.name = text_of(node.find("compoundname")).removeprefix("slk::")
        at = node.find("location")
        self.file = pathlib.Path(at.get("file")).name
        self.line = int(at.get("line"))
        self.members = [Member(each, self) for each in node.iter("memberdef")
                        if each.get("prot") in ("public", "protected") and each.get("kind") != "friend"]
        self.members.sort(key=lambda member: member.line)
        self.anchor = ""


class Reference:
    def __init__(self, xml):
        self.files = {}  # name: (node, compounds, free members)
        compounds = []
        parsed = [ElementTree.parse(path).getroot().find("compounddef") for path in sorted(xml.glob("*.xml"))
                  if not path.name.startswith(("index", "Doxyfile"))]
        for node in parsed:
            if node is None:
                continue
            if node.get("kind") == "file":
                self.files[text_of(node.find("compoundname"))] = (node, [], [])
            elif node.get("kind") in ("class", "struct", "union"):
                compounds.append(Compound(node))
        for compound in compounds:
            # Doxygen keeps the comment of a C struct with its typedef, too.
            if compound.file in self.files:
                self.files[compound.file][1].append(compound)
        seen = set()
        for node in parsed:
            if node is None or node.get("kind") not in ("file", "namespace"):
                continue
            for each in node.iter("memberdef"):
                member = Member(each, None)
                file = pathlib.Path(each.find("location").get("file")).name
                if member.id not in seen and file in self.files and described(each):
                    seen.add(member.id)
                    self.files[file][2].append(member)
        self.places = {}  # refid: page and anchor
        self.types = {}  # name: page and anchor
        for file, (node, owned, free) in self.files.items():
            used = {}
            structs = {each.name for each in owned}
            # The typedef of a C struct is described with the struct.
            for entity in [each for each in free if each.name in structs]:
                self.places[entity.id] = f"{file}.html#{entity.name}"
                free.remove(entity)
            for entity in sorted(owned + free, key=lambda each: each.line):
                entity.anchor = self.place(entity.id, file, entity.name, used)
                if isinstance(entity, Compound) or entity.kind in ("enum", "typedef"):
                    self.types[entity.name] = f"{file}.html#{entity.anchor}"
                if isinstance(entity, Compound):
                    for member in entity.members:
                        member.anchor = self.place(member.id, file, f"{entity.name}::{member.name}", used)
                        for value in member.node.iter("enumvalue"):
                            self.places[value.get("id")] = f"{file}.html#{member.anchor}"
                elif entity.kind == "enum":
                    for value in entity.node.iter("enumvalue"):
                        self.places[value.get("id")] = f"{file}.html#{entity.anchor}"
            self.places[node.get("id")] = f"{file}.html"

    def place(self, identity, file, name, used):
        anchor = re.sub(r"[^\w:~-]", lambda found: f"-{ord(found.group()):x}", name).replace("::", ".")
        used[anchor] = used.get(anchor, 0) + 1
        if used[anchor] > 1:
            anchor += f".{used[anchor]}"
        self.places[identity] = f"{file}.html#{anchor}"
        return anchor

    # --- comments ---

    def inline(self, node):
        out = [html.escape(node.text or "", quote=False)]
        for child in node:
            inner = self.inline(child)
            if child.tag in INLINE:
                out.append(f"<{INLINE[child.tag]}>{inner}</{INLINE[child.tag]}>")
            elif child.tag == "ref" and child.get("refid") in self.places:
                out.append(f'<a href="{self.places[child.get("refid")]}">{inner}</a>')
            elif child.tag == "ulink":
                out.append(f'<a href="{html.escape(child.get("url"))}">{inner}</a>')
            elif child.tag == "sp":
                out.append(" ")
            elif child.tag in ("ndash", "mdash"):
                out.append("–")
            else:
                out.append(inner)
            out.append(html.escape(child.tail or "", quote=False))
        return "".join(out)

    def block(self, node):
        """A description: paragraphs, lists and code."""
        out = []
        for para in node:
            if para.tag in ("sect1", "sect2", "simplesect"):
                out.append(self.block(para))
                continue
            if para.tag == "title":
                out.append(f"<p><strong>{self.inline(para)}</strong></p>")
                continue
            part, pieces = ElementTree.Element("p"), []
            part.text = para.text

            def flush():
                words = self.inline(part)
                if words.strip():
                    pieces.append(f"<p>{words.strip()}</p>")

            for child in para:
                if child.tag in ("programlisting", "verbatim", "preformatted", "itemizedlist", "orderedlist",
                                 "simplesect", "parameterlist"):
                    flush()
                    part = ElementTree.Element("p")
                    part.text = child.tail
                    pieces.append(self.special(child))
                else:
                    part.append(child)
            flush()
            out.extend(pieces)
        return "\n".join(out)

    def special(self, node):
        if node.tag in ("itemizedlist", "orderedlist"):
            items = "".join(f"<li>{self.block(item)}</li>" for item in node.findall("listitem"))
            return f"<ul>{items}</ul>" if node.tag == "itemizedlist" else f"<ol>{items}</ol>"
        if node.tag == "programlisting":
            lines = []
            for line in node.findall("codeline"):
                lines.append("".join(self.code_text(each) for each in line))
            return self.code("\n".join(lines))
        if node.tag in ("verbatim", "preformatted"):
            return self.code(text_of(node))
        return self.block(node)

    def code_text(self, node):
        out = " " if node.tag == "sp" else node.text or ""
        for child in node:
            out += self.code_text(child) + (child.tail or "")
        return out

    def code(self, text):
        return f'<pre class="code"><code>{highlight(text, CppLexer(), FORMAT)}</code></pre>'

    def description(self, node):
        parts = [self.block(each) for each in (node.find("briefdescription"), node.find("detaileddescription"))
                 if each is not None]
        return "\n".join(part for part in parts if part.strip())

    # --- declarations ---

    def declaration(self, text):
        shown = highlight(tidy(text), CppLexer(), FORMAT).strip()

        def linked(found):
            place = self.types.get(found.group(2))
            if not place:
                return found.group(0)
            return f'<span class="{found.group(1)}"><a href="{place}">{found.group(2)}</a></span>'

        return re.sub(r'<span class="(n|nc|nf)">(\w+)</span>', linked, shown)

    def signature(self, member):
        node = member.node
        if member.kind == "define":
            names = [text_of(each.find("defname")) for each in node.findall("param")]
            return f"#define {member.name}" + (f"({', '.join(names)})" if names else "")
        before = ""
        template = node.find("templateparamlist")
        if template is not None:
            words = [" ".join(filter(None, (text_of(each.find("type")), text_of(each.find("declname")))))
                     for each in template.findall("param")]
            before = f"template <{', '.join(words)}> "
        if member.kind == "enum":
            kind = "enum class" if node.get("strong") == "yes" else "enum"
            base = text_of(node.find("type"))
            return f"{kind} {member.name}" + (f" : {base}" if base else "")
        if member.kind == "typedef":
            return text_of(node.find("definition")).replace("slk::", "").removesuffix("::" + member.name)
        definition = text_of(node.find("definition"))
        owner = member.owner.name if member.owner else ""
        for prefix in (f"slk::{owner}::" if owner else "", "slk::", f"{owner}::" if owner else ""):
            if prefix:
                definition = definition.replace(prefix, "", 1) if definition.startswith(prefix) else \
                    re.sub(rf"(^|[\s&*]){re.escape(prefix)}(?=[~\w]+$|operator)", r"\1", definition)
        definition = definition.replace("slk::", "")
        value = text_of(node.find("initializer")) if member.kind == "variable" else ""
        value = "" if value == "{}" or "\n" in value else value
        return before + definition + text_of(node.find("argsstring")) + (f" {value}" if value else "")

    def values(self, node):
        """The values of an enum."""
        rows = []
        for each in node.findall("enumvalue"):
            number = text_of(each.find("initializer")).removeprefix("=").strip()
            name = html.escape(text_of(each.find("name")) + (f" = {number}" if number else ""))
            rows.append(f"<dt><code>{name}</code></dt><dd>{self.description(each)}</dd>")
        return f'<dl class="values">{"".join(rows)}</dl>' if rows else ""

    def member(self, member):
        body = self.description(member.node)
        if member.kind == "enum":
            body += self.values(member.node)
        note = ' <span class="note">protected</span>' if member.node.get("prot") == "protected" else ""
        return (f'<div class="member" id="{member.anchor}"><p class="signature"><code>'
                f'{self.declaration(self.signature(member))}</code>{note}</p>{body}</div>')

    def compound(self, compound):
        bases = [text_of(each).removeprefix("slk::") for each in compound.node.findall("basecompoundref")
                 if each.get("prot") == "public"]
        kind = compound.kind + " " + compound.name + (f" : public {', '.join(bases)}" if bases else "")
        members = "".join(self.member(each) for each in compound.members)
        return (f'<section><h2 id="{compound.anchor}">{html.escape(compound.name)}</h2>'
                f'<p class="signature"><code>{self.declaration(kind)}</code></p>'
                f"{self.description(compound.node)}{members}</section>")

    def page(self, file):
        node, compounds, free = self.files[file]
        parts = [f"<h1>serverlink/{html.escape(file)}</h1>", self.description(node)]
        for entity in sorted(compounds + free, key=lambda each: each.line):
            if isinstance(entity, Compound):
                parts.append(self.compound(entity))
            else:
                parts.append(self.member(entity))
        return "\n".join(parts)

    def summary(self, file):
        """The first sentence of the file's comment."""
        text = " ".join(text_of(self.files[file][0].find("briefdescription")).split())
        return text or " ".join(text_of(self.files[file][0].find("detaileddescription")).split())[:120]

    def entries(self, file):
        """For the search: names, anchors and texts."""
        _, compounds, free = self.files[file]
        for entity in sorted(compounds + free, key=lambda each: each.line):
            yield entity.name, entity.anchor, words_of(entity.node)
            if isinstance(entity, Compound):
                for member in entity.members:
                    yield f"{entity.name}::{member.name}", member.anchor, words_of(member.node)


def described(node):
    return any(text_of(node.find(tag)).strip() for tag in ("briefdescription", "detaileddescription"))


def words_of(node):
    return " ".join(" ".join(text_of(node.find(tag)) for tag in ("briefdescription", "detaileddescription")).split())
