# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

needs_sim()
{
    list "${basic_needs[@]}" "${curve_needs[@]}" "${doctest_needs[@]}" "${tool_needs[@]}" ld.lld:lld
}

build_sim() { build_simulations tests/swarm/swarm tests/test-herd tools/slk/slk; }

part_sim()
{
    compile_part
    say "sim: running"
    run_tests sim 1 herd
    # A seed that fails is printed with the command that replays it.
    local counts outcome kind
    read -ra counts < <(tail -n 1 "$logs/$part.report")
    : >"$logs/$part.worlds"
    for kind in '' --messages --topics; do
        outcome=1
        # shellcheck disable=SC2086
        build/sim/tests/swarm/swarm $kind --quiet >>"$logs/$part.worlds" && outcome=0
        ((++counts[outcome]))
    done
    {
        head -n -1 "$logs/$part.report"
        grep -v -e '^faults:' -e '^actions:' "$logs/$part.worlds"
        echo "${counts[*]}"
    } >"$logs/$part.sum"
    take_report "$logs/$part.sum"
}
