"""How the rate changes as the work grows: series of floods, each a plot."""

from typing import NamedTuple

from .flood import Flood
from .lab import CPUS
from .lists import Blocklist
from .traffic import SMALLEST_IPV6_TCP, Traffic

NFT_LARGEST = 200_000  # a larger set takes nft too long to load


class Series(NamedTuple):
    title: str
    x_label: str
    x_log: bool
    make: object  # of (key, title, Contenders): yields (x, Flood)


SERIES = {}


def series(key, title, x_label, x_log=False):
    def register(function):
        SERIES[key] = Series(title, x_label, x_log, function)
        return function
    return register


@series("prefixes", "Rate by the size of the blocklist, half of the packets blocked", "prefixes",
        x_log=True)
def _prefixes(key, title, make):
    traffic = Traffic()
    for entries in (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000):
        wanted = Blocklist(entries, traffic.sources, traffic.blocked)
        contenders = [make.afxfw_count("afxfw", wanted), make.trie("LPM trie in XDP", wanted)]
        if entries <= NFT_LARGEST:
            contenders.append(make.nft("nft ingress", "ingress", wanted))
        yield entries, Flood(f"{key}-{entries}", title, traffic, contenders)


@series("rules", "Rate by the number of rules, none of which matches", "rules", x_log=True)
def _rules(key, title, make):
    traffic = Traffic(blocked=0.0)
    for count in (1, 10, 100, 1_000, 10_000):
        contenders = [make.afxfw_count("afxfw", rules=count)]
        if count <= 1_000:
            contenders.append(make.nft_rules("nft ingress", count))
        yield count, Flood(f"{key}-{count}", title, traffic, contenders)


@series("queues", "Rate by queues, each with a core for its sender, its driver and its worker",
        "queues and cores")
def _queues(key, title, make):
    traffic = Traffic()
    wanted = Blocklist(120_000, traffic.sources, traffic.blocked)
    # A ring that lasts for the time slice in which the sender has the core.
    rings = ["--ring-size", 16384, "--frames", 33024]
    for queues in range(1, len(CPUS) + 1):
        used = ",".join(str(cpu) for cpu in CPUS[:queues])
        yield queues, Flood(f"{key}-{queues}", title, traffic,
                            [make.afxfw_count("afxfw", wanted, cpus=used, options=rings)],
                            queues=queues, generator_cpus=used)


@series("flows", "Rate by the number of flows, nothing blocked", "flows", x_log=True)
def _flows(key, title, make):
    for flows in (1, 16, 256, 4_096, 65_536):
        traffic = Traffic(flows=flows, blocked=0.0)
        wanted = Blocklist(120_000, traffic.sources, traffic.blocked)
        yield flows, Flood(f"{key}-{flows}", title, traffic, [
            make.afxfw_count("afxfw", wanted), make.bare("bare AF_XDP drop", "drop"),
            make.afxfw_reinject("afxfw, reinjecting")])


@series("blocked", "Rate by the share of blocked packets", "blocked, percent")
def _blocked(key, title, make):
    for percent in (0, 25, 50, 75, 100):
        traffic = Traffic(blocked=percent / 100)
        wanted = Blocklist(1_000_000, traffic.sources, traffic.blocked)
        yield percent, Flood(f"{key}-{percent}", title, traffic, [
            make.afxfw_count("afxfw, 1 M prefixes", wanted),
            make.trie("LPM trie in XDP, 1 M prefixes", wanted)])


@series("size", "Rate by frame size, FCS included", "bytes")
def _size(key, title, make):
    for size in (64, 128, 256, 512, 1024, 1280, 1518):
        traffic = Traffic(wire_bytes=size)
        wanted = Blocklist(120_000, traffic.sources, traffic.blocked)
        yield size, Flood(f"{key}-{size}", title, traffic, [
            make.afxfw_count("afxfw", wanted), make.bare("bare AF_XDP drop", "drop")])


@series("ipv6-size", "Rate of IPv6 by frame size, FCS included", "bytes")
def _ipv6_size(key, title, make):
    for size in (SMALLEST_IPV6_TCP, 128, 512, 1518):
        traffic = Traffic(wire_bytes=size, version=6)
        wanted = Blocklist(120_000, traffic.sources, traffic.blocked)
        yield size, Flood(f"{key}-{size}", title, traffic, [
            make.afxfw_count("afxfw", wanted), make.bare("bare AF_XDP drop", "drop"),
            make.trie("LPM trie in XDP", wanted)])


def run_series(key, make, bench, schedule, names):
    """With the contenders whose name `names` finds. Returns the result as JSON. Raises
    MeasurementError."""
    chosen = SERIES[key]
    points, skipped = [], {}
    for x, flood in chosen.make(key, chosen.title, make):
        flood.keep(names)
        result = flood.run(bench, schedule)
        for contender in result["contenders"]:
            for run in contender["rounds"]:
                del run["report"]  # for each of so many runs, it would be megabytes
        skipped.update(result["skipped"])
        points.append({"x": x, **result})
    seen = dict.fromkeys(contender["name"] for point in points
                          for contender in point["contenders"])
    lines = [{"name": name, "points": [
        {"x": point["x"], **{quantity: contender[quantity]
                             for quantity in ("pps", "cpu_ns", "loss")}}
        for point in points for contender in point["contenders"] if contender["name"] == name]}
        for name in seen]
    return {"kind": "series", "key": key, "title": chosen.title, "x_label": chosen.x_label,
            "x_log": chosen.x_log, "lines": lines, "skipped": skipped, "comparisons": [],
            "points": points, "schedule": schedule._asdict()}
