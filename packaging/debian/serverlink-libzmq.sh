#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# Chooses which libzmq.so.5 programs get: serverlink-libzmq run PROGRAM..., on, off, status.
set -eu

libraries=/usr/lib/@MULTIARCH@
ours=$libraries/serverlink/libzmq.so.5
place=$libraries/libzmq.so.5
theirs=$place.debian

# Whether the system's library is set aside.
is_on()
{
    [ "$(dpkg-divert --truename "$place")" = "$theirs" ]
}

turn_on()
{
    if ! is_on; then
        dpkg-divert --local --rename --divert "$theirs" --add "$place"
    fi
    if [ -e "$theirs" ]; then
        update-alternatives --install "$place" libzmq.so.5 "$theirs" 10
    fi
    update-alternatives --install "$place" libzmq.so.5 "$ours" 20
    update-alternatives --set libzmq.so.5 "$ours"
    ldconfig
}

turn_off()
{
    if ! is_on; then
        return
    fi
    # The diversion takes the library back to its place, where the link has to be gone.
    if update-alternatives --query libzmq.so.5 >/dev/null 2>&1; then
        update-alternatives --remove-all libzmq.so.5
    fi
    # ldconfig may have made the link anew.
    if [ -L "$place" ]; then
        rm "$place"
    fi
    dpkg-divert --local --rename --remove "$place"
    ldconfig
}

case ${1:-} in
    run)
        shift
        LD_LIBRARY_PATH=$libraries/serverlink${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$@"
        ;;
    on) turn_on ;;
    off) turn_off ;;
    status)
        if is_on; then
            echo "$place is $(readlink -f "$place")"
        else
            echo "$place is the system's"
        fi
        ;;
    *)
        echo "usage: serverlink-libzmq run PROGRAM [ARGUMENT...] | on | off | status" >&2
        exit 2
        ;;
esac
