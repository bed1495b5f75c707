#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Chooses which libzmq.so.5 programs get: serverlink-libzmq run PROGRAM..., on, off, status.
set -eu

folder=/usr/lib/@MULTIARCH@/serverlink
# The folders that these files name come before those of the system, in the order of their names.
# A link in the system's folder would not last: ldconfig makes it anew.
choice=/etc/ld.so.conf.d/00-serverlink-libzmq-@MULTIARCH@.conf

case ${1:-} in
    run)
        shift
        LD_LIBRARY_PATH=$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$@"
        ;;
    on)
        printf '# Made by serverlink-libzmq(8), which removes it, too.\n%s\n' "$folder" >"$choice"
        ldconfig
        ;;
    off)
        rm -f "$choice"
        ldconfig
        ;;
    status)
        if [ -e "$choice" ]; then
            echo "programs get $folder/libzmq.so.5"
        else
            echo "programs get the system's libzmq.so.5"
        fi
        ;;
    *)
        echo "usage: serverlink-libzmq run PROGRAM [ARGUMENT...] | on | off | status" >&2
        exit 2
        ;;
esac
