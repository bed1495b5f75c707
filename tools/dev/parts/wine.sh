# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

# The headers of the build machine that are not bound to a system, alone in a folder:
# with all of /usr/include the cross compiler would find the wrong C library.
stage_headers()
{
    local staged=$1 library cached=''
    command -v ccache >/dev/null && cached="'ccache', "
    mkdir -p "$staged/include" "$staged/pkgconfig"
    for library in doctest:doctest CLI:CLI11 nlohmann:nlohmann_json; do
        [[ -d /usr/include/${library%:*} ]] || continue
        cp -Ru "/usr/include/${library%:*}" "$staged/include/"
        library=${library#*:}
        printf 'Name: %s\nDescription: headers\nVersion: 1\nCflags: -I%s\n' \
            "$library" "$staged/include" >"$staged/pkgconfig/$library.pc"
    done
    cat >"$staged/machine.ini" <<END
[binaries]
c = [$cached'x86_64-w64-mingw32-gcc-posix']
cpp = [$cached'x86_64-w64-mingw32-g++-posix']
[properties]
pkg_config_libdir = '$staged/pkgconfig'
[built-in options]
cpp_link_args = ['-static', '-Wl,--allow-multiple-definition'$(link_with_lld "$staged/bin")]
END
}

# libsodium for Windows, made once of Debian's source package, with which CURVE is a part of the
# build. Without the source the part goes on without CURVE, and build/wine-sodium/missing says why.
build_sodium()
{
    local folder=$root/build/wine-sodium staged=$1 headers=src/libsodium/include
    mkdir -p "$folder"
    rm -f "$folder/missing"
    if [[ ! -f $folder/source/LICENSE ]]; then
        rm -rf "$folder/build"
        if ! on_debian; then
            echo "libsodium for Windows is made of Debian's source package" >"$folder/missing"
            return
        elif ! fetch_source "$folder" libsodium; then
            echo "libsodium's source package could not be downloaded" >"$folder/missing"
            return
        elif ! compgen -G "$folder/libsodium_1.0.18-*.dsc" >/dev/null; then
            echo "subprojects/packagefiles/libsodium is for libsodium 1.0.18" >"$folder/missing"
            return
        fi
    fi
    cp -Ru "$root/subprojects/packagefiles/libsodium/." "$folder/source/"
    configure wine-sodium/build "$folder/source" --buildtype plain \
        --cross-file cross/mingw-w64.ini --cross-file "$staged/machine.ini"
    compile wine-sodium/build libsodium.a
    cat >"$staged/pkgconfig/libsodium.pc" <<END
Name: libsodium
Description: cryptography
Version: 1.0.18
Cflags: -I$folder/source/$headers -I$folder/build/$headers -DSODIUM_STATIC
Libs: $folder/build/libsodium.a
END
}

# cpp-httplib, with which serverlink-http is a part of the build. Debian's is compiled for Linux, and
# its header has declarations only; the header of the source package has all of it. Without it
# build/wine-httplib/missing says why.
stage_httplib()
{
    local folder=$root/build/wine-httplib staged=$1
    mkdir -p "$folder"
    rm -f "$folder/missing"
    if [[ ! -f $folder/source/httplib.h ]]; then
        if ! on_debian; then
            echo "cpp-httplib for Windows is that of Debian's source package" >"$folder/missing"
            return
        elif ! fetch_source "$folder" cpp-httplib; then
            echo "cpp-httplib's source package could not be downloaded" >"$folder/missing"
            return
        fi
    fi
    cat >"$staged/pkgconfig/cpp-httplib.pc" <<END
Name: cpp-httplib
Description: a header
Version: 0
Cflags: -I$folder/source
Libs: -lws2_32
END
}

# Unpacks the source package PACKAGE into FOLDER/source. It comes from the repositories that the system has;
# what apt learns of their sources, which few systems have switched on, stays in FOLDER.
fetch_source()
{
    local folder=$1 package=$2 options
    options=(-o "Dir::Etc::sourcelist=$folder/debian.list" -o 'Dir::Etc::sourceparts=-'
        -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder/cache"
        -o 'Acquire::Retries=1' -o 'Acquire::http::Timeout=20')
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
    # shellcheck disable=SC2016
    apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Label: Debian' 'Component: main' | sort -u >"$folder/debian.list"
    (
        cd "$folder" || return 1
        rm -rf source "$package"_*
        timeout 120 apt-get "${options[@]}" update &&
            timeout 120 apt-get "${options[@]}" source --download-only "$package" &&
            dpkg-source --no-check -x "$package"_*.dsc source
    ) || return 1
    rm -rf "$folder/lists" "$folder/cache"
}

# The GNU linker takes 14 s for a program whose templates are not optimised, and LLVM's less than
# one. Debian's cross compiler knows one linker only; but what it starts to link is collect2, which
# may be another program. Prints the arguments for that.
link_with_lld()
{
    mkdir -p "$1"
    cat >"$1/collect2" <<'END'
#!/bin/bash
arguments=()
for each in "$@"; do
    # Meson's, and for ELF only.
    [[ $each == --allow-shlib-undefined ]] || arguments+=("$each")
done
exec ld.lld "${arguments[@]}"
END
    chmod +x "$1/collect2"
    printf ", '-B%s/', '-fno-use-linker-plugin'" "$1"
}

# skip_if_missing WHAT FOLDER: what the build was made without is one skipped test.
skip_if_missing()
{
    local reason=$root/build/$2/missing counts
    [[ -f $reason ]] || return 0
    printf 'skipped: wine: %s: %s\n' "$1" "$(<"$reason")" >&3
    read -ra counts <"$logs/$part.counts"
    echo "${counts[0]} ${counts[1]} $((counts[2] + 1))" >"$logs/$part.counts"
}

needs_wine()
{
    list "${basic_needs[@]}" "${doctest_needs[@]}" "${tool_needs[@]}" "${mingw_needs[@]}"
}

build_wine()
{
    local staged=$root/build/wine-staged
    local curve=enabled http=enabled
    stage_headers "$staged"
    build_sodium "$staged"
    [[ ! -f $root/build/wine-sodium/missing ]] || curve=disabled
    stage_httplib "$staged"
    [[ ! -f $root/build/wine-httplib/missing ]] || http=disabled
    # Without -Dpoller: iocp and select are both in it, and the contract is tested on each.
    configure wine --buildtype debug -Dcpp_args=-g0 "${checked[@]}" "${unity[@]}" \
        "-Dcurve=$curve" "-Dhttp=$http" -Dexamples=enabled \
        --cross-file cross/mingw-w64.ini --cross-file "$staged/machine.ini" \
        --default-library static
    compile wine system examples
}

part_wine()
{
    compile_part
    # A Windows of its own, whose server stays for the whole run.
    export WINEPREFIX=$root/build/wine-prefix WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
    unset DISPLAY
    if [[ ! -f $WINEPREFIX/system.reg ]]; then
        say "wine: preparing its folder"
        timeout 300 wineboot --init 3>&-
        timeout 60 wineserver --wait 3>&-
    fi
    # One Windows program waits for input during the whole run. Without it Windows' own services
    # would start and end with every test, and keep the test's output open.
    local keeper
    # shellcheck disable=SC2034
    exec {keeper}> >(exec wine cmd.exe >/dev/null 2>&1 3>&-)
    trap 'wineserver --kill' EXIT
    run_suite 2 system
    skip_if_missing CURVE wine-sodium
    skip_if_missing serverlink-http wine-httplib
}
