# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

part_consumers()
{
    require "${basic_needs[@]}" "${tl_needs[@]}" "${cmake_needs[@]}"
    CXX=$(with_ccache g++) tests/consumers/run.sh "$root/build/consumers" "$jobs" \
        >"$logs/$part.report"
    take_report "$logs/$part.report"
}
