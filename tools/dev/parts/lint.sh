# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

needs_lint() { list "${lint_needs[@]}"; }

part_lint()
{
    tests/lint/run.sh >"$logs/$part.report"
    take_report "$logs/$part.report"
}
