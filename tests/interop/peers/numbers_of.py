# SPDX-License-Identifier: MPL-2.0
"""The bytes that follow from the number of a message."""


def bytes_of(number):
    word = b"%d." % number
    size = number * 7919 % 50_000
    return (word * (size // len(word) + 1))[:size]
