# SPDX-License-Identifier: MPL-2.0
"""numbers.py TYPE connect|bind ENDPOINT

Sends numbered messages of two parts: the number, and bytes that follow from it.
"""
import sys

import zmq
from numbers_of import bytes_of

name, how, endpoint = sys.argv[1:4]
peer = zmq.Context().socket(getattr(zmq, name))
peer.setsockopt(zmq.SNDHWM, 10)
getattr(peer, how)(endpoint)
number = 0
while True:
    peer.send_multipart([b"%d" % number, bytes_of(number)])
    number += 1
