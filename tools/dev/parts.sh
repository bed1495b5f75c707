# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# The parts of `./dev test`: what all of them share. tools/dev/parts has one file for each.
#
# A part runs in a subshell of its own, with its output in build/logs/<part>.log, and leaves
# "<passed> <failed> <skipped>" in build/logs/<part>.counts. needs_<part> tells what must be
# installed for it, build_<part> compiles, and part_<part> does all of it.

all_parts=(native asan tsan sim wine consumers lint)

source tools/dev/parts/native.sh
source tools/dev/parts/asan.sh
source tools/dev/parts/tsan.sh
source tools/dev/parts/sim.sh
source tools/dev/parts/wine.sh
source tools/dev/parts/consumers.sh
source tools/dev/parts/lint.sh

list() { printf '%s\n' "$@"; }

require()
{
    local needs status=0
    mapfile -t needs < <("needs_$part")
    need "${needs[@]}" || status=$?
    case $status in
        0) return ;;
        1)
            printf 'failed: %s: %s\n' "$part" "$obstacle" >&3
            echo 0 1 0 >"$logs/$part.counts"
            ;;
        *)
            printf 'skipped: %s: %s\n' "$part" "$obstacle" >&3
            echo 0 0 1 >"$logs/$part.counts"
            ;;
    esac
    exit 0
}

# Reads a report whose last line is the three counts; shows the rest.
take_report()
{
    head -n -1 "$1" >&3
    tail -n 1 "$1" >"$logs/$part.counts"
}

# run_tests FOLDER FACTOR [SUITE]: runs the tests of build/FOLDER, all or some, and leaves the
# report; FACTOR stretches their time limits. Two programs more than there are processors: the two
# that are started first mostly wait.
run_tests()
{
    rm -f "build/$1/meson-logs/testlog.json"
    meson test -C "build/$1" --no-rebuild --num-processes "$((jobs + 2))" -t "$2" \
        ${3:+--suite "$3"} 3>&- || true
    python3 tests/support/tally.py "build/$1" >"$logs/$part.report"
}

# note_time WHAT: a line in the log about the processor time that the part has used up to now.
note_time()
{
    # Not in a subshell: that one would count only the commands of its own.
    times >"$logs/$part.times"
    awk '{ gsub(/[ms]/, " "); seconds = $1 * 60 + $2 + $3 * 60 + $4 }
        END { printf "%.0f\n", seconds }' "$logs/$part.times" >"$logs/$part.seconds"
    echo "==> processor time $1: $(<"$logs/$part.seconds") s"
}

compile_part()
{
    say "$part: compiling"
    "build_$part"
    note_time "until it was compiled"
}

# Many tests wait. The next part is compiled meanwhile, with what they leave of the processors; if
# that fails, the part itself will say so.
compile_ahead()
{
    local needs
    mapfile -t needs < <("needs_$1")
    [[ -z $(missing_of "${needs[@]}") ]] || return 0
    renice -n 19 -p "$BASHPID" >/dev/null
    "build_$1" >"$logs/$1.ahead.log" 2>&1 3>/dev/null
}

# run_suite FACTOR [NAME]: runs the tests of build/<part>; with a name those of that suite.
run_suite()
{
    local ahead=''
    if declare -F "build_$next_part" >/dev/null; then
        say "$part: running, and $next_part is compiled meanwhile"
        compile_ahead "$next_part" &
        ahead=$!
    else
        say "$part: running"
    fi
    run_tests "$part" "$@"
    take_report "$logs/$part.report"
    [[ -z $ahead ]] || wait "$ahead" || true
}

# suite FACTOR [NAME]: compiles the part, and runs its tests.
suite()
{
    compile_part
    run_suite "$@"
}

# run_part NAME: adds its counts to the sums.
passed=0 failed=0 skipped=0 next_part=''
run_part()
{
    local part=$1 began=$SECONDS status counts colour
    local log=$logs/$part.log
    rm -f "$logs/$part.counts"
    echo '?' >"$logs/$part.seconds"
    say "$part"
    # Not in a condition: there, bash would go on after a command of the part that fails.
    set +e
    (
        set -e
        require
        "part_$part"
        note_time "in all"
    ) >"$log" 2>&1 </dev/null
    status=$?
    set -e

    counts=(0 1 0)
    if ((status == 0)) && [[ -s $logs/$part.counts ]]; then
        read -ra counts <"$logs/$part.counts"
    else
        printf '%s%s could not be run; the end of build/logs/%s.log:%s\n' \
            "$red" "$part" "$part" "$plain" >&3
        show_end "$log"
    fi
    ((counts[1] == 0)) && colour=$green || colour=$red
    say "$part: $colour${counts[0]} passed, ${counts[1]} failed, ${counts[2]} skipped$plain" \
        "in $((SECONDS - began)) s, $(<"$logs/$part.seconds") s of processor time"
    ((passed += counts[0], failed += counts[1], skipped += counts[2])) || true
}

# What all of them need, at once. If something cannot be installed, the part that needs it says so.
install_for()
{
    local all
    mapfile -t all < <(for part in "$@"; do "needs_$part"; done | sort -u)
    need "${all[@]}" || true
}

run_parts()
{
    local part began
    began=$(date +%s)
    mkdir -p "$logs"
    for part in "$@"; do
        case $part in
            clang) fail "clang and libc++ have no part of their own: asan is built with them" ;;
            tl) fail "tl::expected and C++20 have no part of their own: tsan is built with them" ;;
        esac
        [[ " ${all_parts[*]} " == *" $part "* ]] ||
            fail "there is no part named $part; the parts are: ${all_parts[*]}"
    done
    rm -f "$logs"/*.report
    install_for "$@"
    local parts=("$@") number
    for number in "${!parts[@]}"; do
        next_part=${parts[number + 1]:-}
        run_part "${parts[number]}"
    done
    python3 tests/support/slowest.py "$began" "${@/#/build/}"
    echo "$passed passed, $failed failed, $skipped skipped"
    ((failed == 0))
}
