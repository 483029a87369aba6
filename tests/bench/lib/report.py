# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""What was measured as rows, as tables in Markdown, and as a diagram."""
import statistics

from lib import plot, stats

LIMIT = "testpmd"
LABELS = {"testpmd": "testpmd io", "ovs": "OVS-DPDK", "ovs-tuned": "OVS-DPDK, tuned", "weir-l2": "Weir, L2",
          "weir-5-tuple": "Weir, 5-tuple", "weir-acl": "Weir",
          "native-l2": "L2", "native-64": "L2, 64 extensions deep", "native-5-tuple": "5-tuple", "native-visit": "L2, each frame visited"}


def label(name):
    return LABELS.get(name, name)


def quartile(values):
    q = stats.lower_quartile(values)
    return {"value": round(q.value, 1), "low": round(q.low, 1), "high": round(q.high, 1), "rounds": q.n}


def row(case, result, limit, hz):
    """One system in one case, as in the JSON file."""
    cycles = result.cycles(hz)
    own = [value for value in result.own() if value is not None]
    made = {"system": result.name, "cores": result.n_cores, "cycles": quartile(cycles),
            "mpps": round(statistics.median(result.rates()) / 1e6, 2), "each_round": [round(c, 1) for c in cycles]}
    if limit is not None and result is not limit:
        made["above_limit"] = quartile(stats.above(cycles, limit.cycles(hz)))
    if own:
        made["own_cycles"] = round(stats.quantile(own, 0.25), 1)
    if result.denied:
        made |= {"denied": round(result.denied, 5), "dropped": round(result.not_sent(), 5)}
    if result.note:
        made["note"] = result.note
    return made


def rows(case, results, hz):
    limit = next((result for result in results if result.name == LIMIT), None)
    return {"group": case.group, "title": case.title, "flows": case.flows,
            "systems": [row(case, result, limit, hz) for result in results]}


def cell(q):
    return f"{q['value']:.0f} ({q['low']:.0f} to {q['high']:.0f})"


def markdown(head, lines):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head),
                      *("| " + " | ".join(line) + " |" for line in lines)]) + "\n"


def find(case, name):
    return next((system for system in case["systems"] if system["system"] == name), None)


SIDE_BY_SIDE = ("ovs", "ovs-tuned", "weir-l2", "weir-5-tuple")


def measured(cases, names):
    """Those of the names that a case has."""
    return [name for name in names if any(find(case, name) for case in cases)]


def beside_limit(case, names):
    systems = [find(case, name) for name in names]
    return [cell(find(case, LIMIT)["cycles"]),
            *("+ " + cell(system["above_limit"]) if system else "-" for system in systems)]


def forwarding(cases):
    """Cycles of the limit, and of the others above it in the same round."""
    names = measured(cases, SIDE_BY_SIDE)
    return markdown(["frames", "flows", label(LIMIT), *map(label, names)],
                    [[case["title"], f"{case['flows']:,}", *beside_limit(case, names)] for case in cases])


# Cycles above testpmd that Weir is meant to stay below: {system: {flows: cycles}}; for other numbers of flows none is.
GOALS = {"weir-l2": dict.fromkeys((1, 1000, 10**4, 10**5, 10**6), 40),
         "weir-5-tuple": {1: 50, 1000: 60, 10**4: 75, 10**5: 100, 10**6: 200},
         "weir-acl": {1: 55, 1000: 65, 10**4: 80, 10**5: 105}}
GOAL_RANDOM = 40


def summary(cases):
    """Cycles above the limit of 64-byte IPv4 frames, a column for each number of flows, with what is aimed at."""
    first = [case for case in of_group(cases, "forwarding") if case["title"] == cases[0]["title"]]
    columns = [(case, plot.amount(case["flows"])) for case in first]
    columns += [(case, "random") for case in of_group(cases, "random")]
    lines = []
    for name in measured(first, SIDE_BY_SIDE):
        found = [find(case, name) for case, _ in columns]
        lines.append([label(name), *(f"+ {system['above_limit']['value']:.0f}" if system else "-" for system in found)])
        if name in GOALS:
            goals = [GOAL_RANDOM if head == "random" else GOALS[name].get(case["flows"]) for case, head in columns]
            lines.append(["its goal", *(f"+ {goal}" if system and goal else "-" for goal, system in zip(goals, found))])
    return markdown([f"cycles above {label(LIMIT)}; flows:", *(head for _, head in columns)], lines)


def acl(cases):
    """With rules; what each system dropped beside what they deny."""
    names = measured(cases, ("ovs", "ovs-tuned", "weir-acl"))
    lines = []
    for case in cases:
        systems = {name: system for name in names if (system := find(case, name))}
        dropped = [f"{label(name)} {system['dropped']:.2%}" for name, system in systems.items() if "dropped" in system]
        lines.append([f"{case['flows']:,}", *beside_limit(case, names), f"+ {GOALS['weir-acl'][case['flows']]}",
                      f"{systems['weir-acl'].get('denied', 0):.2%}", ", ".join(dropped) or "nothing"])
    return markdown([f"{cases[0]['title']}; flows:", label(LIMIT), *map(label, names), "its goal", "denied", "dropped"],
                    lines)


def kinds(case):
    """Each kind of frame beside IPv4 of the same variant, in the same round."""
    lines = []
    for system in case["systems"]:
        variant, _, kind = system["system"].rpartition("-")
        base = find(case, f"{variant}-ipv4")
        if base:
            ratio = stats.quantile([a / b for a, b in zip(system["each_round"], base["each_round"])], 0.5)
            lines.append([label(variant), kind, cell(system["cycles"]), f"{ratio:.2f}"])
    return markdown(["82 bytes", "frames", "cycles", "beside IPv4"], lines)


