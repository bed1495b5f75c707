# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

part_clang()
{
    require "${basic_needs[@]}" "${linux_test_needs[@]}" "${tool_needs[@]}" "${clang_needs[@]}"
    local compiler=clang++-19
    is_present "$compiler" || compiler=clang++
    CXX=$(with_ccache "$compiler") configure clang --buildtype debug -Ddebug=false "${checked[@]}" \
        -Dexamples=enabled -Dbench=disabled -Dexpected=std \
        '-Dcpp_args=-stdlib=libc++ -fexperimental-library' \
        '-Dcpp_link_args=-stdlib=libc++ -fexperimental-library'
    suite 1
}
