# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

part_native()
{
    require "${basic_needs[@]}" "${linux_test_needs[@]}" "${tool_needs[@]}" "${interop_needs[@]}"
    CXX=$(with_ccache g++) with_lld configure native --buildtype debug "${checked[@]}" \
        "${unity[@]}" -Dcpp_args=-g1 -Dinterop=auto -Dexamples=enabled -Dbench=enabled -Dexpected=std
    suite 1
}
