# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# What changes files of the repository: pages that are made by programs, and the formatting.

write_states()
{
    local program=build/release/tools/states/states
    build_release
    "$program" --markdown >build/states.md
    "$program" --svg >build/states.svg
    mv build/states.md build/states.svg docs/
}

write_herd()
{
    local program=build/release/tools/slk/slk
    need python3:python3 || fail "$obstacle"
    build_release
    "$program" simulate herd --seeds 1 --policy serverlink --policy libzmq \
        --policy libzmq-30s --policy grpc --svg build/herd.svg
    mv build/herd.svg docs/
    python3 tools/herd_tables.py "$program" docs/herd.md
}

write_page()
{
    need "${http_needs[@]}" "${browser_needs[@]}" python3:python3 || fail "$obstacle"
    build_release
    python3 tools/page_picture.py build/release/tools/slk/slk build/page.png
    mv build/page.png docs/
}

# With the options of the benchmark, for example --rounds 9.
write_performance()
{
    local page=docs/performance.md mark='of what .\/dev performance writes' python=python3
    need "${chart_needs[@]}" || fail "$obstacle"
    # The python that is found first need not be the one that the system's packages are for.
    "$python" -c 'import matplotlib' 2>/dev/null || python=/usr/bin/python3
    build_release
    build/release/bench/bench-messages "$@" --json build/performance.json \
        --markdown build/performance.tables
    "$python" tools/performance_chart.py build/performance.json build/performance.svg
    {
        echo '![Ratios of streams and round trips](performance.svg)'
        echo
        cat build/performance.tables
    } >build/performance.part
    sed -e "/^<!-- begin $mark/,/^<!-- end $mark/{//!d}" \
        -e "/^<!-- begin $mark/r build/performance.part" "$page" >build/performance.md
    mv build/performance.md build/performance.svg docs/
}

format_sources()
{
    need "${format_needs[@]}" || fail "$obstacle"
    git ls-files -z --cached --others --exclude-standard -- '*.cpp' '*.hpp' '*.h' |
        xargs -0 --no-run-if-empty clang-format-19 -i
}
