#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
# Builds and runs a small program against the library in each supported way: run.sh <folder> <jobs>
# Works in the given folder. On the last line: "<passed> <failed> <skipped>".
set -euo pipefail
cd "$(dirname "$0")/../.."
repository=$PWD
work=$1
jobs=$2
# The library is built three times, once of them as a release; how its files are compiled makes no
# difference to its users.
unity=(--unity on --unity-size 12)

# start NAME PROJECT: copies the project into an empty folder.
start()
{
    rm -rf "${work:?}/$1"
    mkdir -p "$work/$1"
    cp -r "tests/consumers/$2/." tests/consumers/main.cpp "$work/$1/"
}

# install_library NAME ARGUMENTS...: installs into $work/NAME. The installation is moved there
# afterwards: no file of it may depend on the prefix.
install_library()
{
    local build=$work/$1-build first=$work/$1-first prefix=$work/$1
    shift
    rm -rf "$build" "$first" "$prefix"
    meson setup "$build" --prefix "$first" --libdir lib \
        -Dtests=disabled -Dtools=disabled -Dexamples=disabled -Dbench=disabled \
        -Dpkgconfig.relocatable=true "${unity[@]}" "$@"
    ninja -C "$build" -j "$jobs"
    meson install -C "$build" --no-rebuild --quiet
    mv "$first" "$prefix"
}

consume_subproject()
{
    start subproject subproject
    mkdir -p "$work/subproject/subprojects/serverlink"
    git ls-files -z --cached --others --exclude-standard |
        while IFS= read -rd '' file; do [[ -f $file ]] && printf '%s\0' "$file"; done |
        tar -c --null -T - | tar -x -C "$work/subproject/subprojects/serverlink"
    cd "$work/subproject"
    # The consumer may use another standard than the library, as long as it has std::expected.
    meson setup build --buildtype plain -Dcpp_args=-std=c++23 "${unity[@]}"
    ninja -C build -j "$jobs"
    ./build/consumer
}

# consume_pkgconfig NAME LIBRARY STANDARD [OPTIONS]
consume_pkgconfig()
{
    start "$1" pkgconfig
    cd "$work/$1"
    PKG_CONFIG_PATH=$work/$2/lib/pkgconfig ./build.sh "$3" "${@:4}"
    LD_LIBRARY_PATH=$work/$2/lib ./consumer
}

# consume_cmake NAME LIBRARY
consume_cmake()
{
    start "$1" cmake
    cd "$work/$1"
    CXX=${CXX##* } cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$work/$2"
    ninja -C build
    ./build/consumer
}

passed=0 failed=0
# attempt NAME COMMAND...: one test case.
attempt()
{
    local name=$1 status
    shift
    set +e
    (
        set -e
        "$@"
    ) >"$work/log" 2>&1 </dev/null
    status=$?
    set -e
    cd "$repository"
    cat "$work/log" >&2
    if ((status == 0)); then
        ((++passed))
    else
        ((++failed))
        echo "failed: $name"
        tail -n 30 "$work/log" | sed 's/^/  /'
    fi
}

mkdir -p "$work"
attempt "a subproject of another Meson build" consume_subproject

attempt "installing the shared library" install_library shared --default-library shared --buildtype release
attempt "pkg-config, shared, std::expected" consume_pkgconfig pkgconfig-shared shared c++23
attempt "CMake, shared, std::expected" consume_cmake cmake-shared shared

attempt "installing the static library" \
    install_library static --default-library static --buildtype plain -Dexpected=tl -Dcpp_std=c++20
attempt "pkg-config, static, tl::expected" \
    consume_pkgconfig pkgconfig-static static c++20 --static
attempt "CMake, static, tl::expected" consume_cmake cmake-static static
echo "$passed $failed 0"
