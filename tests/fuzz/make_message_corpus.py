#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Writes messages for the fuzz targets that read them: make_message_corpus.py DIRECTORY

DIRECTORY/schema and DIRECTORY/control: what the switch checks, alone and as policies in requests;
DIRECTORY/ctl: what weirctl encodes and decodes; DIRECTORY/restore: policies and saved state that come
back. The order of bytes is that of the targets' first lines. They are made when they are replayed, and
not kept: those at the limits are large. Limits are those of core/switch/schema.h, numbers of fields
those of tests/core/switch/schema_test.proto and tests/ctl/sample.proto.
"""
import os
import struct
import sys

MAX_MESSAGE, MAX_LENGTH, MAX_ITEMS, MAX_DEPTH, MAX_NUMBER = 256 << 10, 65536, 65536, 16, 536870911


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def tag(number, wire):
    return varint(number << 3 | wire)


def number(field, value):
    return tag(field, 0) + varint(value)


def block(field, content):
    return tag(field, 2) + varint(len(content)) + content


def nested(field, depth, inmost, around=b""):
    """The message of so many levels below the outmost."""
    for _ in range(depth):
        inmost = around + block(field, inmost)
    return inmost


def values(field):
    """One of each wire type under this number."""
    return {
        "varint": number(field, 1), "fixed64": tag(field, 1) + bytes(8), "bytes": block(field, b"ab"),
        "group": tag(field, 3) + number(1, 1) + tag(field, 4), "end": tag(field, 4),
        "fixed32": tag(field, 5) + bytes(4), "wire6": tag(field, 6), "wire7": tag(field, 7),
    }


def messages(required, inner, text, singular, items):
    """Of a type with these fields: `required`, all that it needs; `inner`, a message that has itself
    under inner[1] and needs inner[2]; `text`, a string; `singular`, numbers; `items`, packed reals."""
    outer, itself, needs = inner
    yield "good", required
    for depth in (1, 2, MAX_DEPTH - 2, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 100, 10000):
        yield "deep-%d" % depth, required + block(outer, nested(itself, depth - 1, needs, needs))
    yield "deep-unknown", required + nested(99, 10000, b"")
    yield "deep-groups", required + tag(99, 3) * 1000 + tag(99, 4) * 1000
    yield "deep-open", required + tag(99, 3) * 1000
    yield "deep-cut-off", (required + block(outer, nested(itself, 20, needs, needs)))[:-1]
    for length in (MAX_LENGTH - 1, MAX_LENGTH, MAX_LENGTH + 1):
        yield "text-%d" % length, required + block(text, b"a" * length)
    for size in (MAX_MESSAGE, MAX_MESSAGE + 1):
        room = size - len(required)
        # Unknown or not, it counts: as many fields of one number as fill the message.
        yield "size-%d" % size, required + number(singular[0], 1) * (room // len(number(singular[0], 1)))
    for claimed in (1, 127, 1 << 16, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, (1 << 64) - 1):
        yield "length-%x" % claimed, required + tag(text, 2) + varint(claimed) + b"a"
    if items:
        for n in (MAX_ITEMS - 1, MAX_ITEMS, MAX_ITEMS + 1):
            yield "items-%d" % n, required + block(items, bytes(n))
        yield "items-apart", required + number(items, 1) * MAX_ITEMS
    for field in (99, 19000, MAX_NUMBER, MAX_NUMBER + 1, 0):
        for name, value in values(field).items():
            yield "unknown-%d-%s" % (field, name), required + value
            yield "unknown-in-%d-%s" % (field, name), required + block(outer, needs + value)
    for field in (text, outer) + singular:
        for name, value in values(field).items():
            yield "type-%d-%s" % (field, name), required + value
    for field in singular:
        yield "twice-%d" % field, required + number(field, 1) * 2
        for bits in (31, 32, 63):
            for value in ((1 << bits) - 1, 1 << bits, (1 << bits) + 1):
                yield "value-%d-%x" % (field, value), required + number(field, value)
        yield "varint-%d" % field, required + tag(field, 0) + b"\xff" * 10 + b"\x01"
        yield "varint-zeros-%d" % field, required + tag(field, 0) + b"\x80" * 9 + b"\x00"
    for name, content in (("nul", b"a\0b"), ("cut", b"\xe2\x82"), ("long", b"\xc0\xaf"), ("big", b"\xf4\x90\x80\x80")):
        yield "text-" + name, required + block(text, content)
    whole = required + block(outer, needs + block(itself, needs)) + block(text, b"text") + number(singular[0], 1)
    for end in range(len(whole)):
        yield "cut-%02d" % end, whole[:end]
    for at in range(len(whole)):
        yield "flip-%02d" % at, whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1:]


def everything():
    return messages(number(1, 1000000), (18, 2, number(1, 1)), 31, (12, 5, 4, 6, 16, 13), 32)


def rule():
    # Rule.remote; Rule.match with Match.except, which needs nothing; sizes of what is repeated.
    return messages(block(1, b"10.0.0.0/8"), (3, 4, b""), 1, (2,), None)


def assignments():
    """What weirctl packs into a Rule, a line each."""
    yield "good", "remote=10.0.0.0/8\nmatch.protocol=6"
    for depth in (1, 14, 15, 16, 17, 1000):
        yield "deep-%d" % depth, "remote=10.0.0.0/8\nmatch" + ".except" * depth + ".protocol=6"
    for key in ("nothing", "match.nothing", "match.", ".", "=", "", "match..protocol", "remote.x", "m" * 70000):
        yield "key-%.16s" % (key or "none"), "remote=10.0.0.0/8\n%s=1" % key
    for value in ("", "a" * 70000, "10.0.0.0/33", "\x01", "::/0", "10.0.0.0/8," * 9):
        yield "remote-%d" % len(value), "remote=" + value
    for n in (3, 4, 256, 70000):
        yield "ports-%d" % n, "remote=::/0\nmatch.ports=" + ",".join(["80"] * n)
        yield "words-%d" % n, "remote=::/0\n" + "match.ports=80\n" * n
    yield "both", "remote=::/0\nallow=\ndeny="


def request(policy):
    return number(2, 18) + block(70, block(1, b"p0") + block(2, b"acl") + block(3, b"rule") + block(4, b"7") +
                                 block(5, policy))


def restored(policy):
    """Lines of fuzz_restore.c: the message as a policy, and as what two extensions have saved."""
    lines = ["1|br0|1", "2|br0|keeper|10|0|", "2|br0|probe-filter|20|0|", "3|p0|br0|memory|||1500|0|0|0|1",
             "4|p0|probe-filter|a|act|" + policy.hex()]
    for version in (0, 1, 3, 0xffffffff):
        lines += ["7|p0|probe-filter|%d|%s" % (version, policy.hex()), "7|switch:br0|keeper|%d|%s" % (version, policy.hex())]
    return "\n".join(lines).encode()


def main():
    targets = {
        "schema": [("", b"\0", everything(), bytes)],
        "ctl": [("rule-", b"R", rule(), bytes), ("everything-", b"E", everything(), bytes),
                ("text-", b"r", assignments(), str.encode)],
        "control": [("", b"\x80", everything(), request),
                    ("stream-", b"\x7f", everything(),
                     lambda policy: struct.pack(">I", len(request(policy))) + request(policy))],
        "restore": [("", b"", everything(), restored)],
    }
    for target, kinds in targets.items():
        directory = os.path.join(sys.argv[1], target)
        os.makedirs(directory, exist_ok=True)
        for old in os.listdir(directory):
            os.unlink(os.path.join(directory, old))
        for prefix, head, inputs, wrap in kinds:
            for name, content in inputs:
                with open(os.path.join(directory, prefix + name), "xb") as file:
                    file.write(head + wrap(content))


main()
