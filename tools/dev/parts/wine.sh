# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

# The headers of the build machine that are not bound to a system, alone in a folder:
# with all of /usr/include the cross compiler would find the wrong C library.
stage_headers()
{
    local staged=$1 library
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
cpp = [$(command -v ccache >/dev/null && echo "'ccache', ")'x86_64-w64-mingw32-g++-posix']
[properties]
pkg_config_libdir = '$staged/pkgconfig'
[built-in options]
cpp_link_args = ['-static', '-Wl,--allow-multiple-definition'$(link_with_lld "$staged/bin")]
END
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

needs_wine()
{
    list "${basic_needs[@]}" "${doctest_needs[@]}" "${tool_needs[@]}" "${mingw_needs[@]}"
}

build_wine()
{
    local staged=$root/build/wine-staged
    stage_headers "$staged"
    # Without -Dpoller: iocp and select are both in it, and the contract is tested on each.
    configure wine --buildtype debug -Dcpp_args=-g0 "${checked[@]}" "${unity[@]}" \
        -Dexamples=enabled --cross-file cross/mingw-w64.ini --cross-file "$staged/machine.ini" \
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
}
