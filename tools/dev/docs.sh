# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# ./dev docs: the site of the documents and the reference.

# The python that is found first need not be the one that the system's packages are for.
docs_python()
{
    if python3 -c 'import markdown, pygments' 2>/dev/null; then echo python3; else echo /usr/bin/python3; fi
}

build_docs()
{
    need "${docs_needs[@]}" || fail "$obstacle"
    mkdir -p build
    "$(docs_python)" tools/docs/site.py build/docs || fail "the documents have faults"
    say "the documents are in build/docs/index.html"
    need "${browser_needs[@]}" || { say "no browser has looked at them: $obstacle" && return; }
    "$(docs_python)" tests/docs/site_check.py build/docs || fail "the pages have faults"
}
