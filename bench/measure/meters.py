"""How packets are counted where they arrive. Each meter counts in the same way for all contenders
of a comparison:

    reset(lab)           once, in the fresh lab
    sample(lab, process) (time in seconds, packets so far)
    total(lab)           packets that ended up where they should, for the difference of two calls
                         around a run; None: the samples tell that, too
"""

import json
import time

from .lab import FILTERED, interface_packets


class OwnCounter:
    """What the contender says it has received, with its own time stamp."""

    def reset(self, lab):
        pass

    def sample(self, _, process):
        report = json.loads(process.next_line())
        return report["uptime_s"], report["total"]["received"]

    def total(self, lab):
        return None


class InlineDrops:
    """What the interface received while everything it receives is to be dropped by XDP; the
    driver's own count of drops says whether it was."""

    def reset(self, lab):
        pass

    def sample(self, _, process):
        return interface_packets(process.pid)

    def total(self, lab):
        drops = 0
        for line in lab.run("fw", "ethtool", "-S", FILTERED).splitlines():
            name, _, value = line.strip().partition(": ")
            if name.endswith("_xdp_drops"):
                drops += int(value)
        return drops


class HostArrivals:
    """What the host saw arrive on the filtered interface, in netfilter's first hook, where it is
    dropped: so that the host does as little as possible with it."""

    RULES = f"""
        table inet afxfw-throughput {{
          counter arrived {{ }}
          chain arriving {{
            type filter hook prerouting priority raw
            iifname {FILTERED} counter name arrived drop
          }}
        }}"""

    def reset(self, lab):
        lab.run("fw", "nft", "-f", "-", text_input=self.RULES)

    def sample(self, lab, _):
        # The time between is that of nft's start and end: some milliseconds.
        before = time.monotonic()
        listing = json.loads(lab.run("fw", "nft", "-j", "list", "counter", "inet",
                                     "afxfw-throughput", "arrived"))
        counter = next(item["counter"] for item in listing["nftables"] if "counter" in item)
        return (before + time.monotonic()) / 2, counter["packets"]

    def total(self, lab):
        return None
