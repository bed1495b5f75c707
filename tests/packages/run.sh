#!/usr/bin/env bash
# SPDX-License-Identifier: MPL-2.0
# Installs the packages of a folder in a fresh system and uses them: run.sh FOLDER. As root, or as a
# user who may have namespaces. The system is made by mmdebstrap, and is gone afterwards.
set -euo pipefail

folder=$(readlink -f "$1")
here=$(dirname "$(readlink -f "$0")")
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)

packages=()
for file in "$folder"/*.deb; do
    [[ $file == *-dbgsym_* ]] || packages+=("$file")
done

# What is asked of the mirror is a small system, and what the packages and the check need.
# shellcheck disable=SC2016
mmdebstrap --variant=apt --format=null --include=g++,cmake,make,pkg-config,python3-zmq \
    --customize-hook='mkdir "$1/packages"' \
    --customize-hook="copy-in ${packages[*]} /packages" \
    --customize-hook="copy-in $here/inside.sh $here/hello.cpp $here/hello.c $here/exchange.py /packages" \
    --customize-hook='chroot "$1" sh /packages/inside.sh' \
    "$release" /dev/null
