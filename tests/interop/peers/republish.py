# SPDX-License-Identifier: MPL-2.0
"""republish.py ENDPOINT TOPIC

Subscribes to a topic there, prints an endpoint of its own, and publishes at that what it receives,
behind the part "echo".
"""
import sys

import zmq

there, topic = sys.argv[1:3]
context = zmq.Context()
publisher = context.socket(zmq.PUB)
publisher.bind("tcp://127.0.0.1:*")
subscriber = context.socket(zmq.SUB)
subscriber.setsockopt_string(zmq.SUBSCRIBE, topic)
subscriber.connect(there)
print(publisher.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)
while True:
    publisher.send_multipart([b"echo"] + subscriber.recv_multipart())
