# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# ./dev fuzz

# run_fuzz [TARGET] [SECONDS]: each target begins with the corpus of the repository, and with
# what it found in earlier runs, which stays in build/fuzz-found.
run_fuzz()
{
    local wanted=all seconds=60 program name found=0
    [[ ${1:-} =~ ^[0-9]*$ ]] || { wanted=$1 && shift; }
    seconds=${1:-$seconds}
    [[ $seconds =~ ^[0-9]+$ ]] || fail "$seconds is no number of seconds"
    exec 3>&2
    need "${basic_needs[@]}" "${tl_needs[@]}" "${fuzz_needs[@]}" || fail "$obstacle"
    mkdir -p "$logs"
    say "building build/fuzz"
    local compiler=clang++-19
    is_present "$compiler" || compiler=clang++
    if ! {
        CXX=$(with_ccache "$compiler") configure fuzz --werror --buildtype debugoptimized \
            -Dfuzz=true -Dtests=disabled -Dtools=disabled -Dexamples=disabled -Dbench=disabled \
            -Dexpected=tl -Dcpp_std=c++20 -Db_sanitize=address,undefined -Db_lundef=false \
            "-Dcpp_args=-fno-sanitize=vptr -fno-sanitize-recover=all" && compile fuzz
    } >"$logs/fuzz.log" 2>&1; then
        show_end "$logs/fuzz.log"
        fail "the build failed; all of its output is in build/logs/fuzz.log"
    fi
    for program in build/fuzz/fuzz/fuzz-*; do
        [[ -f $program && -x $program ]] || continue
        name=${program##*/fuzz-}
        [[ $wanted == all || $wanted == "$name" ]] || continue
        found=1
        say "$name: $seconds seconds"
        mkdir -p "build/fuzz-found/$name"
        # A failing input is kept beside the others, and printed with its promise.
        "$program" -max_total_time="$seconds" -max_len=600 -print_final_stats=1 \
            -artifact_prefix="build/fuzz-found/$name-" \
            "build/fuzz-found/$name" "tests/zmtp/corpus/$name" ||
            fail "$name has failed; the input is in build/fuzz-found/$name-*"
    done
    ((found)) || fail "there is no fuzz target named $wanted"
}
