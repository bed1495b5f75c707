# SPDX-License-Identifier: MPL-2.0
"""ask_and_reply.py ENDPOINT CORRELATE

Prints an endpoint of its own, where it replies to requests: it passes each of them to the endpoint
that it is given, and returns the reply from there behind the part "replied".
"""
import sys

import zmq

there, correlate = sys.argv[1:3]
context = zmq.Context()
replies = context.socket(zmq.REP)
replies.bind("tcp://127.0.0.1:*")
asks = context.socket(zmq.REQ)
asks.setsockopt(zmq.REQ_CORRELATE, int(correlate))
asks.connect(there)
print(replies.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)
while True:
    asks.send_multipart(replies.recv_multipart())
    replies.send_multipart([b"replied"] + asks.recv_multipart())
