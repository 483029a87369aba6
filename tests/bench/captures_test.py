#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""What the systems of the benchmark are fed with."""
import struct
import tempfile
import unittest

from lib import captures
from lib.captures import Shape


class CapturesTest(unittest.TestCase):
    def read(self, shape):
        with tempfile.TemporaryDirectory() as directory:
            captures.write(f"{directory}/c.pcap", shape)
            with open(f"{directory}/c.pcap", "rb") as file:
                content = file.read()
        self.assertEqual(struct.unpack_from("<IHH", content), (0xA1B2C3D4, 2, 4))
        frames, at = [], 24
        while at < len(content):
            size, original = struct.unpack_from("<8xII", content, at)
            self.assertEqual(size, original)
            frames.append(content[at + 16:at + 16 + size])
            at += 16 + size
        return frames

    def test_ipv4(self):
        frames = self.read(Shape(1000))
        self.assertEqual({len(frame) for frame in frames}, {60})
        self.assertEqual({frame[:14].hex() for frame in frames}, {"0200000000020200000000010800"})
        self.assertEqual(len({frame[23] for frame in frames}), 1)
        self.assertEqual(len({frame[26:38] for frame in frames}), 1000, "all 5-tuples differ")
        # RFC 1071: over a header with a right checksum it is 0.
        self.assertEqual({captures.checksum(frame[14:34]) for frame in frames}, {0})
        self.assertEqual({struct.unpack_from(">H", frame, 16)[0] for frame in frames}, {46})

    def test_sizes(self):
        for shape, sizes in ((Shape(3, 6), [62] * 3), (Shape(3, 4, (82,), vlan=10), [82] * 3),
                             (Shape(13, 4, captures.IMIX), [60] * 7 + [590] * 4 + [1514, 60])):
            with self.subTest(shape=shape):
                self.assertEqual([len(frame) for frame in self.read(shape)], sizes)

    def test_more_sizes_than_flows(self):
        frames = self.read(Shape(2, 4, captures.IMIX))
        self.assertEqual([len(frame) for frame in frames], list(captures.IMIX))
        self.assertEqual([frame[26:38] for frame in frames], [frames[0][26:38], frames[1][26:38]] * 6)
        self.assertNotEqual(frames[0][26:38], frames[1][26:38])

    def test_kinds(self):
        self.assertEqual(self.read(Shape(1, 6))[0][12:16].hex(), "86dd6000")
        self.assertEqual(self.read(Shape(1, 4, (82,), vlan=10))[0][12:20].hex(), "8100000a08004500")

    def test_addresses(self):
        shape = Shape(500, macs=4, shuffled=True)
        frames = self.read(shape)
        self.assertEqual(len({frame[:12] for frame in frames}), 16)
        self.assertEqual({frame[:6].hex(":") for frame in frames}, set(captures.destinations(shape)))
        self.assertFalse(set(captures.destinations(shape)) & set(captures.destinations(Shape(1, first=4))))

    def test_same_again(self):
        self.assertEqual(self.read(Shape(50)), self.read(Shape(50)))

    def test_refused(self):
        for flows in (0, (1 << 24) + 1):
            with self.assertRaisesRegex(ValueError, f"{flows} flows"):
                captures.write("/dev/null", Shape(flows))


if __name__ == "__main__":
    unittest.main()
