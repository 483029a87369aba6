#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""transfer.py FROM TO ADDRESS MEGABYTES: a TCP transfer between two namespaces, verified.

Random bytes are sent from one namespace to a listener in the other; the exit status says whether
the same bytes arrived. A frame whose checksum the switch should have finished and did not would be
discarded by the receiving kernel, so that the transfer does not end in time.
"""
import hashlib
import os
import socket
import sys
import threading
import time

from frames import enter

LIMIT_S = 90


def receive(listener, result):
    connection, _ = listener.accept()
    connection.settimeout(LIMIT_S)
    digest = hashlib.sha256()
    while chunk := connection.recv(1 << 20):
        digest.update(chunk)
    result.append(digest.hexdigest())


def main():
    sender, receiver, address, megabytes = sys.argv[1:]
    block = os.urandom(1 << 20)
    result = []
    enter(receiver)
    listener = socket.create_server(("0.0.0.0", 0))
    listener.settimeout(LIMIT_S)
    thread = threading.Thread(target=receive, args=(listener, result), daemon=True)
    thread.start()
    enter(sender)
    digest, start = hashlib.sha256(), time.monotonic()
    with socket.create_connection((address, listener.getsockname()[1]), LIMIT_S) as connection:
        connection.settimeout(LIMIT_S)
        for number in range(int(megabytes)):
            chunk = number.to_bytes(8, "big") + block[8:]
            digest.update(chunk)
            connection.sendall(chunk)
    thread.join(LIMIT_S)
    if result != [digest.hexdigest()]:
        sys.exit(f"transfer.py: {'other bytes' if result else 'nothing'} received")
    seconds = time.monotonic() - start
    print(f"{megabytes} MB in {seconds:.1f} s, {int(megabytes) * 8.4 / seconds:.0f} Mbit/s")


if __name__ == "__main__":
    main()
