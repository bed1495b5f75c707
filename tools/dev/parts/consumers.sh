# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

needs_consumers() { list "${basic_needs[@]}" "${tl_needs[@]}" "${cmake_needs[@]}"; }

# The programs run for a moment only.
build_consumers()
{
    local report=$logs/consumers.report
    [[ -s $report ]] && return
    CXX=$(with_ccache g++) tests/consumers/run.sh "$root/build/consumers" "$jobs" >"$report.new"
    mv "$report.new" "$report"
}

part_consumers()
{
    compile_part
    take_report "$logs/consumers.report"
}
