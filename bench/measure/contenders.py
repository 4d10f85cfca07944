"""The contenders, made for an environment."""

import time
from typing import NamedTuple

from .contender import Counting, Outcome, Reporting, TapToInterface
from .kernel_contenders import Iptables, Nft, NftRules, XdpFilter
from .lab import FILTERED
from .process import MeasurementError
from .testpmd import Testpmd

STATS_INTERVAL = 0.25  # seconds between two reports of a contender
STEADY_SECONDS = 60  # until what is learnt from the traffic must be known
MOST = 0.95  # of it, since the last ones take longest


class Cpus(NamedTuple):
    generator: int
    worker: int


def counted(report):
    """Of afxfw that counts only, and of the LPM trie."""
    total = report["total"]
    return Outcome(total["dropped"], lost=total.get("kernel_drops", 0), report=report)


def reinjected(report):
    """Of afxfw that blocks nothing."""
    total = report["total"]
    return Outcome(total["dropped"], lost=total["kernel_drops"] + total["tx_full"], report=report)


def dropped_inline(report):
    return Outcome(report["inline"]["drop"], report=report)


def passed_fast(report):
    if report["fast_path"]["hits"] == 0:
        raise MeasurementError("afxfw's fast path passed no packet")
    return reinjected(report)


def pushed_down(report):
    if report["inline"]["push_down"] == 0:
        raise MeasurementError("afxfw pushed no source down")
    total = report["total"]
    return Outcome(total["dropped"] + report["inline"]["push_down"], lost=total["kernel_drops"],
                   report=report)


def until(done, what):
    """A warm-up that goes on until a report says that it is done."""
    def warm_up(process, seconds):
        time.sleep(seconds)
        end = time.monotonic() + STEADY_SECONDS
        while not done(report := process.next_report()):
            if time.monotonic() > end:
                raise MeasurementError(f"{process.name}: after {STEADY_SECONDS} s there were still "
                                       f"not {what}; it said: {report}")
    return warm_up


def received_bare(report):
    kernel = report["kernel"]
    lost = kernel["rx_dropped"] + kernel["rx_ring_full"] + report["total"]["tx_full"]
    return Outcome(lost=lost, report=report)


def only_report(report):
    return Outcome(report=report)


class Contenders:
    """Makes contenders. programs: paths by name; afxfw_help: what tells its options."""

    def __init__(self, programs, lists, cpus, afxfw_help, real_list):
        self._programs, self._lists, self._cpus = programs, lists, cpus
        self._afxfw_help, self._real_list = afxfw_help, real_list

    def afxfw_count(self, name, wanted=None, rules=None, work=None, cpus=None, options=()):
        """Counts only; with a blocklist or a number of rules."""
        options = ["--reinject", "none", *options]
        if wanted is not None:
            options += ["--blocklist", self._lists.plain(wanted)]
        if rules is not None:
            options += ["--rules", self._lists.rules(rules)]
        contender = self._afxfw(name, options, Counting.own, counted, cpus=cpus)
        if work is not None:
            contender.work = work
        return contender

    def afxfw_inline(self, name):
        """The default policy."""
        return self._afxfw(name, [], Counting.interface, dropped_inline, xdp_drops_all=True,
                           lossless=True)

    def afxfw_reinject(self, name, *options):
        """Into the host's stack, with a real blocklist of which nothing is sent."""
        return self._afxfw(name, ["--blocklist", self._real_list, *options], Counting.arrivals,
                           reinjected, delivers=True)

    def afxfw_fast_path(self, name, flows):
        """Measured when nearly all flows are in the fast path."""
        contender = self._afxfw(name, ["--fast-path", "--blocklist", self._real_list],
                                Counting.arrivals, passed_fast, delivers=True)
        contender.warm_up = until(lambda report: report["fast_path"]["added"] >= MOST * flows,
                                  f"{MOST:.0%} of {flows:,} flows in the fast path")
        return contender

    def afxfw_push_down(self, name, sources, wanted):
        """Measured when nearly all sources are pushed down. What goes to the worker counts too."""
        options = ["--push-down", sources, "--reinject", "none", "--blocklist",
                   self._lists.plain(wanted)]
        contender = self._afxfw(name, options, Counting.own_and_xdp, pushed_down)
        contender.warm_up = until(lambda report: report["push_down"]["sources"] >= MOST * sources,
                                  f"{MOST:.0%} of {sources:,} sources pushed down")
        return contender

    def bare(self, name, mode, **how):
        """bare-afxdp in one of the modes: drop, read, veth, tap, xdp-drop."""
        command = self._bare_command(mode)
        if mode == "xdp-drop":
            return Reporting(name, command, Counting.interface, only_report, lossless=True,
                             xdp_drops_all=True)
        if mode in ("veth", "tap"):
            return Reporting(name, command, Counting.arrivals, received_bare, delivers=True, **how)
        return Reporting(name, command, Counting.own, received_bare, **how)

    def tap_to_interface(self, name):
        """The same through a TAP interface whose packets go on to the filtered one, where afxfw's
        arrive."""
        return TapToInterface(name, self._bare_command("tap"), Counting.arrivals, received_bare,
                              delivers=True)

    def trie(self, name, wanted, *, delivers=False):
        """The kernel's LPM trie in XDP."""
        command = [*self._bare_command("xdp-trie"), "--blocklist", self._lists.plain(wanted)]
        if delivers:
            command.append("--pass")
        return Reporting(name, command, Counting.own, counted, lossless=True, delivers=delivers,
                         xdp_drops_all=not delivers)

    def nft(self, name, hook, wanted):
        return Nft(name, hook, self._lists, wanted)

    def nft_rules(self, name, rules):
        return NftRules(name, self._lists.rules(rules))

    def iptables(self, name, wanted):
        return Iptables(name, self._lists, wanted)

    def xdp_filter_port(self, name, protocol, port):
        return XdpFilter(name, protocol, [f"port --mode dst --proto {protocol} {port}"])

    def xdp_filter_addresses(self, name, addresses):
        return XdpFilter(name, "ipv4", [f"ip --mode src {address}" for address in addresses])

    def xdp_filter_pass(self, name):
        """Looks for addresses, of which it has one that nothing comes from."""
        return XdpFilter(name, "ipv4", ["ip --mode src 192.0.2.1"], delivers=True)

    def testpmd(self, name):
        return Testpmd(name, self._cpus)

    def addresses(self, wanted):
        return self._lists.entries(wanted)

    def _bare_command(self, mode):
        return [self._programs["bare-afxdp"], mode, "--iface", FILTERED, "--cpu",
                self._cpus.worker, "--stats-interval", STATS_INTERVAL]

    def _afxfw(self, name, options, counting, outcome, cpus=None, **how):
        unknown = [option for option in options
                   if str(option).startswith("--") and str(option) not in self._afxfw_help]
        missing = f"this afxfw has no {' and no '.join(unknown)}" if unknown else None
        command = [self._programs["afxfw"], "--iface", FILTERED, "--cpus",
                   self._cpus.worker if cpus is None else cpus, "--json",
                   "--stats-interval", STATS_INTERVAL, *options]
        return Reporting(name, command, counting, outcome, missing=missing, **how)
