# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash
# What must be installed for each command, and how it gets there.

# Each entry is probe:package: a command, or a file, and the Debian package that brings it.
basic_needs=(g++:g++ meson:meson ninja:ninja-build pkg-config:pkg-config python3:python3
    ccache:ccache /usr/include/liburing.h:liburing-dev)
doctest_needs=(/usr/include/doctest/doctest.h:doctest-dev)
# The tests and examples that need these are left out without them.
foreign_loop_needs=(/usr/include/asio.hpp:libasio-dev /usr/include/uv.h:libuv1-dev
    /usr/include/glib-2.0/glib.h:libglib2.0-dev)
linux_test_needs=("${doctest_needs[@]}" /usr/bin/strace:strace ld.lld:lld promtool:prometheus
    tmux:tmux man:man-db mandoc:mandoc "${foreign_loop_needs[@]}")
interop_needs=(/usr/include/zmq.h:libzmq3-dev
    /usr/lib/python3/dist-packages/zmq/__init__.py:python3-zmq
    # Programs for libzmq, which run with ours too.
    /usr/lib/python3/dist-packages/pytest/__init__.py:python3-pytest
    /usr/lib/python3/dist-packages/pytest_asyncio/__init__.py:python3-pytest-asyncio
    /usr/lib/python3/dist-packages/tornado/__init__.py:python3-tornado
    "/usr/lib/$(uname -m)-linux-gnu/libczmq.so.4:libczmq4" /usr/include/zmq.hpp:cppzmq-dev)
tool_needs=(/usr/include/CLI/CLI.hpp:libcli11-dev
    /usr/include/nlohmann/json.hpp:nlohmann-json3-dev)
curve_needs=(/usr/include/sodium.h:libsodium-dev)
http_needs=(/usr/include/httplib.h:libcpp-httplib-dev)
# The tests that need these are skipped without them.
shell_needs=(zsh:zsh fish:fish)
browser_needs=(curl:curl chromium:chromium)
chart_needs=(/usr/lib/python3/dist-packages/matplotlib/__init__.py:python3-matplotlib)
tl_needs=(/usr/include/tl/expected.hpp:libexpected-dev)
clang_runtime=/usr/lib/llvm-19/lib/clang/19/lib/linux
clang_needs=(clang++-19:clang-19 /usr/lib/llvm-19/include/c++/v1/expected:libc++-19-dev
    /usr/lib/llvm-19/lib/libc++abi.so:libc++abi-19-dev
    "$clang_runtime/libclang_rt.asan-$(uname -m).a:libclang-rt-19-dev")
fuzz_needs=(clang++-19:clang-19 "$clang_runtime/libclang_rt.fuzzer-$(uname -m).a:libclang-rt-19-dev")
mingw_needs=(x86_64-w64-mingw32-g++-posix:g++-mingw-w64-x86-64-posix ld.lld:lld wine:wine
    /usr/lib/wine/wine64:wine64 dpkg-source:dpkg-dev)
cmake_needs=(cmake:cmake git:git)
format_needs=(clang-format-19:clang-format-19 git:git)
docs_needs=(python3:python3 doxygen:doxygen git:git
    /usr/lib/python3/dist-packages/markdown/__init__.py:python3-markdown
    /usr/lib/python3/dist-packages/pygments/__init__.py:python3-pygments)
package_needs=(dpkg-buildpackage:dpkg-dev dh:debhelper fakeroot:fakeroot lintian:lintian
    mmdebstrap:mmdebstrap "${tool_needs[@]}" "${curve_needs[@]}" "${http_needs[@]}")
lint_needs=("${format_needs[@]}" "${docs_needs[@]}" shellcheck:shellcheck)

on_debian() { command -v apt-get >/dev/null && command -v dpkg >/dev/null; }

is_present()
{
    case $1 in
        /*) [[ -e $1 ]] ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

# Prints the entries that are missing. Elsewhere than on Debian files live in other places, and
# Meson fetches the header-only libraries by itself: there only the commands count.
missing_of()
{
    local entry probe
    for entry in "$@"; do
        probe=${entry%%:*}
        if ! on_debian && [[ $probe == /* || $probe == ccache ]]; then
            continue
        fi
        is_present "$probe" || echo "$entry"
    done
}

# Installs what is missing. 0: all is there; 1: it could not be installed; 2: this is not a
# machine where this script may install anything. Explains itself in $obstacle.
obstacle=''
need()
{
    local missing packages as_root=()
    mapfile -t missing < <(missing_of "$@")
    ((${#missing[@]})) || return 0
    packages=("${missing[@]#*:}")
    if ! on_debian; then
        obstacle="needs ${missing[*]%%:*} (on Debian: ${packages[*]})"
        return 2
    fi
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null || ! { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
            obstacle="needs the packages ${packages[*]}, and root rights to install them"
            return 2
        fi
        as_root=(sudo)
    fi
    say "installing ${packages[*]}"
    mkdir -p "$logs"
    if ! {
        "${as_root[@]}" apt-get update &&
            "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
                apt-get install -y --no-install-recommends "${packages[@]}"
    } >"$logs/install.log" 2>&1; then
        tail -n 15 "$logs/install.log" >&3
        obstacle="could not install ${packages[*]}"
        return 1
    fi
}
