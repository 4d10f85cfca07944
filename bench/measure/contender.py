"""What filters in a run, how it is started, and how its packets are counted."""

import contextlib
import json
import time
from pathlib import Path
from typing import NamedTuple

from .lab import FILTERED, interface_packets


class Outcome(NamedTuple):
    """What a contender says of a run at its end; None: it doesn't say."""
    blocked: int | None = None  # of those that it processed
    counted: int | None = None  # all that it processed, where that is not what sample() reads
    lost: int | None = None  # that it knows of, before it could process them
    report: dict = {}


class Contender:
    """What is common to all. A subclass gives start(), sample() and finish()."""

    lossless = False  # whether it processes each packet that was sent: the sender waits for it
    delivers = False  # whether what it does not block arrives at the host
    xdp_drops_all = False  # whether all that it processes is dropped by its XDP program

    def __init__(self, name, command=(), missing=None):
        self.name = name
        self.command = [str(word) for word in command]
        self.missing = missing  # why it can't run here; None if it can

    @property
    def recorded_command(self):
        """With names instead of paths: where programs and lists lie is nothing to record."""
        return [Path(word).name if word.startswith("/") else word for word in self.command]

    def running(self, lab):
        """A context manager with the Process, ready."""
        raise NotImplementedError

    def sample(self, lab, process):
        """(time in seconds, packets processed so far)"""
        raise NotImplementedError

    def finish(self, lab, process):
        """Stops it in order and returns its Outcome."""
        raise NotImplementedError

    def warm_up(self, process, seconds):
        """Until all is steady under the flood."""
        time.sleep(seconds)

    def work(self, process, seconds):
        """What is done to it while it is measured."""
        time.sleep(seconds)


class Selectable:
    """What has contenders, of which some are wanted."""

    def keep(self, names):
        """Only the contenders whose name this regular expression finds."""
        self.contenders = [contender for contender in self.contenders
                           if names.search(contender.name)]

    def here(self):
        """Those that can run here, and {name: why not} of the others."""
        return ([contender for contender in self.contenders if contender.missing is None],
                {contender.name: contender.missing for contender in self.contenders
                 if contender.missing is not None})


class HostArrivals:
    """Packets that the host's stack saw arrive, in netfilter's prerouting hook, where all but pings
    end: so that the host does as little as possible with them."""

    TABLE = "afxfw-bench-arrivals"
    # After raw (-300), where contenders filter. tap: any but lo, which carries nothing here.
    RULES = f"""
        table inet {TABLE} {{
          counter arrived {{ }}
          chain arriving {{
            type filter hook prerouting priority -290
            meta l4proto icmp accept
            iifname != lo counter name arrived drop
          }}
        }}"""

    @classmethod
    def set_up(cls, lab):
        lab.run("fw", "nft", "-f", "-", text_input=cls.RULES)

    @classmethod
    def sample(cls, lab):
        """(time in seconds, packets). The time is between nft's start and its end: off by some
        milliseconds at most, as long as there is no large set."""
        before = time.monotonic()
        packets = nft_counters(lab, "inet", cls.TABLE)["arrived"]
        return (before + time.monotonic()) / 2, packets


def nft_counters(lab, family, table):
    """Packets by the counters' names."""
    listing = json.loads(lab.run("fw", "nft", "-j", "list", "counters", "table", family, table))
    return {item["counter"]["name"]: item["counter"]["packets"]
            for item in listing["nftables"] if "counter" in item}


def xdp_drops(lab):
    """Packets that XDP programs have dropped on the filtered interface, by the driver's count."""
    drops = 0
    for line in lab.run("fw", "ethtool", "-S", FILTERED).splitlines():
        name, _, value = line.strip().partition(": ")
        if name.endswith("_xdp_drops"):
            drops += int(value)
    return drops


class Counting:
    """Ways to count what a contender has processed; each takes (contender, lab, process)."""

    @staticmethod
    def own(_, __, process):
        """What it says it has received, with its own time stamp."""
        report = process.next_report()
        return report["uptime_s"], report["total"]["received"]

    @staticmethod
    def own_and_xdp(_, __, process):
        """The same, and what its XDP program dropped in the worker's stead."""
        report = process.next_report()
        return report["uptime_s"], report["total"]["received"] + report["inline"]["push_down"]

    @staticmethod
    def interface(_, __, process):
        """What the interface received, for those that see all of it."""
        return interface_packets(process.pid)

    @staticmethod
    def arrivals(_, lab, __):
        """What arrived at the host, for those that block nothing."""
        return HostArrivals.sample(lab)


class Reporting(Contender):
    """Says "ready", prints JSON now and then and at SIGINT: afxfw and bare-afxdp."""

    def __init__(self, name, command, counting, outcome, *, delivers=False, lossless=False,
                 xdp_drops_all=False, missing=None):
        super().__init__(name, command, missing)
        self._counting, self._outcome = counting, outcome
        self.delivers, self.lossless, self.xdp_drops_all = delivers, lossless, xdp_drops_all

    @contextlib.contextmanager
    def running(self, lab):
        with lab.start("fw", self.name, self.command) as process:
            process.wait_until_ready()
            yield process

    def sample(self, lab, process):
        return self._counting(self, lab, process)

    def finish(self, lab, process):
        report = json.loads(process.interrupt())
        return self._outcome(report)


class TapToInterface(Reporting):
    """What it writes to its TAP interface arrives on the filtered one, by the redirect that afxfw
    has on its veth pair."""

    TAP = "afxfw-bench-tap"  # bench/baseline/work.cpp

    @contextlib.contextmanager
    def running(self, lab):
        with super().running(lab) as process:
            lab.run("fw", "tc", "qdisc", "add", "dev", self.TAP, "clsact")
            lab.run("fw", "tc", "filter", "add", "dev", self.TAP, "ingress", "protocol", "all",
                    "u32", "match", "u32", "0", "0",
                    "action", "mirred", "ingress", "redirect", "dev", FILTERED)
            yield process
