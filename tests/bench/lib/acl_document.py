# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""acl_document.py rules|stateful|prefixes|meters N: the document with the policies that bench_acl_rules.c makes, as `weirctl
export` would write it."""
import json
import sys


def mixed(i):
    i = (i ^ 0x5BD1E995) * 0x9E3779B1 & 0xFFFFFFFF
    return (i ^ i >> 15) * 0x85EBCA6B & 0xFFFFFFFF


def policy(kind, i, n):
    r = mixed(i)
    rules = kind in ("rules", "stateful")
    length = 24 if rules and r % 5 == 0 else 32
    body = {"direction": "out", "action": "deny" if r & 1 else "allow"}
    if kind == "meters":
        body["action"] = "meter"
    if rules:
        body.update(weight=i, protocol="tcp" if r & 2 else "udp")
        if r & 4:
            body["remote_port"] = str(r >> 16)
        if kind == "stateful" and i == n // 5:
            body.update(action="allow", stateful=True)
    body["remote"] = f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}/{length}"
    return {"extension": "acl", "type": "rule" if rules else "acl", "id": f"r{i}", "body": body}


def main():
    kind, n = sys.argv[1], int(sys.argv[2])
    port = {"name": "vm1", "nic": "null", "policies": [policy(kind, i, n) for i in range(n)]}
    switch = {"name": "br0", "extensions": [{"name": "acl"}], "ports": [port]}
    json.dump({"weir": 1, "switches": [switch]}, sys.stdout, indent=2)
    print()


main()
