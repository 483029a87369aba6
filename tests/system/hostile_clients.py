#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""hostile_clients.py SOCKET: bad clients of the control socket, each with what must become of it.

On the wire a message is its length in four bytes, most significant first, and protobuf behind it.
"""
import os
import random
import select
import socket
import struct
import sys

LIMIT_S = 20


def connect():
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(LIMIT_S)
    client.connect(sys.argv[1])
    return client


def send(client, data):
    """All of it, or as much as the daemon takes before it closes."""
    try:
        client.sendall(data)
        return True
    except (BrokenPipeError, ConnectionResetError):
        return False


def message(body):
    return struct.pack("!I", len(body)) + body


def is_closed(client):
    """Reads what is left, a refusal perhaps, up to the end."""
    try:
        while client.recv(65536):
            pass
        return True
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def answered_or_closed(data):
    """A whole message: refused in an answer, or the connection ends; never silence."""
    with connect() as client:
        if not send(client, data):
            return True
        try:
            return client.recv(65536) is not None
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def oversized():
    """A length beyond all bounds is not waited for, let alone allocated."""
    with connect() as client:
        return not send(client, struct.pack("!I", 0xFFFFFFFF) + b"x" * 100) or is_closed(client)


def truncated(size):
    """The daemon waits for the rest; we go away instead."""
    with connect() as client:
        return send(client, struct.pack("!I", 100)[:size] + b"x" * max(0, size - 4))


def never_reads():
    """Requests without end whose answers nobody takes: at some point nothing more is accepted."""
    request = message(b"\x08\x01\x12\x00")
    with connect() as client:
        client.setblocking(False)
        sent = 0
        while sent < 64 << 20:
            if not select.select([], [client], [], 2)[1]:
                return True  # the daemon stopped reading
            try:
                sent += client.send(request * 1000)
            except (BrokenPipeError, ConnectionResetError):
                return True  # or closed
            except BlockingIOError:
                continue
    return False


def garbage(generator):
    return answered_or_closed(message(generator.randbytes(generator.randint(1, 3000))))


def main():
    generator = random.Random(int(os.environ.get("SEED", "20")))
    cases = {"oversized length": oversized, "never reads": never_reads,
             "empty message": lambda: answered_or_closed(message(b"")),
             "a text": lambda: send(connect(), b"GET / HTTP/1.1\r\n\r\n") is not None}
    cases |= {f"truncated to {n}": lambda n=n: truncated(n) for n in (0, 1, 3, 4, 50)}
    cases |= {f"garbage {n}": lambda: garbage(generator) for n in range(300)}
    silent = [connect() for _ in range(20)]
    faults = [name for name, case in cases.items() if not case()]
    for client in silent:
        client.close()
    if faults:
        sys.exit(f"hostile_clients.py: neither refused nor closed: {', '.join(faults[:10])}")


if __name__ == "__main__":
    main()
