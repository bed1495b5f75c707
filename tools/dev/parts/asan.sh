# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

# The sanitizers find the same with every compiler: this part is also the one for clang and libc++.
needs_asan()
{
    list "${basic_needs[@]}" "${curve_needs[@]}" "${linux_test_needs[@]}" \
        "${tool_needs[@]}" "${interop_needs[@]}" \
        "${clang_needs[@]}"
}

build_asan()
{
    # The define chooses libc++'s other std::function, which is compiled several times as fast.
    local compiler=clang++-19 library='-stdlib=libc++ -fexperimental-library'
    local faster=-D_LIBCPP_ABI_OPTIMIZED_FUNCTION
    is_present "$compiler" || compiler=clang++
    local c_compiler=${compiler/++/}
    # The library has no run-time type information, which the vptr check would need; and in shared
    # libraries clang leaves the sanitizer's names to the program.
    CC=$(with_ccache "$c_compiler") CXX=$(with_ccache "$compiler") with_lld configure asan -Doptimization=0 "${checked[@]}" \
        "${unity[@]}" -Dinterop=auto -Dexamples=enabled -Dbench=disabled -Dexpected=std \
        -Db_sanitize=address,undefined -Db_lundef=false "-Dcpp_link_args=$library" \
        "-Dcpp_args=$library $faster -g1 -fno-sanitize=vptr -fno-sanitize-recover=all"
    compile asan
}

part_asan()
{
    # Its reports name functions and lines with what comes with gcc, too; clang's own program for it
    # is in a package of its own.
    ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
    ASAN_OPTIONS+=:external_symbolizer_path=$(command -v addr2line)
    export ASAN_OPTIONS
    export UBSAN_OPTIONS=print_stacktrace=1
    suite 2
}
