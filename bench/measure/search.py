"""The highest rate without loss, found as RFC 2544 (26.1) says, by halving; and the latency of the
way to the host at shares of it."""

import json
from dataclasses import dataclass
from typing import NamedTuple

from .comparison import compare_all, spread
from .contender import HostArrivals, Selectable
from .lab import FILTERED, Lab
from .ping import round_trips, percentile
from .runs import checked, flood_command, in_turns, settle

PERCENTILES = ("p50", "p90", "p99", "p99.9")
STAMPED_FLOWS = 64
IDLE_SECONDS = 2  # without a packet: the receiver has all there is


class Trials(NamedTuple):
    rounds: int
    trial_seconds: float
    resolution: float  # of the rate that goes without a limit
    tolerance: float  # share of loss that counts as none


def timed_flood(lab, bench, traffic, seconds):
    """Sends for so long; returns what the generator reports."""
    command = flood_command(lab, bench, traffic, bench.cpus.generator)
    command[command.index("--duration") + 1] = seconds
    with lab.start("gen", "afxfw-pktgen", command) as sender:
        return json.loads(sender.finish(seconds))


@dataclass
class Search(Selectable):
    """Finds the rate for each of the contenders, in turns."""
    key: str
    title: str
    traffic: object
    contenders: list
    targets: list

    def run(self, bench, trials):
        """Returns the result as JSON. Raises MeasurementError."""
        contenders, skipped = self.here()
        rounds = {contender.name: [] for contender in contenders}
        with Lab(bench.lab_tool, bench.lab_prefix) as lab:
            HostArrivals.set_up(lab)
            for number, contender in in_turns(trials.rounds, contenders):
                rate, steps = self._search(lab, bench, contender, trials)
                rounds[contender.name].append({"pps": rate, "trials": steps})
                bench.progress(f"{self.key}, round {number + 1} of {trials.rounds}: "
                               f"{contender.name} {rate / 1e6:.3f} Mpps without loss")
        return {
            "kind": "ndr", "key": self.key, "title": self.title,
            "traffic": {"title": self.traffic.title, **self.traffic.as_json()},
            "contenders": [{"name": contender.name, "command": contender.recorded_command,
                            "pps": spread(run["pps"] for run in rounds[contender.name]),
                            "rounds": rounds[contender.name]} for contender in contenders],
            "skipped": skipped,
            "comparisons": compare_all(self.targets, rounds),
            "trials": trials._asdict(),
        }

    def _search(self, lab, bench, contender, trials):
        """(packets a second, [trials]); 0 if the lowest rate tried lost packets too."""
        steps = []
        with checked(lab, contender, self.traffic) as (process, result):
            result["sent"] = 0

            def loses(rate):
                before = settle(lambda: contender.sample(lab, process)[1])
                report = timed_flood(lab, bench, self.traffic._replace(rate=rate),
                                     trials.trial_seconds)
                after = settle(lambda: contender.sample(lab, process)[1])
                result["sent"] += report["sent"]
                loss = 1 - (after - before) / report["sent"]
                steps.append({"offered": rate, "pps": report["pps"], "loss": loss})
                return loss > trials.tolerance

            if not loses(None):
                return steps[0]["pps"], steps
            best, low, high = 0.0, 0.0, steps[0]["pps"]
            resolution = high * trials.resolution
            while high - low > resolution:
                middle = (low + high) / 2
                if loses(int(middle)):
                    high = middle
                else:
                    low = middle
                    best = steps[-1]["pps"]  # what was sent: a busy generator falls behind
        return best, steps


@dataclass
class Latency(Selectable):
    """From the packet's making to its arrival at the host's stack, by the stamps in it; without a
    generator that stamps, round trips of pings beside the flood. base: the rate that loads are
    shares of."""
    key: str
    title: str
    traffic: object
    contenders: list
    base: float
    loads: tuple

    def run(self, bench, trials):
        """Returns the result as JSON. Raises MeasurementError."""
        stamps = "--receive" in bench.pktgen_help
        measure = self._by_stamps if stamps else self._by_pings
        contenders, skipped = self.here()
        rounds = {(contender.name, load): [] for contender in contenders for load in self.loads}
        with Lab(bench.lab_tool, bench.lab_prefix) as lab:
            HostArrivals.set_up(lab)
            for number, contender in in_turns(trials.rounds, contenders):
                with contender.running(lab) as process:
                    for load in self.loads:
                        traffic = self.traffic._replace(rate=int(self.base * load / 100))
                        found = measure(lab, bench, traffic, trials.trial_seconds)
                        rounds[contender.name, load].append(found)
                        bench.progress(f"{self.key}, round {number + 1} of {trials.rounds}: "
                                       f"{contender.name} at {load} %: "
                                       f"p50 {found['p50']:.0f} µs, p99 {found['p99']:.0f} µs")
                    contender.finish(lab, process)
        return {
            "kind": "latency", "key": self.key, "title": self.title,
            "what": "from the stamp to the host's stack" if stamps else "round trip of pings",
            "traffic": {"title": self.traffic.title, **self.traffic.as_json()},
            "base_pps": self.base,
            "lines": [{"name": contender.name, "command": contender.recorded_command, "points": [
                {"x": load, **{name: spread(run[name] for run in rounds[contender.name, load])
                               for name in (*PERCENTILES, "loss")}}
                for load in self.loads]} for contender in contenders],
            "skipped": skipped,
            "comparisons": [], "trials": trials._asdict(),
        }

    @staticmethod
    def _by_stamps(lab, bench, traffic, seconds):
        """Percentiles in microseconds, and the share of packets lost."""
        count = int(traffic.rate * seconds)
        receive = [bench.pktgen, "--receive", "--iface", FILTERED, "--count", count, "--json",
                   "--flows", STAMPED_FLOWS, "--idle-timeout", IDLE_SECONDS, "--cpus",
                   bench.cpus.generator]
        command = [*flood_command(lab, bench, traffic, bench.cpus.generator), "--count", count,
                   "--stamp", "--flows", STAMPED_FLOWS]
        with lab.start("fw", "afxfw-pktgen --receive", receive) as receiver:
            receiver.wait_until_ready("receiving on")
            with lab.start("gen", "afxfw-pktgen", command) as sender:
                sender.finish(seconds)
            report = json.loads(receiver.finish(IDLE_SECONDS))
        return {**{name: report["latency_ns"][name] / 1000 for name in PERCENTILES},
                "loss": report["lost"] / count}

    @staticmethod
    def _by_pings(lab, bench, traffic, seconds):
        command = flood_command(lab, bench, traffic, bench.cpus.generator)
        arrived = HostArrivals.sample(lab)[1]
        with lab.start("gen", "afxfw-pktgen", command) as sender:
            times = round_trips(lab, bench.cpus.generator, max(100, int(seconds * 1000)))
            sent = json.loads(sender.interrupt())["sent"]
        arrived = settle(lambda: HostArrivals.sample(lab)[1]) - arrived
        return {**{name: percentile(times, float(name[1:])) for name in PERCENTILES},
                "loss": 1 - arrived / sent}
