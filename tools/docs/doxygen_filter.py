#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Gives Doxygen a header with the comments where it looks for them: doxygen_filter.py FILE.

The headers are written for people who read them, and follow rules that Doxygen does not know:

- The comment at the top describes the file, and the class that its first words name.
- A comment also describes what follows without an empty line, if it has the same name (overloads),
  or if the comment is one of a group: `// As those of slk::socket.`
- In C, `/* ... */` is a comment of what follows it, or of what stands before it on the line.
- What needs no word, as a move, has none: the table STANDARD says it here.

No line is added or removed, so that the numbers in warnings are right.
"""

import re
import sys

STANDARD = [
    (r"^(begin|end)$", "For a loop over all of them."),
    (r"^size$", "Returns their number."),
    (r"^empty$", "Returns whether there is none."),
    (r"^clear$", "Makes it empty."),
    (r"^name_of$", "Returns the enumerator's spelling."),
    (r"^to_string$", "Returns one line of text for people; empty when memory is exhausted."),
    (r"^validate$", "Returns invalid_argument, with the option's name as detail, if one is wrong."),
    (r"^operator==$", "Compares all that there is."),
    (r"^operator=$", "Moves; the old object is empty then."),
    (r"^operator\*$", "Returns the element."),
    (r"^operator\+\+$", "Goes to the next element."),
    (r"^operator\[\]$", "Returns the element with that number, from 0 on; the number must be in range."),
    (r"^with_moved$", "Moves; the old object is empty then."),
]

# The rest of a line from its comment on; Doxygen has commands that begin with a backslash.
COMMENT = re.compile(r"(//|/\*|^ \* ).*")

DECLARES_SCOPE = re.compile(
    r"^(inline )?namespace\b|^extern \"C\"|^(template ?<.*> )?(typedef )?(class|struct|union|enum( class)?)\b(?!.*\()")


def without_code_in_comments(line):
    return re.sub(r"//.*$", "", line)


def name_of(text):
    """The name that a declaration declares, or an empty text."""
    text = re.sub(r"\[\[[^\]]*\]\]", " ", text)
    text = re.sub(r"\b(SLK_API|SLK_HTTP_API|SL_EXPORT|SL_CALL|noexcept|friend|explicit|constexpr|static|inline)\b", " ", text)
    text = re.sub(r"^\s*template\s*<[^{;]*?>\s+(?=\w)", " ", text.strip())
    operator = re.search(r"\boperator\s*(==|=|\*|\+\+|\[\]|->|bool|<=>)", text)
    if operator:
        return "operator" + operator.group(1)
    scope = re.match(r"\s*(?:typedef\s+)?(?:class|struct|union|enum(?:\s+class)?)\s+(\w+)", text)
    if scope:
        return scope.group(1)
    called = re.search(r"(~?\w+)\s*\(", text)
    if called:
        return called.group(1)
    alias = re.match(r"\s*using\s+(\w+)\s*=", text)
    if alias:
        return alias.group(1)
    variable = re.search(r"(\w+)\s*(?:\{[^;]*\}|=[^;]*|\[[^;]*\]|:\s*\d+)?\s*;?\s*$", text.split("//")[0])
    return variable.group(1) if variable else ""


def brace_change(line):
    line = re.sub(r"'(\\.|[^'])'|\"(\\.|[^\"])*\"", "", line)
    return line.count("{") - line.count("}")


def one_line(comment):
    return " ".join(part.strip() for part in comment).replace("*/", "* /").strip()


def filtered_cpp(lines):
    out = list(lines)
    doc, group, last_name, last_doc = [], [], "", ""
    scopes = []  # names of classes that are open; "" for namespaces
    described = ""  # the class that the file's comment describes, and its first sentence
    at = 0

    # The comment of the file.
    for number, line in enumerate(lines):
        if line.startswith("///"):
            block = []
            for follows in lines[number:]:
                if not follows.startswith("///"):
                    break
                block.append(follows[3:].strip())
            first = re.match(r"slk::(\w+)(?:<T>)?: (.*?[.])(?:\s|$)", " ".join(block))
            if first:
                described = (first.group(1), first.group(2)[0].upper() + first.group(2)[1:])
            if number and not lines[number - 1].strip():
                out[number - 1] = "/// @file"
            at = number + len(block)
            break
        if line.startswith(("class", "struct", "namespace", "enum")):
            break

    while at < len(lines):
        line = lines[at].strip()
        if line.startswith("///") and not line.startswith("///<"):
            doc.append(line[3:])
            group = []
            at += 1
            continue
        if line.startswith("//"):
            if not (group and lines[at - 1].strip().startswith("//")):
                group = []
            group.append(line[2:])
            doc, last_name = [], ""
            at += 1
            continue
        if not line:
            doc, group, last_name = [], [], ""
            at += 1
            continue
        if line.startswith("#") or re.match(r"(public|private|protected):", line):
            while lines[at].rstrip().endswith("\\"):
                at += 1
            doc, group = [], []
            at += 1
            continue
        if line.startswith("}"):
            if scopes:
                scopes.pop()
            doc, group, last_name = [], [], ""
            at += 1
            continue

        # A statement: to its semicolon, or to the brace that opens or closes it.
        first, text, depth, trailing = at, "", 0, False
        while at < len(lines):
            part = lines[at]
            trailing = trailing or "///<" in part
            code = without_code_in_comments(part)
            text += " " + code.strip()
            opens = brace_change(code)
            if DECLARES_SCOPE.match(text.strip()) and "{" in code and depth + opens > 0:
                scopes.append(name_of(text))
                at += 1
                break
            depth += opens
            at += 1
            finished = code.rstrip()
            in_enum = scopes and enum_scope(lines, first)
            if depth <= 0 and (finished.endswith((";", "}")) or in_enum and finished.endswith(",")
                               or in_enum and at < len(lines) and lines[at].strip().startswith("}")):
                break
        name = name_of(text)
        owner = next((each for each in reversed(scopes) if each), "")
        if trailing or doc:
            last_name, last_doc = name, one_line(doc)
            doc = []
            continue
        said = ""
        if last_name and name == last_name and last_doc:
            said = last_doc
        elif group:
            said = one_line(group)
            said = said[0].upper() + said[1:] if said else said
        elif described and name == described[0] and re.search(r"\b(class|struct|using)\b", text):
            said = described[1]
        elif name == owner and "&&" in text:
            said = "Moves; the old object is empty then."
        elif name == owner and "const " + owner + "&" in text:
            said = "A copy." if "delete" not in text else "Not copied."
        elif name == owner and re.search(r"\(\)", text):
            said = "An empty one."
        elif name == "~" + owner:
            said = "Ends it."
        else:
            for pattern, standard in STANDARD:
                if re.match(pattern, name):
                    said = standard
                    break
        if said:
            out[first] = re.sub(r"^(\s*)", lambda m: m.group(1) + "/** " + said + " */ ", lines[first], count=1)
            last_name, last_doc = name, said
        else:
            last_name = ""
    return out


def enum_scope(lines, number):
    """Whether a line is inside the braces of an enum."""
    for line in reversed(lines[:number]):
        code = without_code_in_comments(line).strip()
        if code.endswith("{"):
            return bool(re.match(r"(typedef )?enum\b", code))
        if code.startswith("}"):
            return False
    return False


def filtered_c(lines):
    out, kept, comment = [], "", None
    top = True
    for line in lines:
        stripped = line.strip()
        if comment is not None:
            comment.append(stripped.lstrip("* ").removesuffix("*/").strip())
            if stripped.endswith("*/"):
                kept, comment = kept or " ".join(comment).strip(), None
            out.append(line)
            continue
        if stripped.startswith("/*") and not stripped.startswith(("/* ---", "/* SPDX")):
            line = line.replace("/*", "/** @file" if top and "*/" not in line else "/**", 1)
            if top and "@file" in line:
                top = False
            if "*/" in line:
                kept = kept or stripped[2:-2].strip()
            else:
                comment = [stripped[2:].strip()]
            out.append(line)
            continue
        if not stripped:
            kept = ""
            out.append(line)
            continue
        trailing = re.search(r"\S.*?(/\*)(?!\*)", line)
        if trailing:
            line = line[:trailing.start(1)] + "/**<" + line[trailing.end(1):]
            out.append(line)
            continue
        declares = stripped.startswith(("SL_EXPORT", "#define SLK_", "typedef"))
        before = out[-1].strip() if out else ""
        if declares and kept and not before.endswith("*/") and not before.endswith("\\"):
            line = re.sub(r"^(\s*)", lambda m: m.group(1) + "/** " + kept + " */ ", line, count=1)
        out.append(line)
    return out


def main(name):
    with open(name, encoding="utf-8") as file:
        lines = file.read().split("\n")
    # A specialization for the standard library is nothing to look up.
    lines = ["" if line == "template <>" or line.startswith("struct std::") else line for line in lines]
    done = filtered_c(lines) if name.endswith(".h") else filtered_cpp(lines)
    print("\n".join(re.sub(COMMENT, lambda found: found.group().replace("\\", "\\\\"), line) for line in done))


if __name__ == "__main__":
    main(sys.argv[1])
