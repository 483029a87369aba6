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

# (phase, file, function of the source): the first that fits. Everything of a file where the function is empty.
PHASES = (
    ("receive", r"/nic/(replay|frame_pool)\.[ch]$", r"receive|copy_frame|alloc|following|let_arrive|take"),
    ("send", r"/nic/(null|frame_pool)\.[ch]$|/datapath/transmit\.[ch]$", r""),
    ("receive", r"/nic/", r""),
    ("hash", r"/datapath/", r"hash|crc|mix"),
    ("look up", r"/datapath/flow_table\.[ch]$", r""),
    ("look up", r"/datapath/", r"^flow_(candidate|match|find|prefetch)"),
    ("look up", r"/emmintrin\.h$", r""),  # a bucket's tags
    ("send", r"/datapath/|/include/weir/", r"transmit|flush|release"),
    ("parse and mask", r"/datapath/(parse|key)\w*\.[ch]$", r""),
    ("parse and mask", r"/datapath/", r"mask"),
    ("run", r"/datapath/(execute|program|visit|visit_act|rewrite|flow_use|snapshot)\w*\.[ch]$", r""),
    ("run", r"/datapath/datapath\.[ch]$", r"run|check_flow|use_flow"),
    ("parse and mask", r"/datapath/receive\.c$", r"^parse"),
    ("look up", r"/datapath/receive\.c$", r"^same_flow"),
    ("run", r"/datapath/receive\.c$", r"^run_hit"),
    ("batch loop", r"/datapath/(datapath|receive)\.[ch]$", r""),
    ("count", r"/datapath/counters\.h$", r""),
    ("upkeep", r"/datapath/(worker|rcu|cycles|scan|generation)\.[ch]$|/switch/|/forwarding/", r""),
    ("count", r"/include/weir/", r"wire"),
)
ORDER = ("receive", "parse and mask", "hash", "look up", "run", "send", "count", "batch loop", "upkeep", "other")
POSITION = re.compile(r"([+-]?\d+|\*) (.+)")
NAME = re.compile(r"\((\d+)\)(?: (.*))?")


def n_frames(text):
    """Of what tests/hotpath/hotpath prints: its last line has the frames and the rounds."""
    frames, _ = text.splitlines()[-1].split()
    return int(frames)


def parse(text):
    """(events, {(file, line): [cost of each event]}) of what was done by the lines themselves."""
    events = re.search(r"^events: (.*)", text, re.M)[1].split()
    names, costs = {}, collections.defaultdict(lambda: [0] * len(events))
    file, line, called = None, 0, False
    for row in text.splitlines():
        key, found, value = row.partition("=")
        if found and key in ("fl", "fi", "fe", "cfi", "cfl"):
            number, name = NAME.match(value).groups()
            if name:
                names[number] = name
            if key in ("fl", "fi", "fe"):
                file = names[number]
        elif key == "calls":
            called = True  # the next line is what the callee cost, which its own lines tell
        elif match := POSITION.fullmatch(row):
            position = match[1]
            line = line if position == "*" else line + int(position) if position[0] in "+-" else int(position)
            if not called:
                cost = costs[file, line]
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


def phase_of(path, function):
    for phase, files, functions in PHASES:
        if re.search(files, path) and re.search(functions, function):
            return phase
    return "other"


def by_phase(costs, n_events):
    """({phase: costs}, {(phase, function): costs})"""
    phases = collections.defaultdict(lambda: [0] * n_events)
    functions = collections.defaultdict(lambda: [0] * n_events)
    for (path, line), cost in costs.items():
        function = function_at(path, line)
        phase = phase_of(path, function)
        for sums in phases[phase], functions[phase, function or os.path.basename(path)]:
            for i, n in enumerate(cost):
                sums[i] += n
    return dict(phases), dict(functions)
