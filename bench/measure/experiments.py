"""What bench/throughput measures, by key, with the bars that are to be reached."""

import signal
import time
from typing import NamedTuple

from .comparison import NoMoreThan, Target
from .flood import Flood
from .lists import Blocklist
from .ping import NoFirewall, Ping
from .process import MeasurementError
from .program import ProgramTime
from .traffic import IMIX, SMALLEST_IPV6_TCP, UDP_PORT, Traffic

MILLION, NFT_SIZE, LIST_SIZE = 1_000_000, 200_000, 120_000
RULES = 1_000
ESTABLISHED = 10_000
ATTACKERS = 1 << 10  # next to 1,000
PACED = 1_000_000  # packets a second, well below what a worker takes
COALESCED = 50  # microseconds
RELOAD_SECONDS = 60  # one takes about one

XDP_DROP, XDP_FILTER, TRIE = "bare XDP_DROP", "xdp-filter", "LPM trie in XDP, 1 M"
BARE_DROP, BARE_READ = "bare AF_XDP drop", "same, parse in XDP, read"
BARE_VETH, TAP = "bare AF_XDP to veth", "bare AF_XDP to TAP"
TAP_TO_INTERFACE = "bare AF_XDP to TAP, on to eth0"
NFT_INGRESS, NFT_PREROUTING = "nft ingress, 200 k", "nft prerouting, 200 k"


class Experiment(NamedTuple):
    title: str
    make: object  # called with key, title and Contenders


EXPERIMENTS = {}


def experiment(key, title):
    def register(function):
        EXPERIMENTS[key] = Experiment(title, lambda make: function(key, title, make))
        return function
    return register


def listed(traffic, entries):
    return Blocklist(entries, traffic.sources, traffic.blocked)


@experiment("count", "Dropping what a large blocklist says, without passing anything on")
def _count(key, title, make):
    traffic = Traffic()
    million, nft_size = listed(traffic, MILLION), listed(traffic, NFT_SIZE)
    afxfw, coalescing = "afxfw, 1 M", f"afxfw --coalesce {COALESCED}, 1 M"
    return Flood(key, title, traffic, [
        make.bare(BARE_DROP, "drop"),
        make.bare(BARE_READ, "read"),
        make.afxfw_count(afxfw, million),
        make.afxfw_count(coalescing, million, options=["--coalesce", COALESCED]),
        make.trie(TRIE, million),
        make.nft(NFT_INGRESS, "ingress", nft_size),
        make.nft(NFT_PREROUTING, "prerouting", nft_size),
        make.iptables("iptables + ipset, 200 k", nft_size),
        make.testpmd("DPDK testpmd, net_af_xdp"),
    ], [
        Target(afxfw, BARE_DROP, at_least=0.97),
        Target(BARE_READ, BARE_DROP),
        Target(afxfw, BARE_READ),
        Target(afxfw, NFT_INGRESS, at_least=4.0),
        Target(afxfw, NFT_PREROUTING),
        Target(afxfw, "iptables + ipset, 200 k"),
        Target(coalescing, TRIE, "cpu_ns", at_most=0.5),
        Target(coalescing, BARE_DROP),
        Target(afxfw, TRIE, "cpu_ns"),
        Target(afxfw, TRIE),
    ])


@experiment("lists", "afxfw by the size of its blocklist, and with 1,000 rules")
def _lists(key, title, make):
    traffic = Traffic()
    sizes = {"afxfw, 1 prefix": 1, "afxfw, 10 k": 10_000, "afxfw, 120 k": LIST_SIZE,
             "afxfw, 1 M": MILLION}
    contenders = [make.afxfw_count(name, listed(traffic, size)) for name, size in sizes.items()]
    both = "afxfw, 120 k and 1,000 rules"
    contenders.append(make.afxfw_count(both, listed(traffic, LIST_SIZE), RULES))
    return Flood(key, title, traffic, contenders,
                 [Target("afxfw, 1 M", "afxfw, 1 prefix"), Target(both, "afxfw, 120 k")])


def _plain_count(key, title, make, traffic):
    return Flood(key, title, traffic, [
        make.bare(BARE_DROP, "drop"),
        make.afxfw_count("afxfw, 120 k", listed(traffic, LIST_SIZE)),
        make.trie("LPM trie in XDP, 120 k", listed(traffic, LIST_SIZE)),
    ], [Target("afxfw, 120 k", BARE_DROP), Target("afxfw, 120 k", "LPM trie in XDP, 120 k")])


@experiment("ipv6", "Dropping half by a blocklist of 120,000 prefixes, IPv6")
def _ipv6(key, title, make):
    return _plain_count(key, title, make, Traffic(version=6, wire_bytes=SMALLEST_IPV6_TCP))


