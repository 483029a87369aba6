#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""many_ports.py add|remove COUNT [SWITCH]: null ports n1, n2, ... of a switch, br0 by default, each by a
request of its own. One client asks for all: thousands of weirctl, one after the other, take a minute."""
import os
import sys

from protocol import Client, message

verb, count = sys.argv[1], int(sys.argv[2])
switch = sys.argv[3] if len(sys.argv) > 3 else "br0"
client = Client(os.environ["WEIR_SOCKET"])
names = [f"n{number}" for number in range(1, count + 1)]
if verb == "add":
    client.ask_all(("port_add", message(switch, name, "null")) for name in names)
else:
    client.ask_all(("port_remove", message(name)) for name in names)
