# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""Rules that both switches get: UDP to a prefix of 172.16.0.0/16 from one port below 1024 is denied; what is left
is metered, gets another DSCP, and is switched. How each switch is told so stands here and nowhere else."""
import dataclasses
import random

NETWORK = 172 << 24 | 16 << 16  # where frames go to, and all prefixes lie
PORTS = 1024                    # of sources that rules can name: what is not to be denied has a greater one
DSCP = 46                       # expedited forwarding


@dataclasses.dataclass(frozen=True)
class Rule:
    prefix: int    # no bits behind the length
    length: int
    port: int
    priority: int  # many have the same: it matters to none, for all deny

    def remote(self):
        return f"{'.'.join(map(str, self.prefix.to_bytes(4, 'big')))}/{self.length}"

    def matches(self, destination, port):
        return port == self.port and (destination ^ self.prefix) >> (32 - self.length) == 0

    def match(self, chance):
        """(destination, source port) of a frame that it denies"""
        return self.prefix | chance.getrandbits(32 - self.length) if self.length < 32 else self.prefix, self.port


def rules(n):
    """The same n, the same rules; of nine lengths of prefixes and 24 priorities: there is much to be told apart."""
    chance = random.Random(1)
    made = []
    for i in range(n):
        address, length = NETWORK | chance.randrange(256) << 8 | chance.randrange(256), 24 + i % 9
        prefix = address >> (32 - length) << (32 - length)
        made.append(Rule(prefix, length, chance.randrange(PORTS), 1000 + i % 24))
    return made


METER = "meter=1,pktps,stats,bands=type=drop,rate=100000000"  # it only counts: nothing is as fast


def openflow(made):
    """For ovs-ofctl add-flows, with METER."""
    lines = [f"table=0,priority={rule.priority},udp,nw_dst={rule.remote()},tp_src={rule.port},actions=drop"
             for rule in made]
    lines.append(f"table=0,priority=10,ip,actions=meter:1,mod_nw_tos:{DSCP << 2},NORMAL")
    lines.append("table=0,priority=0,actions=NORMAL")
    return "\n".join(lines) + "\n"


# Weir's: rules of the extended ACL, an entry of the port ACL that meters, and the rewrite by the test extension.
EXTENSION, FILTER = "acl", "probe-filter"
FROM_PORT = {"direction": "out"}  # the port is the sender, so that its peer is the remote one
FIELD_IP_TOS = 1 << 9             # WEIR_FIELD_IP_TOS
KEPT = 3                          # ECN


def module(build):
    return f"{build}/extensions/{EXTENSION}.so"


def policies(made):
    """Of the port where the frames come in. No two rules have the same weight."""
    listed = [{"extension": EXTENSION, "type": "rule", "id": f"rule-{i}",
               "body": FROM_PORT | {"action": "deny", "weight": len(made) - i, "protocol": "udp",
                                    "remote": rule.remote(), "local_port": str(rule.port)}}
              for i, rule in enumerate(made)]
    listed.append({"extension": EXTENSION, "type": "acl", "id": "total",
                   "body": FROM_PORT | {"action": "meter", "remote": "any"}})
    listed.append({"extension": FILTER, "type": "act", "id": "dscp",
                   "body": {"stage": "ingress", "what": "set", "value": FIELD_IP_TOS,
                            "bytes": f"{DSCP << 2:02x}{KEPT:02x}"}})
    return listed


def document(made, switch, ports):
    """For weirctl apply."""
    return {"weir": 1, "switches": [{
        "name": switch, "extensions": [{"name": EXTENSION}, {"name": FILTER}],
        "ports": [{"name": port, "policies": policies(made)} for port in ports]}]}