@experiment("imix", "Dropping half by a blocklist of 120,000 prefixes, IMIX")
def _imix(key, title, make):
    return _plain_count(key, title, make, Traffic(wire_bytes=IMIX))


@experiment("inline", "Dropping UDP inside XDP")
def _inline(key, title, make):
    traffic = Traffic(protocol="udp", blocked=1.0)
    return Flood(key, title, traffic, [
        make.bare(XDP_DROP, "xdp-drop"),
        make.xdp_filter_port(XDP_FILTER, "udp", UDP_PORT),
        make.afxfw_inline("afxfw"),
    ], [Target("afxfw", XDP_DROP, at_least=0.95), Target("afxfw", XDP_FILTER, at_least=1.05)])


@experiment("inline-program", "The XDP programs of these alone, over and over on one packet")
def _inline_program(key, title, make):
    return ProgramTime(key, title, Traffic(protocol="udp", blocked=1.0), [
        make.bare(XDP_DROP, "xdp-drop"),
        make.xdp_filter_port(XDP_FILTER, "udp", UDP_PORT),
        make.afxfw_inline("afxfw"),
    ], [Target("afxfw", XDP_FILTER, "run_ns"), Target("afxfw", XDP_DROP, "run_ns")])


@experiment("reinject", "Passing all to the host's stack, which drops it in nft prerouting")
def _reinject(key, title, make):
    traffic = Traffic(blocked=0.0)
    return Flood(key, title, traffic, [
        make.bare(BARE_VETH, "veth"),
        make.bare(TAP, "tap"),
        make.tap_to_interface(TAP_TO_INTERFACE),
        make.afxfw_reinject("afxfw"),
        make.trie(TRIE, listed(traffic, MILLION), delivers=True),
    ], [Target("afxfw", BARE_VETH, at_least=0.95), Target("afxfw", TAP, at_least=1.25),
        Target("afxfw", TAP_TO_INTERFACE), Target("afxfw", TRIE)])


@experiment("fast-path", "Passing 10,000 established flows to the host's stack")
def _fast_path(key, title, make):
    return Flood(key, title, Traffic(blocked=0.0, flows=ESTABLISHED), [
        make.xdp_filter_pass(XDP_FILTER),
        make.afxfw_fast_path("afxfw --fast-path", ESTABLISHED),
        make.afxfw_reinject("afxfw"),
    ], [Target("afxfw --fast-path", XDP_FILTER, at_least=0.95),
        Target("afxfw --fast-path", "afxfw")])


@experiment("push-down", "A flood from 1,024 blocked addresses")
def _push_down(key, title, make):
    traffic = Traffic(flows=ATTACKERS, blocked=1.0)
    wanted = listed(traffic, LIST_SIZE)
    attackers = [str(address) for address in traffic.sources]
    return Flood(key, title, traffic, [
        make.xdp_filter_addresses(XDP_FILTER, attackers),
        make.afxfw_push_down("afxfw --push-down", ATTACKERS, wanted),
        make.afxfw_count("afxfw", wanted),
    ], [Target("afxfw --push-down", XDP_FILTER, at_least=0.95),
        Target("afxfw --push-down", "afxfw")])


@experiment("ping", "Round-trip time of pings to an idle host")
def _ping(key, title, make):
    none, afxfw = NoFirewall("no firewall"), make.afxfw_reinject("afxfw")
    return Ping(key, title, [none, afxfw,
                             make.afxfw_reinject("afxfw --busy-poll", "--busy-poll")],
                none.name, afxfw.name, {50: 25, 99: 60})


def reload_over_and_over(process, seconds):
    """As long as the measurement lasts, and until the last one is in force."""
    end = time.monotonic() + seconds
    generation = process.next_report()["ruleset_generation"]
    while time.monotonic() < end:
        process.signal(signal.SIGHUP)
        give_up = time.monotonic() + RELOAD_SECONDS
        while (now := process.next_report()["ruleset_generation"]) == generation:
            if time.monotonic() > give_up:
                raise MeasurementError(f"{process.name}: no reload within {RELOAD_SECONDS} s")
        generation = now


def _reload(key, title, make, rate):
    traffic = Traffic(rate=rate)
    million = listed(traffic, MILLION)
    return Flood(key, title, traffic, [
        make.afxfw_count("afxfw", million),
        make.afxfw_count("afxfw, reloading", million, work=reload_over_and_over),
    ], [NoMoreThan("afxfw, reloading", "afxfw"), Target("afxfw, reloading", "afxfw")])


@experiment("reload-flood", "Reloading 1 M prefixes over and over under the fastest flood")
def _reload_flood(key, title, make):
    return _reload(key, title, make, None)


@experiment("reload-paced", "Reloading 1 M prefixes over and over under a flood at 1 Mpps")
def _reload_paced(key, title, make):
    return _reload(key, title, make, PACED)
