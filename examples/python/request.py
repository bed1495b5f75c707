#!/usr/bin/env python3
# SPDX-License-Identifier: MPL-2.0
"""A request over DEALER and ROUTER, through the C API and ctypes: request.py [LIBRARY]"""
import ctypes
import ctypes.util
import sys

SLK_DEALER, SLK_ROUTER = 5, 6
SLK_RCVTIMEO, SLK_LAST_ENDPOINT, SLK_ROUTER_MANDATORY = 27, 32, 33
SLK_EAGAIN, SLK_EHOSTUNREACH = 3, 10
SLK_DONTWAIT, SLK_SNDMORE = 1, 2


class SlkError(Exception):
    """`code`: as slk_errno() has it."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def load(path):
    """Returns the library. Its functions with an error raise it as SlkError."""
    slk = ctypes.CDLL(path)
    slk.slk_errno.restype = ctypes.c_int
    slk.slk_strerror.restype = ctypes.c_char_p
    slk.slk_strerror.argtypes = [ctypes.c_int]

    def check(outcome, _function, _arguments):
        if outcome is None or outcome == -1:
            code = slk.slk_errno()
            raise SlkError(code, slk.slk_strerror(code).decode())
        return outcome

    # Without argtypes and restype ctypes would take each pointer for an int of 32 bits.
    pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    for name, result, arguments in [
        ("slk_ctx_new", pointer, []),
        ("slk_socket", pointer, [pointer, number]),
        ("slk_close", number, [pointer]),
        ("slk_bind", number, [pointer, ctypes.c_char_p]),
        ("slk_connect", number, [pointer, ctypes.c_char_p]),
        ("slk_setsockopt", number, [pointer, number, pointer, size]),
        ("slk_getsockopt", number, [pointer, number, pointer, ctypes.POINTER(size)]),
        ("slk_send", number, [pointer, ctypes.c_char_p, size, number]),
        ("slk_recv", number, [pointer, pointer, size, number]),
    ]:
        function = getattr(slk, name)
        function.restype, function.argtypes, function.errcheck = result, arguments, check
    slk.slk_ctx_destroy.restype, slk.slk_ctx_destroy.argtypes = None, [pointer]
    return slk


class Socket:
    """Messages are lists of bytes, one for each frame."""

    def __init__(self, slk, ctx, kind):
        self.slk = slk
        self.handle = slk.slk_socket(ctx, kind)

    def set_int(self, option, value):
        number = ctypes.c_int(value)
        self.slk.slk_setsockopt(
            self.handle, option, ctypes.byref(number), ctypes.sizeof(number)
        )

    def last_endpoint(self):
        text = ctypes.create_string_buffer(256)
        length = ctypes.c_size_t(len(text))
        self.slk.slk_getsockopt(
            self.handle, SLK_LAST_ENDPOINT, text, ctypes.byref(length)
        )
        return text.value

    def send(self, frames, flags=0):
        for frame in frames[:-1]:
            self.slk.slk_send(self.handle, frame, len(frame), flags | SLK_SNDMORE)
        self.slk.slk_send(self.handle, frames[-1], len(frames[-1]), flags)

    def receive_frame(self, flags=0):
        """Returns a frame; the part of it that exceeds 64 KiB is lost."""
        text = ctypes.create_string_buffer(65536)
        size = self.slk.slk_recv(self.handle, text, len(text), flags)
        return text.raw[: min(size, len(text))]

    def close(self):
        self.slk.slk_close(self.handle)


def exchange(slk, ctx):
    router, dealer = Socket(slk, ctx, SLK_ROUTER), Socket(slk, ctx, SLK_DEALER)
    for socket in router, dealer:
        socket.set_int(SLK_RCVTIMEO, 5000)
    router.set_int(SLK_ROUTER_MANDATORY, 1)
    slk.slk_bind(router.handle, b"tcp://127.0.0.1:*")
    slk.slk_connect(dealer.handle, router.last_endpoint())

    dealer.send([b"a request"])
    peer, request = router.receive_frame(), router.receive_frame()
    router.send([peer, b"a reply to " + request])
    print(dealer.receive_frame().decode())

    # What cannot be done is an exception with its code.
    try:
        router.send([b"nobody", b"a message"])
    except SlkError as error:
        if error.code != SLK_EHOSTUNREACH:
            raise
        print("sending to nobody:", error)
    try:
        dealer.receive_frame(SLK_DONTWAIT)
    except SlkError as error:
        if error.code != SLK_EAGAIN:
            raise
        print("receiving nothing:", error)
    for socket in router, dealer:
        socket.close()


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else ctypes.util.find_library("serverlink")
    if path is None:
        sys.exit("the library serverlink was not found")
    slk = load(path)
    ctx = slk.slk_ctx_new()
    try:
        exchange(slk, ctx)
    finally:
        slk.slk_ctx_destroy(ctx)


if __name__ == "__main__":
    main()
