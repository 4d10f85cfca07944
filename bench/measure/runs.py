"""One run: a contender under a flood, measured and checked."""

import contextlib
import json
import time
from typing import NamedTuple

from .contender import HostArrivals, xdp_drops
from .cpu import busy_share, cpu_seconds, difference
from .lab import SENDING
from .process import MeasurementError

UNLIMITED = 3600  # seconds: the generator is stopped long before
BEGIN_SECONDS = 30  # until the generator has begun
STILL_SECONDS = 0.2  # a counter that doesn't move for so long has stopped
SETTLE_SECONDS = 15  # until it must have
SHARE_TOLERANCE = 0.02  # of blocked packets: sources are drawn at random


class Schedule(NamedTuple):
    rounds: int
    warm_up_seconds: float
    window_seconds: float


class Bench(NamedTuple):
    """What a run needs besides its contender."""
    pktgen: object  # path
    pktgen_help: str
    lab_tool: object  # path
    lab_prefix: str
    cpus: object  # Cpus: generator and worker
    progress: object  # called with a line of text
    distance: object = lambda: None  # returns that of the two CPUs (core-distance), or None


class Run(NamedTuple):
    contender: str
    pps: float  # processed, in the window
    cpu_ns: float  # of all CPUs' busy time in the window, a packet: the generator's too
    loss: float  # share of the packets sent in the whole run
    sent: int  # in the whole run
    processed: int
    window_seconds: float
    cpu: dict  # seconds in the window: {"generator": {"user": 1.0, ...}, "worker": {...}}
    report: dict  # what the contender said at its end, {} if it says nothing
    distances: list  # of the two CPUs, in ns, before the contender ran and after; None: unknown


def settle(read):
    """Reads a counter until it stands still, and returns what it then is."""
    value = read()
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        time.sleep(STILL_SECONDS)
        before, value = value, read()
        if value == before:
            return value
        if time.monotonic() > end:
            raise MeasurementError(f"packets were still being counted {SETTLE_SECONDS} s after the "
                                   "last one was sent: something else sends")


def wait_for_traffic(lab, before):
    """Until the filtered interface has received more packets than `before`."""
    end = time.monotonic() + BEGIN_SECONDS
    while lab.interface_packets()[1] == before:
        if time.monotonic() > end:
            raise MeasurementError(f"nothing arrived within {BEGIN_SECONDS} s of the generator's start")
        time.sleep(0.02)


def check(contender, traffic, sent, processed, outcome, arrived):
    """That what a run counted fits together: a contender that drops nothing, or counts what it
    never saw, is found here."""
    def wrong(text):
        raise MeasurementError(f"{contender.name}: {text}; its figures would be wrong")

    if processed == 0:
        wrong(f"{sent:,} packets sent, none processed")
    if processed > sent:
        wrong(f"{sent:,} packets sent, but {processed:,} processed")
    if contender.lossless and processed != sent:
        wrong(f"{sent:,} packets sent, but {processed:,} processed, though it can lose none")
    if outcome.counted is not None and outcome.counted != processed:
        wrong(f"{processed:,} packets reached it, but it counted {outcome.counted:,}")
    if outcome.lost is not None and processed + outcome.lost != sent:
        wrong(f"{sent:,} packets sent, but {processed:,} processed and {outcome.lost:,} lost")
    if outcome.blocked is not None:
        share = outcome.blocked / processed
        if abs(share - traffic.blocked) > SHARE_TOLERANCE:
            wrong(f"it blocked {share:.1%} of the packets, but {traffic.blocked:.0%} were to be")
    wanted = processed - (outcome.blocked or 0) if contender.delivers else 0
    if arrived != wanted:
        wrong(f"{arrived:,} packets arrived at the host, but {wanted:,} should have")


def flood_command(lab, bench, traffic, cpus):
    return [bench.pktgen, "--iface", SENDING, "--dst-mac", lab.filtered_mac(), "--cpus", cpus,
            "--duration", UNLIMITED, "--json", *traffic.options(bench.pktgen_help)]


@contextlib.contextmanager
def checked(lab, contender, traffic):
    """Runs the contender; the caller enters what was sent into the result: {"sent": N}. After the
    block it has "processed" and "outcome" as well, and has been checked."""
    arrived_before, drops_before = HostArrivals.sample(lab)[1], xdp_drops(lab)
    result = {}
    with contender.running(lab) as process:
        begin = contender.sample(lab, process)[1]
        yield process, result
        result["processed"] = settle(lambda: contender.sample(lab, process)[1]) - begin
        outcome = result["outcome"] = contender.finish(lab, process)
    arrived = settle(lambda: HostArrivals.sample(lab)[1]) - arrived_before
    check(contender, traffic, result["sent"], result["processed"], outcome, arrived)
    drops = xdp_drops(lab) - drops_before
    if contender.xdp_drops_all and drops != result["processed"]:
        raise MeasurementError(f"{contender.name} processed {result['processed']:,} packets, but "
                               f"{drops:,} were dropped in XDP; its figures would be wrong")


def run_once(lab, bench, contender, traffic, schedule, generator_cpus=None):
    """Returns the Run. generator_cpus: as afxfw-pktgen's --cpus; default: bench.cpus.generator."""
    command = flood_command(lab, bench, traffic, generator_cpus or bench.cpus.generator)
    distances = [bench.distance()]
    with checked(lab, contender, traffic) as (process, result):
        before = lab.interface_packets()[1]
        with lab.start("gen", "afxfw-pktgen", command) as sender:
            wait_for_traffic(lab, before)
            contender.warm_up(process, schedule.warm_up_seconds)
            first, cpu_before = contender.sample(lab, process), cpu_seconds()
            contender.work(process, schedule.window_seconds)
            last, cpu_after = contender.sample(lab, process), cpu_seconds()
            result["sent"] = json.loads(sender.interrupt())["sent"]
    distances.append(bench.distance())
    cpu = difference(cpu_before, cpu_after)
    packets = last[1] - first[1]
    if packets == 0:
        raise MeasurementError(f"{contender.name} processed nothing while it was measured")
    # As a share: the CPUs are not read at quite the same time as the counters.
    busy = busy_share(cpu) * len(cpu) * (last[0] - first[0])
    return Run(contender.name, packets / (last[0] - first[0]), busy * 1e9 / packets,
               1 - result["processed"] / result["sent"], result["sent"], result["processed"],
               last[0] - first[0],
               {"generator": cpu[bench.cpus.generator], "worker": cpu[bench.cpus.worker]},
               result["outcome"].report, distances)


def in_turns(rounds, contenders):
    """Yields (round from 0, contender): each round has one run of each, and begins with another,
    so that none always comes after the same other."""
    for number in range(rounds):
        turn = number % len(contenders)
        for contender in contenders[turn:] + contenders[:turn]:
            yield number, contender
