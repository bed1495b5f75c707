# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# Setting build folders up, and compiling in them.

# LLVM's linker takes a third of the time of the GNU one.
with_lld()
{
    if is_present ld.lld; then CC_LD=lld CXX_LD=lld "$@"; else "$@"; fi
}

with_ccache()
{
    if command -v ccache >/dev/null; then echo "ccache $1"; else echo "$1"; fi
}

# configure FOLDER ARGUMENTS...: sets build/FOLDER up, and anew when the arguments have changed.
configure()
{
    local folder=build/$1 wanted
    shift
    wanted="${CC:-} ${CXX:-} $*"
    if [[ -f $folder/build.ninja && -f $folder/dev-arguments ]] &&
        [[ $(<"$folder/dev-arguments") == "$wanted" ]]; then
        return
    fi
    rm -rf "$folder"
    meson setup "$folder" "$@"
    printf '%s\n' "$wanted" >"$folder/dev-arguments"
}

compile() { ninja -C "build/$1" -j "$jobs" "${@:2}"; }

# For users, whose compiler may warn of what no other one does: a warning is no error here.
build_release()
{
    local http=auto
    need "${basic_needs[@]}" "${tool_needs[@]}" || fail "$obstacle"
    need "${http_needs[@]}" || http=disabled
    mkdir -p "$logs"
    say "building build/release"
    if ! (
        set -e
        CC=$(with_ccache gcc) CXX=$(with_ccache g++) configure release --buildtype release -Dwerror=false -Db_lto=false "${unity[@]}" \
            -Dtests=disabled -Dtools=enabled -Dexamples=enabled -Dbench=enabled "-Dhttp=$http"
    ) >"$logs/release.log" 2>&1 || ! compile release >>"$logs/release.log" 2>&1; then
        show_end "$logs/release.log"
        fail "the build failed; all of its output is in build/logs/release.log"
    fi
}

# The parts have functions and lines as their only debugging information, for the reports of the
# sanitizers, and the one for Windows none: all of it costs up to a third of the time of compiling.
# A debugger is used on a build of one's own, which has it (`meson setup build/mine`).
#
# One part builds the benchmarks: they measure the release build, and bring libraries of others.
# Two parts talk to libzmq: more would tell nothing new, and its threads are not clean by the rules
# of the thread sanitizer.
# One part has the component for HTTP, which others have written most of, and Debian's build of which
# is for one standard library.
checked=(--werror -Dtests=enabled -Dtools=enabled -Dinterop=disabled -Dhttp=disabled)

# Forty files are compiled as one: most of a file's time goes to the headers that it includes. With
# `meson setup` alone every file stands for itself, which suits whoever changes one of them.
unity=(--unity on --unity-size 40)

# Optimised, or 10,000 worlds would take too long, and with the assertions.
build_simulations()
{
    CC=$(with_ccache gcc) CXX=$(with_ccache g++) with_lld configure sim --buildtype debugoptimized "${checked[@]}" \
        "${unity[@]}" -Dexamples=disabled -Dbench=disabled -Dexpected=std -Dcpp_args=-g1 &&
        ninja -C build/sim -j "$jobs" "$@"
}