def pairs(case):
    """{name: (the system on one core, on two)}"""
    found = {}
    for one in case["systems"]:
        name = one["system"].removesuffix("-1")
        two = find(case, f"{name}-2")
        if one["system"] != name and two:
            found[name] = one, two
    return found


def quotient_cell(*systems, times=1):
    q = stats.quotient(*(system["each_round"] for system in systems))
    return f"{times * q.value:.2f} ({times * q.low:.2f} to {times * q.high:.2f})"


def scaling(case):
    """Frames per second of two cores beside one, and this beside the limit's."""
    found, lines = pairs(case), []
    for name, (one, two) in found.items():
        beside = LIMIT in found and name != LIMIT
        lines.append([label(name), f"{one['mpps']:.1f}", f"{two['mpps']:.1f}", quotient_cell(one, two, times=2),
                      quotient_cell(one, two, *found[LIMIT]) if beside else "-"])
    return markdown([case["title"], "1: Mpps", "2: Mpps", "factor", "of testpmd's"], lines)


def builds(cases):
    """Another build of Weir, where there was one."""
    pairs_of = [(case, system, other) for case in cases for system in case["systems"]
                if (other := find(case, f"{system['system']}-beside"))]
    lines = [[f"{case['group']}: {case['title']}", f"{case['flows']:,}", label(one["system"]), cell(one["cycles"]),
              cell(other["cycles"]), quotient_cell(one, other)] for case, one, other in pairs_of]
    return [markdown(["two builds", "flows", "", "this one", "beside", "this one / beside"], lines)] if lines else []


def native(cases):
    names = [name for system in cases[0]["systems"] if not (name := system["system"]).endswith("-beside")]
    lines = [[case["title"], f"{case['flows']:,}",
              *(cell(system["cycles"]) if (system := find(case, name)) else "-" for name in names)] for case in cases]
    return markdown(["replay to null", "flows", *map(label, names)], lines)


def setup(result):
    shed = ", ".join(f"{reason} {n:,}" for reason, n in result["drops"].items()) or "none"
    return markdown(["flow set-up", "decided", "shed", "per second"],
                    [[f"{result['flows']:,} new flows", f"{result['decided']:,}", shed,
                      f"{result['per_second'] / 1e6:.2f} million"]])


def notes(cases):
    return [f"- {case['title']}, {case['flows']:,} flows, {label(system['system'])}: {system['note']}"
            for case in cases for system in case["systems"] if "note" in system]


def of_group(cases, group):
    return [case for case in cases if case["group"] == group]


def small_tables(result):
    cases = result["cases"]
    parts = [acl(of_group(cases, "acl"))] if of_group(cases, "acl") else []
    parts += [kinds(case) for case in of_group(cases, "kinds")]
    parts += [scaling(case) for case in of_group(cases, "workers")]
    if of_group(cases, "native"):
        parts.append(native(of_group(cases, "native")))
    parts += builds(cases)
    if result.get("setup"):
        parts.append(setup(result["setup"]))
    return parts


def tables(result):
    """All of it."""
    side_by_side = of_group(result["cases"], "forwarding") + of_group(result["cases"], "random")
    parts = [forwarding(side_by_side)] if side_by_side else []
    parts += small_tables(result)
    return "\n".join(parts + remarks(result))


def remarks(result):
    """What the numbers do not tell: frames that were lost, flows that were not cached, what was left out."""
    said = notes(result["cases"]) + [f"- {line}" for line in result["skipped"]]
    return ["\n".join(said) + "\n"] if said else []


def short(result):
    """What README shows."""
    parts = [summary(result["cases"])] if of_group(result["cases"], "forwarding") else []
    return "\n".join([f"{head(result)}:\n", *parts, *small_tables(result), *remarks(result)])


def put_between(text, begin, end, what):
    """`text` with `what` between two lines that it has once each."""
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"there must be one line {begin} and behind it one line {end}")
    head, _, rest = text.partition(begin)
    return f"{head}{begin}\n{what}{end}{rest.partition(end)[2]}"


def machine_line(machine):
    versions = ", ".join(f"{name} {machine[name]}" for name in ("dpdk", "openvswitch-switch-dpdk") if name in machine)
    return (f"{machine['cpu']}, {machine['cores']} cores, TSC {machine['tsc_mhz']} MHz, Linux {machine['kernel']}, "
            f"Weir {machine['weir']}" + (f", {versions}" if versions else "") + f", {machine['date']}")


def head(result):
    """Where, when and how it was measured."""
    return machine_line(result["machine"]) + (", --quick" if result["quick"] else "")


def diagram(result):
    """The first kind of frames, against the number of flows. None when nothing was measured side by side."""
    cases = of_group(result["cases"], "forwarding")
    cases = [case for case in cases if case["title"] == cases[0]["title"]]
    if not cases:
        return None
    series = {}
    for case in cases:
        for system in case["systems"]:
            q = system["cycles"]
            if not system["system"].endswith("-beside"):
                series.setdefault(label(system["system"]), {})[case["flows"]] = q["value"], q["low"], q["high"]
    machine = result["machine"]
    return plot.draw("Cycles per frame on one core", f"{cases[0]['title']} on the wire, net_pcap to net_null; "
                     "lower quartile and its 95 % interval" + (", --quick" if result["quick"] else ""),
                     [f"{machine['cpu']}, TSC {machine['tsc_mhz']} MHz, Linux {machine['kernel']}, {machine['date']}",
                      ", ".join(f"{name} {machine[key]}" for name, key in (
                          ("Weir", "weir"), ("DPDK", "dpdk"), ("OVS", "openvswitch-switch-dpdk")) if key in machine)],
                     series)
