# SPDX-License-Identifier: MPL-2.0
"""A message by pyzmq, on the library that is named: exchange.py libzmq5|serverlink."""

import sys

import zmq

with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    push.connect(f"tcp://127.0.0.1:{port}")
    push.send(b"hello")
    assert pull.poll(30000), "nothing has come"
    assert pull.recv() == b"hello"

with open("/proc/self/maps", encoding="utf-8") as maps:
    loaded = {line.split()[-1] for line in maps if "libzmq" in line}
found = "serverlink" if any("/serverlink/" in path for path in loaded) else "libzmq5"
print(f"{found}: {loaded}")
sys.exit(0 if found == sys.argv[1] else f"{sys.argv[1]} was expected")
