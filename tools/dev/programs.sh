# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# The programs of the build: they are built if need be, and run.

# The output of the programs is theirs alone; what this script says goes beside it.
run_slk()
{
    exec 3>&2
    build_release
    cd "$started_in"
    exec "$root/build/release/tools/slk/slk" "$@"
}

run_sim()
{
    exec 3>&2
    need "${basic_needs[@]}" "${doctest_needs[@]}" "${tool_needs[@]}" || fail "$obstacle"
    mkdir -p "$logs"
    say "building build/sim"
    if ! build_simulations tests/swarm/swarm >"$logs/sim.log" 2>&1; then
        show_end "$logs/sim.log"
        fail "the build failed; all of its output is in build/logs/sim.log"
    fi
    exec build/sim/tests/swarm/swarm "$@"
}

run_bench()
{
    local wanted=${1:-} found=0 program
    exec 3>&2
    build_release
    for program in build/release/bench/bench-*; do
        [[ -f $program && -x $program ]] || continue
        [[ -z $wanted || $program == */bench-$wanted ]] || continue
        found=1
        say "${program##*/}"
        "$program" "${@:2}"
    done
    ((found)) || fail "there is no benchmark${wanted:+ named $wanted}"
}
