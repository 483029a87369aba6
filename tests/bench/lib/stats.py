# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""What is said of the values of several rounds.

Whatever else a machine does only makes a round slower, so the lower quartile is nearer to what the
program costs than the median is, and steadier than the least. Its interval is by bootstrap: of so
many samples drawn from the rounds with replacement, the middle 95 % of their lower quartiles.
"""
import dataclasses
import random

RESAMPLES = 2000


@dataclasses.dataclass(frozen=True)
class Quartile:
    value: float
    low: float
    high: float
    n: int


def quantile(values, share):
    """Linear between the neighbours."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def lower_quartile(values):
    chance = random.Random(1)  # the same values, the same interval
    drawn = [quantile(chance.choices(values, k=len(values)), 0.25) for _ in range(RESAMPLES)]
    return Quartile(quantile(values, 0.25), quantile(drawn, 0.025), quantile(drawn, 0.975), len(values))


def above(values, limits):
    """How much more than the limit of the same round."""
    if len(values) != len(limits):
        raise ValueError(f"{len(values)} rounds beside {len(limits)}")
    return [value - limit for value, limit in zip(values, limits)]
