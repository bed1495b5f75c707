#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# An installed serverlink, found by pkg-config: build.sh <c++ standard> [pkg-config options]
set -eu
standard=$1
shift
# The compiler's name may be two words, and the flags are many.
# shellcheck disable=SC2046,SC2086
${CXX:-c++} -std="$standard" main.cpp -o consumer $(pkg-config "$@" --cflags --libs serverlink)
