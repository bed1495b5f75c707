#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
# Builds and runs a small program against the library in each supported way: run.sh <folder> <jobs>
# Works in the given folder. On the last line: "<passed> <failed> <skipped>".
set -euo pipefail
cd "$(dirname "$0")/../.."
repository=$PWD
work=$1
jobs=$2
# The library is built three times, once of them without assertions, as a release is, and once each
# file alone, as a user builds it; how fast it is makes no difference here.
unity=(--unity on --unity-size 40)

# recipe LANGUAGE: the block of that language in the README's section for users.
recipe()
{
    awk -v begin="\`\`\`$1" '
        /^## / { ours = $0 == "## Use it" }
        ours && inside && /^```/ { exit }
        inside { print; found = 1 }
        ours && $0 == begin { inside = 1 }
        END { exit !found }' README.md
}

# start NAME LANGUAGE FILE: an empty folder with the program, and with the recipe as that file.
start()
{
    rm -rf "${work:?}/$1"
    mkdir -p "$work/$1"
    cp tests/consumers/main.cpp "$work/$1/server.cpp"
    recipe "$2" >"$work/$1/$3"
}

# install_library NAME ARGUMENTS...: installs into $work/NAME. The installation is moved there
# afterwards: no file of it may depend on the prefix.
install_library()
{
    local build=$work/$1-build first=$work/$1-first prefix=$work/$1
    shift
    rm -rf "$build" "$first" "$prefix"
    meson setup "$build" --prefix "$first" --libdir lib \
        -Dtests=disabled -Dtools=disabled -Dexamples=disabled -Dbench=disabled -Dhttp=disabled \
        -Dpkgconfig.relocatable=true "${unity[@]}" "$@"
    ninja -C "$build" -j "$jobs"
    meson install -C "$build" --no-rebuild --quiet
    mv "$first" "$prefix"
}

consume_subproject()
{
    start subproject meson meson.build
    mkdir -p "$work/subproject/subprojects/serverlink"
    # The sources are there already: nothing is fetched from this address.
    recipe ini | sed 's|<the repository>|https://example.invalid/serverlink.git|;
        s|<a commit or tag>|main|' >"$work/subproject/subprojects/serverlink.wrap"
    git ls-files -z --cached --others --exclude-standard |
        while IFS= read -rd '' file; do [[ -f $file ]] && printf '%s\0' "$file"; done |
        tar -c --null -T - | tar -x -C "$work/subproject/subprojects/serverlink"
    cd "$work/subproject"
    meson setup build --buildtype plain
    ninja -C build -j "$jobs"
    ./build/server
}

# consume_pkgconfig NAME LIBRARY [SED]: the recipe is for the shared library; SED changes it.
consume_pkgconfig()
{
    start "$1" sh build.sh
    cd "$work/$1"
    sed -i "${3:-}" build.sh
    PKG_CONFIG_PATH=$work/$2/lib/pkgconfig sh -eux build.sh
    LD_LIBRARY_PATH=$work/$2/lib ./server
}

# consume_cmake NAME LIBRARY
consume_cmake()
{
    start "$1" cmake CMakeLists.txt
    cd "$work/$1"
    CXX=${CXX##* } cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$work/$2"
    ninja -C build
    ./build/server
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

attempt "installing the shared library" install_library shared --default-library shared --buildtype plain -Db_ndebug=true
attempt "pkg-config, shared, std::expected" consume_pkgconfig pkgconfig-shared shared
attempt "CMake, shared, std::expected" consume_cmake cmake-shared shared

attempt "installing the static library" \
    install_library static --default-library static --buildtype plain -Dexpected=tl -Dcpp_std=c++20
attempt "pkg-config, static, tl::expected" \
    consume_pkgconfig pkgconfig-static static 's/c++23/c++20/; s/pkg-config/& --static/'
attempt "CMake, static, tl::expected" consume_cmake cmake-static static
echo "$passed $failed 0"
