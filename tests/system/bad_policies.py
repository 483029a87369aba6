#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""bad_policies.py SOCKET PORT: policies and calls that weirctl would not send, packed by hand, for the probe on a port.
Each is refused with a sentence that names what is wrong; the deepest and the longest that may be are taken."""
import sys

from protocol import Client, Refused, field, message, varint

ACT = field(1, 0) + field(2, 0)  # stage INGRESS, what NOTHING
DEPTH = 16
BYTES = 2048  # at most, of the field `bytes`


def nested(levels):
    act = b""
    for _ in range(levels):
        act = ACT + (field(16, act) if act else b"")
    return act


# name, packed message, what the sentence must have; None: it is taken.
ROWS = (
    ("as it should be", ACT, None),
    ("unknown field", ACT + field(77, 1), "77"),
    ("unknown field of bytes", ACT + field(1000, b"x" * 100), "1000"),
    ("unknown in a message within", ACT + field(16, ACT + field(99, 1)), "99"),
    ("a field twice", ACT + field(4, 1) + field(4, 2), "value"),
    ("nothing", b"", "required"),
    ("unknown value of an enumeration", field(1, 0) + field(2, 99), "what"),
    ("wrong wire type", field(1, b"x") + field(2, 0), "stage"),
    ("cut", ACT + varint(5 << 3 | 2) + varint(100) + b"x", ""),
    ("a length of 2^64 - 1", ACT + varint(5 << 3 | 2) + varint(2**64 - 1), ""),
    ("field number 0", ACT + varint(0) + varint(1), ""),
    ("a group", ACT + varint(5 << 3 | 3), ""),
    ("not UTF-8", ACT + field(6, b"\xff\xfe"), "port"),
    ("a string with NUL", ACT + field(6, b"p\0"), "port"),
    ("as deep as may be", nested(DEPTH), None),
    ("one too deep", nested(DEPTH + 1), f"{DEPTH} deep"),
    ("much too deep", nested(1000), f"{DEPTH} deep"),
    ("as long as may be", ACT + field(5, b"x" * BYTES), None),
    ("a byte too long", ACT + field(5, b"x" * (BYTES + 1)), str(BYTES)),
    ("longer than a policy may be", ACT + field(5, b"x" * 65536), "65536"),
)

TEXT = 100  # bytes at most, of the field `text` of the call

# The same of calls.
CALLS = (
    ("a call as it should be", field(1, "x" * TEXT), None),
    ("a call with an unknown field", field(77, 1), "77"),
    ("a call with a field twice", field(2, 1) + field(2, 1), "times"),
    ("a call of the wrong wire type", field(1, 1), "text"),
    ("a call that is cut", varint(1 << 3 | 2) + varint(100) + b"x", ""),
    ("a call with a byte too many", field(1, "x" * (TEXT + 1)), str(TEXT)),
    ("a call with too great a number", field(2, 1001), "1000"),
    ("a call with a port that is not there", field(7, "nowhere"), "nowhere"),
    ("a call longer than it may be", field(1, b"x" * 65536), "65536"),
)


def add(client, port, body):
    client.ask("policy_add", message(port, "probe-filter", "act", "one", body))
    client.ask("policy_remove", message(port, "probe-filter", None, "one"))


def call(client, _, body):
    client.ask("extension_call", message("probe-filter", "echo", None, body))


def main():
    path, port = sys.argv[1:]
    bad = 0
    for ask, (name, body, sentence) in [(add, row) for row in ROWS] + [(call, row) for row in CALLS]:
        client = Client(path)
        said = None
        try:
            ask(client, port, body)
        except Refused as refused:
            said = str(refused)
        client.close()
        if (said is None) != (sentence is None) or (said is not None and (len(said) < 10 or sentence not in said)):
            print(f"{name}: {said}, expected {sentence}")
            bad += 1
        elif said:
            print(f"{name}: {said}")
    sys.exit(bad > 0)


main()
