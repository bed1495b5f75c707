# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

part_tl()
{
    require "${basic_needs[@]}" "${linux_test_needs[@]}" "${tool_needs[@]}" "${tl_needs[@]}"
    CXX=$(with_ccache g++) configure tl --buildtype debug -Ddebug=false "${checked[@]}" \
        -Dexamples=enabled -Dbench=disabled -Dexpected=tl -Dcpp_std=c++20
    suite 1
}
