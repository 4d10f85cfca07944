"""Ratios of contenders, and the bars they are held against."""

import operator
import statistics
from typing import NamedTuple

QUANTITIES = {"pps": "rate", "cpu_ns": "CPU time a packet", "loss": "loss"}


class Target(NamedTuple):
    """subject / measure of a quantity, in the same round: between two runs that follow each other
    the machine had little time to change. The median is held against the bar."""
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


def compare(target, rounds):
    """rounds: {contender: [a Run's fields as a dict]} in the order of rounds. Returns a comparison's
    JSON, or None if one of the two did not run."""
    if target.subject not in rounds or target.measure not in rounds:
        return None
    subject = [run[target.quantity] for run in rounds[target.subject]]
    measure = [run[target.quantity] for run in rounds[target.measure]]
    result = {"subject": target.subject, "measure": target.measure,
              "quantity": target.quantity}
    if isinstance(target, NoMoreThan):
        return {**result, "kind": "no more than", "value": spread(subject), "bar": spread(measure),
                "reached": statistics.median(subject) <= max(measure)}
    ratio = spread(map(operator.truediv, subject, measure))
    result.update(kind="ratio", value=ratio, bar=None, reached=None)
    if target.at_least is not None:
        result.update(bar=f">= {target.at_least:g}", reached=ratio["median"] >= target.at_least)
    elif target.at_most is not None:
        result.update(bar=f"<= {target.at_most:g}", reached=ratio["median"] <= target.at_most)
    return result
