"""Contenders on the same flood, in turns."""

from dataclasses import dataclass, field

from .comparison import compare_all, spread
from .contender import HostArrivals, Selectable
from .cpu import shares
from .lab import Lab
from .runs import in_turns, run_once


@dataclass
class Flood(Selectable):
    """The traffic, the contenders and what is to hold between them."""
    key: str
    title: str
    traffic: object
    contenders: list
    targets: list = field(default_factory=list)
    queues: int = 1
    generator_cpus: str | None = None  # as afxfw-pktgen's --cpus

    def run(self, bench, schedule):
        """Returns the result as JSON. Raises MeasurementError."""
        contenders, skipped = self._here(bench)
        rounds = {contender.name: [] for contender in contenders}
        if contenders:
            with Lab(bench.lab_tool, bench.lab_prefix, self.queues) as lab:
                HostArrivals.set_up(lab)
                for number, contender in in_turns(schedule.rounds, contenders):
                    run = run_once(lab, bench, contender, self.traffic, schedule,
                                   self.generator_cpus)
                    rounds[contender.name].append(run._asdict())
                    bench.progress(f"{self.key}, round {number + 1} of {schedule.rounds}: "
                                   f"{contender.name} {run.pps / 1e6:.3f} Mpps")
        return {
            "kind": "flood", "key": self.key, "title": self.title,
            "traffic": {"title": self.traffic.title, **self.traffic.as_json()},
            "contenders": [self._result(contender, rounds[contender.name])
                           for contender in contenders],
            "skipped": skipped,
            "comparisons": compare_all(self.targets, rounds),
            "schedule": schedule._asdict(),
        }

    def _here(self, bench):
        no_traffic = self.traffic.unavailable(bench.pktgen_help)
        if no_traffic is not None:
            return [], {contender.name: no_traffic for contender in self.contenders}
        return self.here()

    @staticmethod
    def _result(contender, runs):
        return {
            "name": contender.name, "command": contender.recorded_command,
            **{quantity: spread(run[quantity] for run in runs)
               for quantity in ("pps", "cpu_ns", "loss")},
            # Seconds of each second.
            "cpu": {core: {state: spread(shares(run["cpu"][core])[state]
                                         for run in runs)["median"]
                           for state in runs[0]["cpu"][core]}
                    for core in runs[0]["cpu"]},
            "rounds": runs,
        }
