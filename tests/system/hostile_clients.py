#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""hostile_clients.py SOCKET: bad clients of the control socket, each with what must become of it.

On the wire a message is its length in four bytes, most significant first, and protobuf behind it.
"""
import array
import os
import random
import resource
import select
import socket
import struct
import sys

LIMIT_S = 20
N_SILENT = 900
HELLO = b"\x08\x01\x52\x00"
CALL = b"\x08\x01\xb2\x09\x05\x0a\x01x\x28\x01"  # extension_call extension=x files=1
ADD = b"\x08\x01\x82\x0a\x09\x0a\x07\x0a\x05\x0a\x03br9"  # apply_add of switch br9


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


def pass_files(client, body, files):
    """A message with descriptors; False when the connection is closed."""
    try:
        client.sendmsg([message(body)],
                       [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))])
        return True
    except (BrokenPipeError, ConnectionResetError):
        return False


def floods(n_files, body):
    """Descriptors without end that nobody asks for: the connection ends."""
    with connect() as client, open("/dev/null", "rb") as file:
        for _ in range(10000):
            if not pass_files(client, body, [file.fileno()] * n_files):
                return True
    return False


def leaves_files(body):
    """Descriptors under way, and their client gone."""
    with connect() as client, open("/dev/null", "rb") as file:
        return pass_files(client, body, [file.fileno()] * 3)


def leaves_document(tail):
    """A document that is never applied, perhaps in the middle of a message."""
    with connect() as client:
        return send(client, message(ADD) * 1000 + tail)


def half_closed():
    """Who says nothing more still hears the answer, and then the end."""
    with connect() as client:
        send(client, message(CALL))
        client.shutdown(socket.SHUT_WR)
        return is_closed(client)


def slow():
    """A byte at a time: answered all the same."""
    with connect() as client:
        for byte in message(HELLO) * 5:
            client.sendall(bytes([byte]))
        return len(client.recv(65536)) > 0


def garbage(generator):
    return answered_or_closed(message(generator.randbytes(generator.randint(1, 3000))))


def main():
    generator = random.Random(int(os.environ.get("SEED", "20")))
    cases = {"oversized length": oversized, "never reads": never_reads,
             "empty message": lambda: answered_or_closed(message(b"")),
             "a text": lambda: send(connect(), b"GET / HTTP/1.1\r\n\r\n") is not None}
    cases |= {f"truncated to {n}": lambda n=n: truncated(n) for n in (0, 1, 3, 4, 50)}
    cases |= {f"{n} descriptors at a time": lambda n=n: floods(n, HELLO) for n in (1, 8, 9, 64, 253)}
    cases |= {"descriptors for calls": lambda: floods(2, CALL),
              "descriptors left": lambda: leaves_files(HELLO),
              "descriptors left with a call": lambda: leaves_files(CALL),
              "document left": lambda: leaves_document(b""),
              "document left within a message": lambda: leaves_document(message(ADD)[:9]),
              "half-closed": half_closed, "slow": slow}
    cases |= {f"garbage {n}": lambda: garbage(generator) for n in range(300)}
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    silent = [connect() for _ in range(N_SILENT)]
    faults = [name for name, case in cases.items() if not case()]
    for client in silent:
        client.close()
    if faults:
        sys.exit(f"hostile_clients.py: neither refused nor closed: {', '.join(faults[:10])}")


if __name__ == "__main__":
    main()
