#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""Pairs of processes, one with the system's libzmq and one with ours, for every type of socket.

    mixed.py FOLDER_OF_OURS

Both are this script, which uses pyzmq. The last line tells how many cases passed, failed and were
skipped, as that of a test program.
"""
import os
import select
import subprocess
import sys
import tempfile
import time

PYTHON = "/usr/bin/python3"
SECONDS = 20
# The one that asks or sends, and the one that answers or receives.
PAIRS = [("PAIR", "PAIR"), ("REQ", "REP"), ("REQ", "ROUTER"), ("DEALER", "REP"),
         ("DEALER", "ROUTER"), ("DEALER", "DEALER"), ("PUSH", "PULL"), ("PUB", "SUB"),
         ("PUB", "XSUB"), ("XPUB", "SUB"), ("XPUB", "XSUB"), ("STREAM", "STREAM")]
SOURCES = ("PUSH", "PUB", "XPUB")
SIZES = (0, 1, 32, 33, 34, 255, 256, 8192, 70000, 300000)


def bodies():
    for number, size in enumerate(SIZES * 3):
        yield [b"t", str(number).encode(), bytes([number % 251]) * size]


def secure(zmq, socket, mechanism, binds):
    if mechanism == "CURVE":
        # A pair of keys that is public anyway: that of the document of Z85.
        public, secret = (b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
                          b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs")
        socket.curve_publickey, socket.curve_secretkey = public, secret
        if binds:
            socket.curve_server = 1
        else:
            socket.curve_serverkey = public


def ended():
    """Whether the parent wants no more."""
    return bool(select.select([sys.stdin], [], [], 0)[0])


def asks(zmq, socket, kind, other):
    if kind == "STREAM":
        first = socket.recv_multipart()
        for number in range(20):
            sent = bytes([number]) * (1 + 5000 * number)
            socket.send_multipart([first[0], sent])
            back = b""
            while len(back) < len(sent):
                back += socket.recv_multipart()[1]
            assert back == sent, number
        return
    envelope = [b""] if (kind, other) == ("DEALER", "REP") else []
    for body in bodies():
        socket.send_multipart(envelope + body)
        back = socket.recv_multipart()
        assert back == envelope + body, body[1]


def answers(zmq, socket, kind):
    while not ended():
        if socket.poll(20):
            parts = socket.recv_multipart()
            if kind != "STREAM" or parts[1]:
                socket.send_multipart(parts)


def sends(zmq, socket, kind):
    """Again and again: a subscriber comes late."""
    while not ended():
        for body in bodies():
            if socket.poll(20, zmq.POLLOUT):
                try:
                    socket.send_multipart(body, zmq.DONTWAIT)
                except zmq.Again:
                    break  # the peer has all that it wanted, and has gone
        time.sleep(0.005)


def receives(zmq, socket, kind):
    if kind == "SUB":
        socket.setsockopt(zmq.SUBSCRIBE, b"t")
    elif kind == "XSUB":
        socket.send(b"\x01t")
    wanted = {body[1]: body for body in bodies()}
    while wanted:
        body = socket.recv_multipart()
        expected = wanted.pop(body[1], None)
        assert expected is None or body == expected, body[1]


def child(kind, other, begins, binds, endpoint, mechanism):
    import zmq  # pylint: disable=import-outside-toplevel
    context = zmq.Context()
    socket = context.socket(getattr(zmq, kind))
    socket.linger = 0
    socket.rcvtimeo = socket.sndtimeo = SECONDS * 1000
    secure(zmq, socket, mechanism, binds == "1")
    if binds == "1":
        socket.bind(endpoint)
        print(socket.last_endpoint.decode().strip("\0"), flush=True)
    else:
        socket.connect(endpoint)
    if begins == "1":
        (sends(zmq, socket, kind) if kind in SOURCES else asks(zmq, socket, kind, other))
    elif other in SOURCES:
        receives(zmq, socket, kind)
    else:
        answers(zmq, socket, kind)
    socket.close()
    context.term()


def start(folder, kind, other, begins, binds, endpoint, mechanism):
    environment = dict(os.environ)
    environment.pop("LD_LIBRARY_PATH", None)
    if folder:
        environment["LD_LIBRARY_PATH"] = folder
    return subprocess.Popen([PYTHON, __file__, "child", kind, other, str(int(begins)),
                             str(int(binds)), endpoint, mechanism], env=environment, text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def run_pair(folders, pair, first_binds, endpoint, mechanism):
    """What went wrong, or nothing. The first one begins."""
    bound, connected = (0, 1) if first_binds else (1, 0)
    processes = [None, None]
    processes[bound] = start(folders[bound], pair[bound], pair[1 - bound], bound == 0, True,
                             endpoint, mechanism)
    at = processes[bound].stdout.readline().strip()
    processes[connected] = start(folders[connected], pair[connected], pair[1 - connected],
                                 connected == 0, False, at, mechanism)
    # The one that knows when it is over.
    checks = 1 if pair[0] in SOURCES else 0
    texts = []
    for which in (checks, 1 - checks):
        try:
            texts.append(processes[which].communicate(timeout=SECONDS)[0])
        except subprocess.TimeoutExpired:
            processes[which].kill()
            texts.append("hangs: " + processes[which].communicate()[0])
    if all(process.returncode == 0 for process in processes):
        return ""
    return f"{[process.returncode for process in processes]}\n" + "\n".join(texts)


def mechanisms(ours):
    """Those that both have. PLAIN wants a handler of ZAP in libzmq."""
    code = "import zmq; print(zmq.has('curve'))"
    both = []
    for folder in (None, ours):
        environment = dict(os.environ)
        environment.pop("LD_LIBRARY_PATH", None)
        if folder:
            environment["LD_LIBRARY_PATH"] = folder
        done = subprocess.run([PYTHON, "-c", code], env=environment, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            return []
        both.append("True" in done.stdout)
    return ["NULL"] + (["CURVE"] if all(both) else [])


def main(ours):
    ours = os.path.abspath(ours)
    passed = failed = 0
    known = mechanisms(ours)
    if not known:
        print("skipped: pyzmq is not installed")
        print("slk-tests: 0 passed, 0 failed, 1 skipped")
        return 0
    cases = [(pair, mechanism, "tcp") for pair in PAIRS for mechanism in known
             if pair[0] != "STREAM" or mechanism == "NULL"]
    cases += [(pair, "NULL", "ipc") for pair in PAIRS if pair[0] != "STREAM"]
    with tempfile.TemporaryDirectory() as scratch:
        for number, (pair, mechanism, transport) in enumerate(cases):
            endpoint = "tcp://127.0.0.1:*" if transport == "tcp" else f"ipc://{scratch}/{number}"
            for first_is_ours in (True, False):
                for first_binds in (True, False):
                    folders = (ours, None) if first_is_ours else (None, ours)
                    wrong = run_pair(folders, pair, first_binds, endpoint, mechanism)
                    if not wrong:
                        passed += 1
                        continue
                    failed += 1
                    who = ["libzmq's", "our"] if not first_is_ours else ["our", "libzmq's"]
                    print(wrong)
                    print(f"failed: {who[0]} {pair[0]} and {who[1]} {pair[1]}, {mechanism} by"
                          f" {transport}, the {'first' if first_binds else 'second'} one bound")
    print(f"slk-tests: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1] == "child":
        child(*sys.argv[2:])
    else:
        sys.exit(main(*sys.argv[1:]))
