"""Figures from runs: a table for people, JSON for programs."""

import statistics
from typing import NamedTuple


class Spread(NamedTuple):
    median: float
    min: float
    max: float


def spread(values):
    return Spread(statistics.median(values), min(values), max(values))


def runs_of(rounds, contender):
    return [next(run for run in runs if run.contender == contender) for runs in rounds]


def ratio(rounds, bar):
    """Of runs of the same round, between which the machine had little time to change."""
    return spread([subject.pps / measure.pps for subject, measure in
                   zip(runs_of(rounds, bar.subject), runs_of(rounds, bar.measure))])


def verdict(rounds, bar):
    if bar.least is None:
        return ""
    return "PASS" if ratio(rounds, bar).median >= bar.least else "BELOW"


def wrapped(text, width=96):
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return "\n".join(lines)


def table(comparison, rounds):
    lines = [wrapped(comparison.title),
             f"  {'':<26}{'Mpps':>7}  {'min':>6}  {'max':>6}  {'loss':>7}"
             "  worker's core: user  kernel  stolen"]
    for contender in comparison.contenders:
        runs = runs_of(rounds, contender.name)
        rate = spread([run.pps / 1e6 for run in runs])
        loss = statistics.median(run.loss for run in runs)
        core = {state: statistics.median(run.worker_cpu[state] for run in runs)
                for state in runs[0].worker_cpu}
        kernel = core["system"] + core["softirq"] + core["irq"]
        lines.append(f"  {contender.name:<26}{rate.median:7.3f}  {rate.min:6.3f}  {rate.max:6.3f}"
                     f"  {loss:7.2%}  {core['user'] + core['nice']:>20.0%}  {kernel:6.0%}"
                     f"  {core['steal']:6.0%}")
    for bar in comparison.bars:
        found = ratio(rounds, bar)
        wanted = "" if bar.least is None else f"; bar: {bar.least:.0%}"
        lines.append(f"  {verdict(rounds, bar):<5}  {bar.subject} / {bar.measure} = "
                     f"{found.median:.1%} (rounds: {found.min:.1%} to {found.max:.1%}){wanted}")
    return "\n".join(lines)


def as_json(comparison, rounds):
    return {
        "key": comparison.key,
        "title": comparison.title,
        "traffic": [str(option) for option in comparison.traffic],
        "contenders": [
            {
                "name": contender.name,
                "command": [str(word) for word in contender.command],
                "pps": spread([run.pps for run in runs_of(rounds, contender.name)])._asdict(),
                "loss": spread([run.loss for run in runs_of(rounds, contender.name)])._asdict(),
                "rounds": [run._asdict() for run in runs_of(rounds, contender.name)],
            }
            for contender in comparison.contenders
        ],
        "bars": [
            {**bar._asdict(), "ratio": ratio(rounds, bar)._asdict(),
             "verdict": verdict(rounds, bar)}
            for bar in comparison.bars
        ],
    }
