# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

needs_native()
{
    list "${basic_needs[@]}" "${curve_needs[@]}" "${linux_test_needs[@]}" \
        "${tool_needs[@]}" "${interop_needs[@]}" \
        "${http_needs[@]}"
}

build_native()
{
    CC=$(with_ccache gcc) CXX=$(with_ccache g++) with_lld configure native --buildtype debug "${checked[@]}" \
        "${unity[@]}" -Dcpp_args=-g1 -Dinterop=auto -Dexamples=enabled -Dbench=enabled -Dhttp=enabled \
        -Dexpected=std
    compile native
}

part_native()
{
    need "${browser_needs[@]}" || say "native: the page is not looked at: $obstacle"
    need "${shell_needs[@]}" || say "native: the completion of zsh and fish is not looked at: $obstacle"
    suite 1
}
