# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Reads callgrind's files and tells which part of a frame's way each instruction belongs to.

The hot path is inlined into few functions, so that names of functions tell nothing; the source line of
each instruction is in the debug information, and the function that the line stands in is in the source.
"""
import bisect
import collections
import functools
import os
import re

# A phase, the files that it is in, and which of their functions: the first line that fits. Behind @ stands a symbol
# that the lines are inlined into: what is counted in the worker's round is what `weirctl worker list` tells.
PHASES = [re.split(r"\s{2,}", line) for line in r"""
account         /datapath/cycles\.h$                    .
account         /datapath/worker\.c$                    ^account$
account         /datapath/counters\.h@run_round$        .
receive         /nic/(replay|frame_pool)\.[ch]$         receive|copy_frame|alloc|following|let_arrive|take
send            /nic/(null|frame_pool)\.[ch]$|/datapath/transmit\.[ch]$  .
receive         /nic/                                   .
hash            /datapath/                              hash|crc|mix
look up         /datapath/flow_table\.[ch]$             .
look up         /datapath/                              ^flow_(candidate|match|find|prefetch)
look up         /emmintrin\.h$                          .
send            /datapath/|/include/weir/               transmit|flush|release
parse and mask  /datapath/(parse|key)\w*\.[ch]$         .
parse and mask  /datapath/                              mask
run             /datapath/(execute|program|visit|visit_act|rewrite|flow_use|snapshot)\w*\.[ch]$  .
run             /datapath/datapath\.[ch]$               run|check_flow|use_flow
parse and mask  /datapath/receive\.c$                   ^parse
look up         /datapath/receive\.c$                   ^same_flow
run             /datapath/receive\.c$                   ^run_hit
batch loop      /datapath/(datapath|receive)\.[ch]$     .
count           /datapath/counters\.h$                  .
upkeep          /datapath/(worker|rcu|scan|generation)\.[ch]$|/switch/|/forwarding/  .
count           /include/weir/                          wire
""".strip().splitlines()]
ORDER = ("receive", "parse and mask", "hash", "look up", "run", "send", "count", "batch loop", "account", "upkeep",
         "other")
POSITION = re.compile(r"([+-]?\d+|\*) (.+)")
NAME = re.compile(r"\((\d+)\)(?: (.*))?")


def n_frames(text):
    """Of what tests/hotpath/hotpath prints: its last line has the frames and the rounds."""
    frames, _ = text.splitlines()[-1].split()
    return int(frames)


def parse(text):
    """(events, {(symbol, file, line): [cost of each event]}) of what was done by the lines themselves."""
    events = re.search(r"^events: (.*)", text, re.M)[1].split()
    names, costs = {}, collections.defaultdict(lambda: [0] * len(events))
    symbol, file, line, called = None, None, 0, False
    for row in text.splitlines():
        key, found, value = row.partition("=")
        if found and key in ("fl", "fi", "fe", "cfi", "cfl", "fn", "cfn"):
            number, name = NAME.match(value).groups()
            of = "fn" if key in ("fn", "cfn") else "fl"  # files and functions have numbers of their own
            if name:
                names[of, number] = name
            if key == "fn":
                symbol = names[of, number]
            elif key in ("fl", "fi", "fe"):
                file = names[of, number]
        elif key == "calls":
            called = True  # the next line is what the callee cost, which its own lines tell
        elif match := POSITION.fullmatch(row):
            position = match[1]
            line = line if position == "*" else line + int(position) if position[0] in "+-" else int(position)
            if not called:
                cost = costs[symbol, file, line]
                for i, n in enumerate(match[2].split()):
                    cost[i] += int(n)
            called = False
    return events, dict(costs)


@functools.cache
def definitions(path):
    """([lines], [names]) of the functions that a C file of this tree defines, by its style."""
    lines, names = [], []
    if not os.path.exists(path):
        return lines, names
    head = None
    with open(path, errors="replace") as file:
        for number, text in enumerate(file, 1):
            if match := re.match(r"[a-zA-Z_][\w\s*]*?\**(\w+)\((?!\()", text):
                head = number, match[1]
            elif text.startswith("{") and head:
                lines.append(head[0])
                names.append(head[1])
                head = None
            elif text.startswith("}"):
                head = None
    return lines, names


def function_at(path, line):
    lines, names = definitions(path)
    i = bisect.bisect_right(lines, line) - 1
    return names[i] if i >= 0 else ""


def phase_of(path, function, symbol=""):
    for phase, files, functions in PHASES:
        files, _, into = files.partition("@")
        if re.search(files, path) and re.search(functions, function or "-") and re.search(into, symbol):
            return phase
    return "other"


def by_phase(costs, n_events):
    """({phase: costs}, {(phase, function): costs})"""
    phases = collections.defaultdict(lambda: [0] * n_events)
    functions = collections.defaultdict(lambda: [0] * n_events)
    for (symbol, path, line), cost in costs.items():
        function = function_at(path, line)
        phase = phase_of(path, function, symbol)
        for sums in phases[phase], functions[phase, function or os.path.basename(path)]:
            for i, n in enumerate(cost):
                sums[i] += n
    return dict(phases), dict(functions)
