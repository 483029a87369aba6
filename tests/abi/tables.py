#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""tables.py HEADER: the inline functions of extension.h that use a slot of a host's table which an
older host of the same major version lacks ask for it first, by WEIR_OFFERS().

Slots are those behind a comment "Minor version N." in a struct. Functions that take a ring need not
ask: whoever has one has been offered it with all of version 1.
"""
import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()
newer = {}
for name, body in re.findall(r"^struct (weir_\w*ops|weir_host) \{\n(.*?)^\};", text, re.M | re.S):
    for minor, slots in re.findall(r"// Minor version (\d+)\.\n(.*?)(?=\t// Minor version|\Z)", body, re.S):
        for slot in re.findall(r"\(\*(\w+)\)\(|^\t\w+ (\w+);", slots, re.M):
            newer[slot[0] or slot[1]] = int(minor)

bad = 0
used = set()
for name, parameters, body in re.findall(
        r"static inline [^(;]*?(\w+)\(([^{;]*?)\)\n\{(.*?)^\}", text, re.M | re.S):
    for slot in set(re.findall(r"(?:ops|host)->(\w+)", body)) & set(newer):
        used.add(slot)
        if newer[slot] == 1 and "struct weir_ring *ring" in parameters:
            continue
        if not re.search(r"WEIR_OFFERS\([a-z]->(?:ops|host), %s\)" % slot, body):
            print("%s() uses %s of minor version %d and does not ask for it" % (name, slot, newer[slot]))
            bad = 1
if len(used) < 15:
    print("only %d functions use newer slots?" % len(used))
    bad = 1
for slot in sorted(set(newer) - used):
    print("no function uses %s" % slot)
    bad = 1
sys.exit(bad)
