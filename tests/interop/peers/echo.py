# SPDX-License-Identifier: MPL-2.0
"""echo.py TYPE bind|connect ENDPOINT [OPTION=NUMBER...]

A socket of pyzmq that sends back what it receives, if its type can. Prints its endpoint first.
"""
import sys
import time

import zmq

name, how, endpoint = sys.argv[1:4]
peer = zmq.Context().socket(getattr(zmq, name))
for option in sys.argv[4:]:
    key, _, value = option.partition("=")
    peer.setsockopt(getattr(zmq, key), int(value))
getattr(peer, how)(endpoint)
print(peer.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)

while name == "PUSH":
    time.sleep(3600)
while True:
    message = peer.recv_multipart()
    if name != "PULL":
        peer.send_multipart(message)
