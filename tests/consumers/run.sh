#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
# Builds and runs a small program against the library in each supported way: run.sh <folder> <jobs>
# Works in the given folder. On the last line: "<passed> <failed> <skipped>".
set -euo pipefail
cd "$(dirname "$0")/../.."
repository=$PWD
work=$1
jobs=$2
# The library is built several times, once of them without assertions, as a release is, and once
# each file alone, as a user builds it; how fast it is makes no difference here.
unity=(--unity on --unity-size 40)

# recipe LANGUAGE [SECTION]: the block of that language in the README's section for users.
recipe()
{
    awk -v begin="\`\`\`$1" -v section="## ${2:-Use it}" '
        /^## / { ours = $0 == section }
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

# The same for a program with a page.
start_page()
{
    rm -rf "${work:?}/$1"
    mkdir -p "$work/$1"
    cp tests/consumers/page.cpp "$work/$1/server.cpp"
    recipe "$2" 'Use the page' >"$work/$1/$3"
}

# The same for a program in C.
start_c()
{
    rm -rf "${work:?}/$1"
    mkdir -p "$work/$1"
    cp tests/consumers/main.c "$work/$1/server.c"
    recipe "$2" 'Use it from C' >"$work/$1/$3"
}

# install_library NAME ARGUMENTS...: installs into $work/NAME. The installation is moved there
# afterwards: no file of it may depend on the prefix.
install_library()
{
    local build=$work/$1-build first=$work/$1-first prefix=$work/$1
    shift
    rm -rf "$build" "$first" "$prefix"
    meson setup "$build" --prefix "$first" --libdir lib \
        -Dtests=disabled -Dtools=disabled -Dexamples=disabled -Dbench=disabled "-Dhttp=$page" \
        -Dpkgconfig.relocatable=true "${unity[@]}" "$@"
    ninja -C "$build" -j "$jobs"
    meson install -C "$build" --no-rebuild --quiet
    mv "$first" "$prefix"
}

# consume_subproject NAME ARGUMENTS...: the folder has the program and its meson.build.
consume_subproject()
{
    mkdir -p "$work/$1/subprojects/serverlink"
    # The sources are there already: nothing is fetched from this address.
    recipe ini | sed 's|<the repository>|https://example.invalid/serverlink.git|;
        s|<a commit or tag>|main|'"${provided:+; s|^dependency_names = .*|dependency_names = $provided|}" \
        >"$work/$1/subprojects/serverlink.wrap"
    git ls-files -z --cached --others --exclude-standard |
        while IFS= read -rd '' file; do [[ -f $file ]] && printf '%s\0' "$file"; done |
        tar -c --null -T - | tar -x -C "$work/$1/subprojects/serverlink"
    cd "$work/$1"
    meson setup build --buildtype plain "${@:2}"
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

# consume_page_pkgconfig NAME LIBRARY
consume_page_pkgconfig()
{
    start_page "$1" sh build.sh
    cd "$work/$1"
    PKG_CONFIG_PATH=$work/$2/lib/pkgconfig sh -eux build.sh
    LD_LIBRARY_PATH=$work/$2/lib ./server
}

# consume_page_cmake NAME LIBRARY
consume_page_cmake()
{
    start_page "$1" cmake CMakeLists.txt
    cd "$work/$1"
    CXX=${CXX##* } cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$work/$2"
    ninja -C build
    ./build/server
}

# A library without the page says so.
refuse_page_cmake()
{
    start_page cmake-no-page cmake CMakeLists.txt
    cd "$work/cmake-no-page"
    cp -R "$work/shared" library
    rm library/lib/libserverlink-http.so*
    if CXX=${CXX##* } cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$PWD/library" 2>refused; then
        return 1
    fi
    grep -F 'this serverlink was built without http' refused
}

subproject_page()
{
    start_page subproject-page meson meson.build
    provided='serverlink, serverlink-http' consume_subproject subproject-page "${unity[@]}"
}

# consume_pkgconfig_c NAME LIBRARY [SED]: without a C++ compiler.
consume_pkgconfig_c()
{
    start_c "$1" sh build.sh
    cd "$work/$1"
    sed -i "s/c99/& -pedantic -Wall -Wextra -Werror/; ${3:-}" build.sh
    PKG_CONFIG_PATH=$work/$2/lib/pkgconfig sh -eux build.sh
    LD_LIBRARY_PATH=$work/$2/lib ./server
}

# consume_cmake_c NAME LIBRARY: CMake knows of no C++ compiler.
consume_cmake_c()
{
    start_c "$1" cmake CMakeLists.txt
    cd "$work/$1"
    CXX=false cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$work/$2"
    ninja -C build
    ./build/server
}

# Meson links a static library with what it needs, also in a project of C alone.
subproject_c()
{
    start_c subproject-c meson meson.build
    consume_subproject subproject-c --default-library static "${unity[@]}"
}

# Programs that were linked to an older one find it, and it has the C API's functions.
check_shared()
{
    local library=$work/shared/lib/libserverlink.so
    readelf -d "$library" | grep -F 'soname: [libserverlink.so.0]'
    nm -D --defined-only "$library" | grep -w slk_ctx_new
}

# Without the C API its headers are not installed, and nothing of it is compiled.
check_without_capi()
{
    local build=$work/cpp-only
    rm -rf "$build"
    meson setup "$build" -Dcapi=false -Dlibzmq=false -Dtests=enabled -Dtools=disabled -Dexamples=enabled \
        -Dbench=enabled -Dhttp=disabled
    if grep -E 'capi|BUILDING_DLL' "$build/compile_commands.json"; then
        return 1
    fi
    meson introspect "$build" --installed >"$build/installed"
    grep -q 'serverlink/loop.hpp' "$build/installed"
    ! grep -E 'serverlink(_export)?\.h"' "$build/installed"
}

mingw=x86_64-w64-mingw32-gcc-posix

# A DLL, and a C program that is built with another tool than it.
check_dll()
{
    install_library dll -Dhttp=disabled --cross-file cross/mingw-w64.ini --default-library shared --buildtype plain
    start_c dll-consumer sh build.sh
    cd "$work/dll-consumer"
    sed -i "s/^cc /$mingw -DEXPECT_DLL /" build.sh
    export PKG_CONFIG_LIBDIR=$work/dll/lib/pkgconfig
    sh -eux build.sh
    cp "$work"/dll/bin/*.dll .
    export WINEPREFIX=$work/wine-prefix WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
    unset DISPLAY
    local status=0
    timeout 300 wine server.exe || status=$?
    # Its output stays open as long as Wine's server runs.
    wineserver --kill || true
    return $status
}

# The page needs a library that Debian has; elsewhere Meson would fetch it.
page=disabled
pkg-config --exists cpp-httplib && page=enabled

passed=0 failed=0 skipped=0
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
subproject()
{
    start subproject meson meson.build
    consume_subproject subproject
}
attempt "a subproject of another Meson build" subproject

attempt "installing the shared library" install_library shared --default-library shared --buildtype plain -Db_ndebug=true
attempt "pkg-config, shared, std::expected" consume_pkgconfig pkgconfig-shared shared
attempt "CMake, shared, std::expected" consume_cmake cmake-shared shared
attempt "the name and the symbols of the shared library" check_shared
attempt "pkg-config, shared, C" consume_pkgconfig_c pkgconfig-shared-c shared
attempt "CMake, shared, C" consume_cmake_c cmake-shared-c shared

attempt "installing the static library" \
    install_library static --default-library static --buildtype plain -Dexpected=tl -Dcpp_std=c++20
attempt "pkg-config, static, tl::expected" \
    consume_pkgconfig pkgconfig-static static 's/c++23/c++20/; s/pkg-config/& --static/'
attempt "CMake, static, tl::expected" consume_cmake cmake-static static
attempt "pkg-config, static, C" \
    consume_pkgconfig_c pkgconfig-static-c static 's/pkg-config/& --static/'
attempt "CMake, static, C" consume_cmake_c cmake-static-c static
attempt "a subproject of a Meson build in C" subproject_c

if [[ $page == enabled ]]; then
    attempt "pkg-config, shared, with the page" consume_page_pkgconfig pkgconfig-page shared
    attempt "CMake, shared, with the page" consume_page_cmake cmake-page shared
    attempt "CMake, a library without the page" refuse_page_cmake
    attempt "CMake, static, with the page" consume_page_cmake cmake-page-static static
    attempt "a subproject with the page" subproject_page
else
    echo "skipped: five programs with the page: need cpp-httplib"
    ((skipped += 5))
fi

attempt "a library without the C API" check_without_capi
if command -v "$mingw" >/dev/null && command -v wine >/dev/null; then
    attempt "a DLL, and a program in C under Wine" check_dll
else
    echo "skipped: a DLL, and a program in C under Wine: needs $mingw and wine"
    ((++skipped))
fi
echo "$passed $failed $skipped"
