# SPDX-License-Identifier: Apache-2.0
# Copyright The Weir Authors
"""What is said of the values of several rounds.

Whatever else a machine does only makes a round slower, so the lower quartile is nearer to what the
program costs than the median is, and steadier than the least. The interval of what is told is by bootstrap:
for so many samples drawn from the rounds with replacement, the middle 95 % of what it is of each.
"""
import dataclasses
import random
import statistics

RESAMPLES = 2000


@dataclasses.dataclass(frozen=True)
class Told:
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


def with_interval(rounds, tell):
    """What `tell` makes of the rounds, and its interval."""
    chance = random.Random(1)  # the same rounds, the same interval
    drawn = [tell(chance.choices(rounds, k=len(rounds))) for _ in range(RESAMPLES)]
    return Told(tell(rounds), quantile(drawn, 0.025), quantile(drawn, 0.975), len(rounds))


def lower_quartile(values):
    return with_interval(values, lambda drawn: quantile(drawn, 0.25))


def quotient(*columns):
    """Of the means of columns, which have a value for each round: the first by the second, and this by the third by the
    fourth. Of means, since four quartiles have twice the interval; not of the rounds' own quotients, in which what
    slows down one turn counts twice."""
    def tell(rounds):
        one, two, *limits = map(statistics.fmean, zip(*rounds))
        return one / two / (limits[0] / limits[1] if limits else 1)
    return with_interval(list(zip(*columns, strict=True)), tell)


def above(values, limits):
    """How much more than the limit of the same round."""
    if len(values) != len(limits):
        raise ValueError(f"{len(values)} rounds beside {len(limits)}")
    return [value - limit for value, limit in zip(values, limits)]
