# SPDX-License-Identifier: MPL-2.0
"""Sends messages with parts of random bytes through slk, and reads its JSON with Python's parser.

Usage: json_of_random_bytes.py SLK SEED"""

import base64
import json
import os
import random
import subprocess
import sys
import tempfile


def content(part):
    """The bytes of a part, which has exactly one of two members."""
    (kind, value), = part.items()
    if kind == "text":
        return value.encode()
    assert kind == "base64", kind
    return base64.b64decode(value, validate=True)


def is_text(part):
    try:
        part.decode()
        return True
    except UnicodeDecodeError:
        return False


def random_part(source):
    kind = source.randrange(3)
    if kind == 0:  # bytes
        return source.randbytes(source.randrange(40))
    if kind == 1:  # mostly text, of all planes
        points = (source.choice([source.randrange(0xD800), source.randrange(0xE000, 0x110000)])
                  for _ in range(source.randrange(20)))
        return "".join(map(chr, points)).encode()
    return bytes(source.choice(b'\0\n\r\t"\\/\x7f\x1b<\xc3\x28\xed\xa0\x80') for _ in range(9))


def main(slk, seed):
    source = random.Random(seed)
    parts = [random_part(source) for _ in range(300)]
    routing_id = bytes([source.randrange(1, 256)]) + source.randbytes(8)
    receiver = subprocess.Popen(
        [slk, "receive", "router", "--json", "--time", "--count", "1", "--wait", "30s", "--bind",
         "tcp://127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    where = receiver.stderr.readline().decode().removeprefix("listening on ").strip()
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, part in enumerate(parts):
            path = os.path.join(folder, str(number))
            with open(path, "wb") as file:
                file.write(part)
            files += ["--file", path]
        subprocess.run([slk, "send", "dealer", "--id", "0x" + routing_id.hex(), "--connect", where,
                        "--parts", *files], check=True, stdout=subprocess.DEVNULL)
    line, _ = receiver.communicate(timeout=60)
    assert receiver.returncode == 0
    seen = json.loads(line.decode(), parse_constant=lambda name: sys.exit(f"{name} is no JSON"))
    assert [content(part) for part in seen["parts"]] == parts
    assert ["text" in part for part in seen["parts"]] == [is_text(part) for part in parts]
    assert seen["size"] == sum(map(len, parts))
    name = seen["from"]
    assert (bytes.fromhex(name[2:]) if name.startswith("0x") else name.encode()) == routing_id
    print("all parts arrived")


main(sys.argv[1], int(sys.argv[2]))
