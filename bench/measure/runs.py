"""Runs contenders under a flood, in turns."""

import json
import time
from typing import NamedTuple

from .lab import SENDING, MeasurementError, cpu_times

SETTLE_SECONDS = 0.5  # after the last packet was sent, until the last one is counted
UNLIMITED = 3600  # seconds: the generator is stopped long before


class Schedule(NamedTuple):
    rounds: int
    warm_up_seconds: float
    window_seconds: float


class Cpus(NamedTuple):
    generator: int
    worker: int


class Run(NamedTuple):
    contender: str
    pps: float  # counted where packets arrive, in the window
    sent: int  # in the whole run
    arrived: int
    generator_cpu: dict  # shares of the window by state: {"user": 0.1, ...}
    worker_cpu: dict
    report: dict  # what the contender said at its end, {} if it says nothing

    @property
    def loss(self):
        """Share of the packets sent."""
        return 1 - self.arrived / self.sent


def shares(before, after):
    total = sum(after.values()) - sum(before.values())
    return {state: (after[state] - before[state]) / total if total else 0.0 for state in after}


def run_once(lab, generator, comparison, contender, schedule, cpus):
    meter = comparison.meter
    with lab.start("fw", contender.name, contender.command) as process:
        process.wait_until_ready()
        dropped_before = meter.total(lab)
        begin = meter.sample(lab, process)
        flood = [generator, "--iface", SENDING, "--dst-mac", lab.filtered_mac(), "--cpus",
                 cpus.generator, "--duration", UNLIMITED, "--json", *comparison.traffic]
        with lab.start("gen", "afxfw-pktgen", flood) as sender:
            time.sleep(schedule.warm_up_seconds)
            first, cpu_before = meter.sample(lab, process), cpu_times(cpus)
            time.sleep(schedule.window_seconds)
            last, cpu_after = meter.sample(lab, process), cpu_times(cpus)
            sent = json.loads(sender.interrupt())["sent"]
        time.sleep(SETTLE_SECONDS)
        end = meter.sample(lab, process)
        if dropped_before is None:
            arrived = end[1] - begin[1]
        else:
            arrived = meter.total(lab) - dropped_before
        report = {}
        if contender.reports:
            report = json.loads(process.interrupt())
        else:
            process.close_input()
    if arrived == 0 or last[1] == first[1]:
        raise MeasurementError(f"{contender.name}: {sent:,} packets sent, none arrived")
    if dropped_before is not None and arrived != end[1] - begin[1]:
        raise MeasurementError(f"{contender.name} dropped {arrived:,} packets in XDP, but "
                               f"{end[1] - begin[1]:,} were received")
    comparison.check(contender.name, report)
    return Run(contender.name, (last[1] - first[1]) / (last[0] - first[0]), sent, arrived,
               *(shares(cpu_before[cpu], cpu_after[cpu]) for cpu in cpus), report)


def run_comparison(lab, generator, comparison, schedule, cpus, progress):
    """Returns the runs, a list a round; each round has one run of each contender. The order
    changes from round to round, so that none always comes after the same other."""
    comparison.meter.reset(lab)
    rounds = []
    for number in range(schedule.rounds):
        turn = number % len(comparison.contenders)
        order = comparison.contenders[turn:] + comparison.contenders[:turn]
        runs = []
        for contender in order:
            runs.append(run_once(lab, generator, comparison, contender, schedule, cpus))
            progress(f"{comparison.key}, round {number + 1} of {schedule.rounds}: "
                     f"{contender.name} {runs[-1].pps / 1e6:.3f} Mpps")
        rounds.append(runs)
    return rounds
