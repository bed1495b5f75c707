# SPDX-License-Identifier: MPL-2.0
"""Sends a file to a port of 127.0.0.1 while it prints what arrives; each side ends by itself.

Usage: peer_of_pipe.py PORT FILE"""

import shutil
import socket
import sys
import threading


def main(port, path):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        def send():
            with open(path, "rb") as file:
                peer.sendfile(file)
            peer.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        shutil.copyfileobj(peer.makefile("rb"), sys.stdout.buffer)
        sender.join()


main(int(sys.argv[1]), sys.argv[2])
