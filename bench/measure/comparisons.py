"""What is compared with what, and what must hold."""

import ipaddress
import random
import shutil
from typing import Callable, NamedTuple

from .lab import FILTERED, MeasurementError
from .meters import HostArrivals, InlineDrops, OwnCounter

STATS_INTERVAL = 0.25  # seconds between two reports of a contender
SOURCES = ipaddress.ip_network("198.18.0.0/15")  # set aside for measurements (RFC 2544)
FRAME_BYTES = 60
UDP_PORT, TCP_PORT = 9, 443  # 9 discards (RFC 863); 443 isn't in afxfw's default inline drop
LIST_SIZE = 120_000


class Contender(NamedTuple):
    name: str
    command: list  # runs in host fw, and says "ready" on stderr
    reports: bool = True  # prints JSON; stops at SIGINT (otherwise when its stdin closes)


class Bar(NamedTuple):
    subject: str  # names of contenders
    measure: str
    least: float | None  # of subject / measure; None: for information


class Comparison(NamedTuple):
    key: str
    title: str
    traffic: list  # options of afxfw-pktgen
    contenders: list
    meter: object
    bars: list
    check: Callable = lambda contender, report: None  # raises if a last report makes no sense


def write_blocklist(shared_data, path):
    """Real blocked addresses if there are some, as many invented ones otherwise. Returns what it
    is. None of them sends anything here."""
    real = shared_data / "blocklists" / "ipsum-level1.txt"
    if real.exists():
        shutil.copyfile(real, path)
        with open(path, encoding="ascii") as lines:
            return f"{sum(1 for line in lines if line[0].isdigit()):,} addresses of {real.name}"
    generator = random.Random(1)
    addresses = set()
    while len(addresses) < LIST_SIZE:
        address = ipaddress.IPv4Address(generator.getrandbits(32))
        if address not in SOURCES:
            addresses.add(address)
    path.write_text("".join(f"{address}\n" for address in sorted(addresses)), encoding="ascii")
    return f"{LIST_SIZE:,} random addresses"


def write_blocked_sources(path):
    """Blocks every second source address, one by one: the answer for a packet is as hard to
    predict as it can be, and look-ups go all over this part of the table."""
    addresses = range(int(SOURCES[0]), int(SOURCES[-1]) + 1, 2)
    path.write_text("".join(f"{ipaddress.IPv4Address(address)}\n" for address in addresses),
                    encoding="ascii")
    return len(addresses)


def check_half_is_blocked(contender, report):
    total = report["total"]
    if "dropped" in total and not 0.45 < total["dropped"] / total["received"] < 0.55:
        raise MeasurementError(f"{contender} dropped {total['dropped']:,} of "
                               f"{total['received']:,} packets, but half of them were to be")


def make_comparisons(programs, directory, shared_data, worker_cpu):
    """programs: paths by name; directory: for lists, kept as long as the comparisons."""
    blocklist, blocked_sources = directory / "blocklist", directory / "blocked-sources"
    list_title = write_blocklist(shared_data, blocklist)
    blocked_count = write_blocked_sources(blocked_sources)
    addresses = ["--src", SOURCES, "--dst", "198.18.0.1", "--size", FRAME_BYTES]
    tcp = [*addresses, "--proto", "tcp", "--dport", TCP_PORT]
    udp = [*addresses, "--proto", "udp", "--dport", UDP_PORT]

    def afxfw(name, *options):
        return Contender(name, [programs["afxfw"], "--iface", FILTERED, "--cpus", worker_cpu,
                                "--json", "--stats-interval", STATS_INTERVAL, *options])

    def bare(name, mode):
        return Contender(name, [programs["bare-afxdp"], mode, "--iface", FILTERED, "--cpu",
                                worker_cpu, "--stats-interval", STATS_INTERVAL])

    # bpffs in a mount namespace of its own: the machine's /sys stays as it is.
    xdp_filter = Contender("xdp-filter", ["unshare", "--mount", "sh", "-ec", f"""
        mount -t bpf bpf /sys/fs/bpf
        xdp-filter load --mode native --features udp {FILTERED} >&2
        xdp-filter port --mode dst --proto udp {UDP_PORT} >&2
        echo ready >&2
        read -r until_closed || true
        xdp-filter unload {FILTERED} >&2"""], reports=False)

    return [
        Comparison(
            "worker-drop",
            "AF_XDP to a worker that counts only. TCP, half of it from blocked sources; blocklist: "
            f"{list_title} and {blocked_count:,} of the {SOURCES.num_addresses:,} source "
            "addresses. The second loop runs behind afxfw's XDP program and reads a byte of each "
            "packet: what afxfw lacks to it is its worker's own cost",
            tcp,
            [bare("bare AF_XDP drop loop", "drop"),
             bare("same, parse in XDP, read", "read"),
             afxfw("afxfw --reinject none", "--reinject", "none", "--blocklist", blocklist,
                   "--blocklist", blocked_sources)],
            OwnCounter(),
            [Bar("afxfw --reinject none", "bare AF_XDP drop loop", 0.95),
             Bar("afxfw --reinject none", "same, parse in XDP, read", None)],
            check_half_is_blocked),
        Comparison(
            "inline-drop",
            "Drop inside XDP. UDP; afxfw with its default policy, xdp-filter by destination port",
            udp,
            [bare("XDP_DROP at once", "xdp-drop"), xdp_filter, afxfw("afxfw")],
            InlineDrops(),
            [Bar("afxfw", "XDP_DROP at once", 0.90), Bar("afxfw", "xdp-filter", 1.00)]),
        Comparison(
            "reinject",
            "Through AF_XDP into the host's stack. TCP, none of it blocked; blocklist: "
            f"{list_title}; the host drops at once, in nft prerouting raw",
            tcp,
            [bare("bare AF_XDP to veth loop", "veth"),
             afxfw("afxfw --reinject stack", "--blocklist", blocklist)],
            HostArrivals(),
            [Bar("afxfw --reinject stack", "bare AF_XDP to veth loop", 0.90)]),
    ]
