# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

needs_consumers()
{
    list "${basic_needs[@]}" "${curve_needs[@]}" "${tl_needs[@]}" "${cmake_needs[@]}" \
        "${http_needs[@]}"
}

# Runs the programs, too, as each takes only a moment. What was compiled ahead has left the report.
build_consumers()
{
    local report=$logs/consumers.report
    [[ -s $report ]] && return
    CXX=$(with_ccache g++) tests/consumers/run.sh "$root/build/consumers" "$jobs" >"$report.new"
    mv "$report.new" "$report"
}

part_consumers()
{
    need "${mingw_needs[@]}" || say "consumers: no DLL is built: $obstacle"
    compile_part
    take_report "$logs/consumers.report"
}
