# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

# This part is also the one for C++20 and tl::expected. Tests without threads and without the system
# run in other parts, and so do those of the command, whose threads are the library's.
needs_tsan()
{
    list "${basic_needs[@]}" "${curve_needs[@]}" "${linux_test_needs[@]}" \
        "${tool_needs[@]}" "${tl_needs[@]}" "${http_needs[@]}"
}

build_tsan()
{
    CC=$(with_ccache gcc) CXX=$(with_ccache g++) with_lld configure tsan -Doptimization=1 "${checked[@]}" "${unity[@]}" \
        -Dtools=disabled -Dexamples=enabled -Dbench=disabled -Dhttp=enabled -Dexpected=tl -Dcpp_std=c++20 \
        -Db_sanitize=thread -Dcpp_args=-g1
    compile tsan system examples
}

part_tsan()
{
    export TSAN_OPTIONS=halt_on_error=1:suppressions=$root/tests/support/thread_sanitizer.txt
    # Older sanitizers do not find their way in a widely randomised address space.
    if setarch -R true 2>/dev/null; then
        meson() { command setarch -R meson "$@"; }
    fi
    suite 3 system
}
