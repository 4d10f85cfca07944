"""Round-trip times of pings: what a firewall adds to them."""

import contextlib
import math
import re
import statistics
from dataclasses import dataclass

from .comparison import spread
from .contender import Contender, HostArrivals, Selectable
from .lab import Lab
from .process import MeasurementError
from .runs import in_turns
from .traffic import DESTINATIONS

INTERVAL_SECONDS = 0.001
PERCENTILES = (50, 99)
TIMEOUT_SECONDS = 120


class NoFirewall(Contender):
    """The host by itself."""

    @contextlib.contextmanager
    def running(self, lab):
        yield None

    def finish(self, lab, process):
        pass


def percentile(values, percent):
    """The smallest value that at least so many percent are not above."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def round_trips(lab, cpu, count):
    """Times of `count` pings from gen to fw, in microseconds."""
    output = lab.run("gen", "taskset", "--cpu-list", cpu, "ping", "-n", "-i", INTERVAL_SECONDS,
                     "-c", count, DESTINATIONS[4], timeout_seconds=TIMEOUT_SECONDS)
    times = [float(found) * 1000 for found in re.findall(r"time=([\d.]+) ms", output)]
    if len(times) != count:
        raise MeasurementError(f"{count - len(times)} of {count} pings were not answered")
    return times


@dataclass
class Ping(Selectable):
    """An idle host, pinged through each of the contenders. base and held are names of them; limits:
    {percentile: microseconds that held may add to base, in the same round}."""
    key: str
    title: str
    contenders: list
    base: str
    held: str
    limits: dict

    def run(self, bench, schedule):
        """Returns the result as JSON. Raises MeasurementError."""
        count = max(100, int(schedule.window_seconds / INTERVAL_SECONDS))
        contenders, skipped = self.here()
        rounds = {contender.name: [] for contender in contenders}
        with Lab(bench.lab_tool, bench.lab_prefix) as lab:
            HostArrivals.set_up(lab)
            for number, contender in in_turns(schedule.rounds, contenders):
                with contender.running(lab) as process:
                    round_trips(lab, bench.cpus.generator, 20)  # caches, neighbours
                    times = round_trips(lab, bench.cpus.generator, count)
                    contender.finish(lab, process)
                rounds[contender.name].append(
                    {f"p{percent}": percentile(times, percent) for percent in PERCENTILES})
                bench.progress(f"{self.key}, round {number + 1} of {schedule.rounds}: "
                               f"{contender.name}, median {statistics.median(times):.0f} µs")
        return {
            "kind": "ping", "key": self.key, "title": self.title, "pings": count,
            "contenders": [
                {"name": contender.name, "command": contender.recorded_command,
                 **{f"p{percent}": spread(run[f"p{percent}"] for run in rounds[contender.name])
                    for percent in PERCENTILES},
                 "rounds": rounds[contender.name]} for contender in contenders],
            "skipped": skipped,
            "comparisons": [self._added(self.base, contender.name, percent, rounds)
                            for contender in contenders for percent in self.limits
                            if self.base in rounds and contender.name != self.base],
            "schedule": schedule._asdict(),
        }

    def _added(self, base, name, percent, rounds):
        added = spread(with_it[f"p{percent}"] - without[f"p{percent}"]
                       for with_it, without in zip(rounds[name], rounds[base]))
        return {"kind": "added", "subject": name, "measure": base, "quantity": f"p{percent}",
                "value": added, **self._verdict(name, percent, added["median"])}

    def _verdict(self, name, percent, added):
        if name != self.held:
            return {"bar": None, "reached": None}
        return {"bar": f"<= {self.limits[percent]:g} µs", "reached": added <= self.limits[percent]}
