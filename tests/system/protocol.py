# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""The control protocol of proto/weir/control.proto, as far as tests that drive many clients need it:
protobuf by hand, so that what they send is theirs to choose, and nothing else has to be installed."""
import socket
import struct

# Fields of Request and Reply.
REQUESTS = {"switch_add": 20, "port_add": 30, "port_remove": 31, "port_connect": 34,
            "port_disconnect": 35, "port_set": 36, "extension_attach": 54, "policy_add": 70,
            "policy_remove": 71, "policy_schema": 73, "extension_call": 150, "meter_list": 90, "fdb_add": 100, "fdb_remove": 101,
            "apply_add": 160, "apply_commit": 161, "export": 163}


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes((value,))


def field(number, value):
    """One field: an int, a str or bytes (also a packed message); None is left out."""
    if value is None:
        return b""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(*values):
    """A message whose fields 1, 2, ... are the values."""
    return b"".join(field(number, value) for number, value in enumerate(values, 1))


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """(number, value) of every field, values int or bytes."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        if tag & 7 == 0:
            value, at = read_varint(data, at)
        elif tag & 7 == 2:
            size, at = read_varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            size = 8 if tag & 7 == 1 else 4
            value, at = data[at:at + size], at + size
        yield tag >> 3, value


def singular(data):
    return dict(fields(data))


class Refused(Exception):
    pass


class Gone(Exception):
    """The daemon went away before it answered."""


class Client:
    def __init__(self, path, timeout_s=30):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout_s)
        self.buffer = b""
        try:
            self.socket.connect(path)
        except OSError as error:
            raise Gone from error

    def close(self):
        self.socket.close()

    def receive(self, size):
        while len(self.buffer) < size:
            try:
                data = self.socket.recv(1 << 16)
            except OSError as error:
                raise Gone from error
            if not data:
                raise Gone
            self.buffer += data
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def send(self, request, body, number=1):
        packed = field(1, number) + field(REQUESTS[request], body)
        try:
            self.socket.sendall(struct.pack("!I", len(packed)) + packed)
        except OSError as error:
            raise Gone from error

    def answer(self):
        """The rows of all replies to one request, packed. Raises Refused."""
        rows = []
        while True:
            reply = singular(self.receive(struct.unpack("!I", self.receive(4))[0]))
            status = singular(reply.get(2, b""))
            if status.get(1, 0):
                raise Refused(status.get(2, b"").decode())
            for number, value in reply.items():
                if number > 3:
                    rows += [row for at, row in fields(value) if at == 1]
            if not reply.get(3, 0):
                return rows

    def ask(self, request, body=b""):
        self.send(request, body)
        return self.answer()

    def ask_all(self, requests, in_flight=32):
        """The same for many, (request, body) each, which get no rows: several are under way at a time."""
        waiting = 0
        for number, (request, body) in enumerate(requests, 1):
            if waiting == in_flight:
                self.answer()
                waiting -= 1
            self.send(request, body, number)
            waiting += 1
        for _ in range(waiting):
            self.answer()
