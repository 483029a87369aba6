#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""judge.py GROWS < REPORT: what of a report of `abidiff --leaf-changes-only` breaks the promise.

A struct that GROWS lists may get members behind all that it had; everything else is printed, and
makes the exit status 1. (A suppression of abidiff's own for that lets every other change of such a
struct pass, too.)
"""
import re
import sys


def grown(body, old_bits):
    """Whether these lines about a struct of old_bits tell of members at its end alone."""
    for line in body:
        inserted = re.search(r", at offset (\d+) \(in bits\)", line)
        if inserted and int(inserted[1]) >= old_bits:
            continue
        if not re.match(r"type size changed from|\d+ data member insertions?:", line):
            return False
    return True


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        names = {name for line in file if not line.startswith("#") for name in line.split()}
    lines = [line.rstrip() for line in sys.stdin]
    lines = [line for line in lines if line and " summary: " not in line]
    broken = []
    while lines:
        title = lines.pop(0)
        body = []
        while lines and lines[0].startswith("  "):
            body.append(lines.pop(0).strip())
        struct = re.match(r"'struct (\w+) at ", title)
        old = next((int(m[1]) for line in body
                    if (m := re.match(r"type size changed from (\d+)", line))), None)
        if not (struct and struct[1] in names and old is not None and grown(body, old)):
            broken += [title] + ["  " + line for line in body]
    print("\n".join(broken))
    return 1 if broken else 0


sys.exit(main())
