# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

part_asan()
{
    require "${basic_needs[@]}" "${linux_test_needs[@]}" "${tool_needs[@]}" "${interop_needs[@]}"
    # The library has no run-time type information, which the vptr check would need.
    CXX=$(with_ccache g++) configure asan -Doptimization=1 "${checked[@]}" -Dbench=disabled \
        -Dinterop=auto -Db_sanitize=address,undefined \
        "-Dcpp_args=-g1 -fno-sanitize=vptr -fno-sanitize-recover=all"
    export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
    export UBSAN_OPTIONS=print_stacktrace=1
    suite 2
}
