# SPDX-License-Identifier: MPL-2.0
"""sink.py bind|connect ENDPOINT

Receives the messages of numbers.py, and prints the number of each, or what is wrong with it.
"""
import sys

import zmq
from numbers_of import bytes_of

how, endpoint = sys.argv[1:3]
peer = zmq.Context().socket(zmq.PULL)
peer.setsockopt(zmq.RCVHWM, 5)
getattr(peer, how)(endpoint)
print(peer.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)
while True:
    message = peer.recv_multipart()
    whole = len(message) == 2 and message[1] == bytes_of(int(message[0]))
    print(int(message[0]) if whole else "broken", flush=True)
