#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Which part of a frame's way the profile gives an instruction to."""
import tempfile
import unittest

from lib import callgrind


class CallgrindTest(unittest.TestCase):
    # Lines of one function of which a part is inlined from another file, and a call with its inclusive cost.
    text = """version: 1
events: Ir D1mr
fl=(1) /x/core/datapath/datapath.c
fn=(1) datapath_receive
10 5 1
+2 3 0
fi=(2) /x/core/datapath/key.c
7 20
fe=(1)
* 2
cfi=(3) /x/core/nic/null.c
cfn=(2) null_transmit
calls=4 30
-1 900 9
fl=(3)
fn=(2)
30 8
"""

    def test_parse(self):
        events, costs = callgrind.parse(self.text)
        self.assertEqual(events, ["Ir", "D1mr"])
        receive, key, null = "/x/core/datapath/datapath.c", "/x/core/datapath/key.c", "/x/core/nic/null.c"
        own = {(receive, 10): [5, 1], (receive, 12): [3, 0], (key, 7): [20, 0], (receive, 7): [2, 0]}
        self.assertEqual(costs, {("datapath_receive", *place): cost for place, cost in own.items()} |
                         {("null_transmit", null, 30): [8, 0]})

    def test_frames(self):
        self.assertEqual(callgrind.n_frames("ipv4/udp: output out1\n64000 1000\n"), 64000)

    def test_phases(self):
        for path, function, wanted in (
                ("/x/core/datapath/key.c", "flow_hash", "hash"),
                ("/x/core/datapath/key.c", "key_parse", "parse and mask"),
                ("/x/core/datapath/flow_table.h", "flow_match", "look up"),
                ("/x/core/nic/null.c", "null_transmit", "send"),
                ("/x/core/nic/frame_pool.c", "frame_alloc", "receive"), ("/x/core/nic/frame_pool.c", "put", "send"),
                ("/x/core/datapath/execute.c", "datapath_run", "run"),
                ("/x/core/datapath/receive.c", "parse", "parse and mask"),
                ("/x/core/datapath/receive.c", "run_hits", "run"),
                ("/x/core/datapath/receive.c", "run_batch", "batch loop"), ("/lib/memmove.S", "", "other")):
            with self.subTest(path=path, function=function):
                self.assertEqual(callgrind.phase_of(path, function), wanted)
                self.assertIn(wanted, callgrind.ORDER)

    def test_account(self):
        """What is counted in the worker's round is its account; in the batch it is the port's."""
        counters = "/x/core/datapath/counters.h"
        for path, function, symbol, wanted in ((counters, "count", "run_round", "account"),
                                               (counters, "count", "datapath_receive", "count"),
                                               ("/x/core/datapath/worker.c", "account", "run_round", "account"),
                                               ("/x/core/datapath/worker.c", "poll_one", "run_round", "upkeep"),
                                               ("/x/core/datapath/cycles.h", "cycles", "run_round", "account")):
            with self.subTest(path=path, function=function, symbol=symbol):
                self.assertEqual(callgrind.phase_of(path, function, symbol), wanted)

    def test_functions(self):
        with tempfile.NamedTemporaryFile("w", suffix=".c") as file:
            file.write("static int\tfirst(int a)\n{\n\treturn a;\n}\n\nint other(int);\n\n"
                       "struct x *second(\n\tint a, int b)\n{\n\tcall(a);\n}\n")
            file.flush()
            self.assertEqual(callgrind.definitions(file.name), ([1, 8], ["first", "second"]))
            self.assertEqual([callgrind.function_at(file.name, n) for n in (3, 11)], ["first", "second"])


if __name__ == "__main__":
    unittest.main()
