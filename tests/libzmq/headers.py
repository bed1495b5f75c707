#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Our zmq.h and libzmq's agree: constants, sizes, offsets and prototypes.

    headers.py CC OURS [THEIRS]

OURS is the folder of our zmq.h; THEIRS that of libzmq's, of a version that is not older than 4.3.4.
The last line tells how many cases passed, failed and were skipped, as that of a test program.
"""
import re
import subprocess
import sys
import tempfile

FACTS = """
#include <zmq.h>
#include <stddef.h>
#include <stdio.h>
int main(void)
{
%s
    printf("sizeof zmq_msg_t %%zu\\n", sizeof(zmq_msg_t));
    printf("sizeof zmq_pollitem_t %%zu\\n", sizeof(zmq_pollitem_t));
    printf("sizeof zmq_fd_t %%zu\\n", sizeof(zmq_fd_t));
    printf("offset socket %%zu\\n", offsetof(zmq_pollitem_t, socket));
    printf("offset fd %%zu\\n", offsetof(zmq_pollitem_t, fd));
    printf("offset events %%zu\\n", offsetof(zmq_pollitem_t, events));
    printf("offset revents %%zu\\n", offsetof(zmq_pollitem_t, revents));
    struct shifted { char first; zmq_msg_t second; };
    printf("align zmq_msg_t %%zu\\n", offsetof(struct shifted, second));
    return 0;
}
"""


def run(*command, text=""):
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stderr}")
    return done.stdout


def macros(cc, folder):
    """The object-like macros of the interface that have a value."""
    text = run(cc, "-dM", "-E", f"-I{folder}", "-xc", "-", text="#include <zmq.h>\n")
    found = {}
    for name, value in re.findall(r"^#define (\w+) (.+)$", text, flags=re.MULTILINE):
        if (name.startswith("ZMQ_") and name != "ZMQ_EXPORT") or "ZMQ_HAUSNUMERO" in value:
            found[name] = value
    return found


def facts(cc, folder, names):
    lines = "".join(f'    printf("{name} %lld\\n", (long long)({name}));\n' for name in names)
    with tempfile.TemporaryDirectory() as scratch:
        program = f"{scratch}/facts"
        run(cc, f"-I{folder}", "-xc", "-", "-o", program, text=FACTS % lines)
        return run(program).splitlines()


def prototypes(cc, folder):
    """The declarations of functions, one a line, without comments and attributes."""
    text = run(cc, "-E", "-P", f"-I{folder}", "-xc", "-", text="#include <zmq.h>\n")
    text = re.sub(r"__attribute__\s*\(\(.*?\)\)\)?", " ", text, flags=re.DOTALL)
    text = " ".join(text.split())
    return re.findall(r"(?<=[;{}]) ([\w *]+?\bzmq_\w+ ?\([^;{}]*\);)", text)


def main(cc, ours, theirs=""):
    cases = []
    mine = macros(cc, ours)
    if theirs:
        others = macros(cc, theirs)
        cases.append(("both have the same constants", mine.keys() == others.keys(),
                      sorted(mine.keys() ^ others.keys())))
        names = sorted(mine.keys() & others.keys() - {"ZMQ_VERSION_PATCH", "ZMQ_VERSION"})
        one, other = facts(cc, ours, names), facts(cc, theirs, names)
        cases.append(("constants, sizes and offsets are equal", one == other,
                      sorted(set(one) ^ set(other))))
        # A function that is declared twice in two ways is an error of the compiler.
        declared = prototypes(cc, ours)
        wrong = ""
        try:
            run(cc, f"-I{theirs}", "-fsyntax-only", "-Werror", "-xc", "-",
                text="#include <zmq.h>\n" + "\n".join(declared))
        except RuntimeError as error:
            wrong = str(error)
        cases.append(("prototypes are equal", not wrong and len(declared) == 70,
                      wrong or declared))
    for language, standards in (("c", ("c99", "c11", "gnu17")), ("c++", ("c++98", "c++11", "c++20"))):
        for standard in standards:
            wrong = ""
            try:
                run(cc, f"-x{language}", f"-std={standard}", "-pedantic-errors", "-Wall", "-Wextra",
                    "-Werror", f"-I{ours}", "-fsyntax-only", "-", text="#include <zmq_utils.h>\n")
            except RuntimeError as error:
                wrong = str(error)
            cases.append((f"the header is {standard}", not wrong, wrong))
    has_cppzmq = "zmq.hpp" in run(cc, "-xc++", "-E", "-", text=(
        "#if __has_include(<zmq.hpp>)\nzmq.hpp\n#endif\n"))
    skipped = 0
    if has_cppzmq:
        wrong = ""
        try:
            run(cc, "-xc++", "-std=c++17", f"-I{ours}", "-fsyntax-only", "-", text=(
                "#include <zmq.hpp>\n#include <zmq_addon.hpp>\n"
                "int main() { zmq::context_t c; zmq::socket_t s(c, zmq::socket_type::req);"
                " s.set(zmq::sockopt::linger, 0); zmq::multipart_t m; return m.size() != 0; }\n"))
        except RuntimeError as error:
            wrong = str(error)
        cases.append(("cppzmq compiles with it", not wrong, wrong))
    for what, there in (("libzmq's header", theirs), ("cppzmq", has_cppzmq)):
        if not there:
            skipped += 1
            print(f"skipped: {what} is not installed")
    failed = 0
    for case, passed, what in cases:
        if not passed:
            failed += 1
            print(what)
            print(f"failed: {case}")
    print(f"slk-tests: {len(cases) - failed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
