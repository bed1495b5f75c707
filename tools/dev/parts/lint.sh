# SPDX-License-Identifier: MPL-2.0
# shellcheck shell=bash

part_lint()
{
    require "${lint_needs[@]}"
    tests/lint/run.sh >"$logs/$part.report"
    take_report "$logs/$part.report"
}
