"""Ratios of contenders, and the bars they are held against."""

import statistics
from typing import NamedTuple

from .cpu import busy_share

QUANTITIES = {"pps": "rate", "cpu_ns": "CPU time a packet", "loss": "loss",
              "run_ns": "time of a run"}

# Two CPUs answer each other sooner than that if they are behind one cache, and later if they are not:
# it is 57 ns or 330 on the machine that docs/performance.md is about.
NEAR_NS = 150
IDLE_SHARE = 0.05


class Target(NamedTuple):
    """subject / measure of a quantity, in runs that are as near each other in time as can be, and
    with CPUs that were as near each other, if it took both. The median is held against the bar; where
    CPUs were near in some pairs of runs and far apart in others, that of the former."""
    subject: str  # names of contenders
    measure: str
    quantity: str = "pps"
    at_least: float | None = None
    at_most: float | None = None  # neither: for information


class NoMoreThan(NamedTuple):
    """subject's median of a quantity is within what measure had over its rounds, so no ratio."""
    subject: str
    measure: str
    quantity: str = "loss"


def spread(values):
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def place(run):
    """Whether the CPUs were "near" or "far" throughout the run; None if that changed, or if nobody
    knows."""
    distances = run.get("distances", [None])
    if None in distances:
        return None
    near = {distance < NEAR_NS for distance in distances}
    return None if len(near) != 1 else "near" if near.pop() else "far"


def on_one_cpu(run):
    """Whether the worker's CPU had nothing to do: then it is all the same how near it was."""
    return busy_share({"worker": run["cpu"]["worker"]}) < IDLE_SHARE if "cpu" in run else False


def alike(subjects, measures, where):
    """Pairs of runs with CPUs that were "near" or "far", if both were used: each subject with the
    measure of the nearest round. No pairs if neither needed the second CPU."""
    pairs = []
    for number, subject in enumerate(subjects):
        fitting = [other for other, measure in enumerate(measures)
                   if {place(run) for run in (subject, measure) if not on_one_cpu(run)} == {where}]
        if fitting:
            nearest = min(fitting, key=lambda other: abs(other - number))
            pairs.append((subject, measures[nearest]))
    return pairs


def ratios(target, pairs):
    return spread(subject[target.quantity] / measure[target.quantity]
                  for subject, measure in pairs) if pairs else None


def compare(target, rounds):
    """rounds: {contender: [a Run's fields as a dict]} in the order of rounds. Returns a comparison's
    JSON, or None if one of the two did not run."""
    if target.subject not in rounds or target.measure not in rounds:
        return None
    subjects, measures = rounds[target.subject], rounds[target.measure]
    result = {"subject": target.subject, "measure": target.measure,
              "quantity": target.quantity}
    if isinstance(target, NoMoreThan):
        subject = [run[target.quantity] for run in subjects]
        measure = [run[target.quantity] for run in measures]
        return {**result, "kind": "no more than", "value": spread(subject), "bar": spread(measure),
                "reached": statistics.median(subject) <= max(measure)}
    near, far = (ratios(target, alike(subjects, measures, where)) for where in ("near", "far"))
    ratio = near or far or ratios(target, zip(subjects, measures))
    result.update(kind="ratio", value=ratio, far=far if near else None, bar=None, reached=None)
    if target.at_least is not None:
        result.update(bar=f">= {target.at_least:g}", reached=ratio["median"] >= target.at_least)
    elif target.at_most is not None:
        result.update(bar=f"<= {target.at_most:g}", reached=ratio["median"] <= target.at_most)
    return result


def compare_all(targets, rounds):
    """The comparisons of those of which both ran."""
    return [found for target in targets if (found := compare(target, rounds)) is not None]
