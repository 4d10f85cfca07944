"""Compares afxfw's rules with nft's: the same rules, the same packets, the same counters."""

import json
import os
import random
import signal
import struct
import subprocess
import time
from pathlib import Path

from . import random_packets
from .frames import send
from .random_rules import LINK_FIELDS, RuleFile

BUILD = Path(os.environ.get("AFXFW_BUILD", Path(__file__).resolve().parents[3] / "build"))
REPLAY = BUILD / "src" / "app" / "afxfw-replay"
TABLE = "afxfw_oracle"
ETHERNET_HEADER, TAG = 14, 4

# Counts what the rules accepted: later in the same hook.
ACCEPTED = """table netdev afxfw_accepted {{
counter accepted {{ }}
chain last {{ type filter hook ingress device "{device}" priority 100; counter name "accepted"
}}
}}
"""


def write_pcap(path, frames):
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        for frame in frames:
            file.write(struct.pack("<IIII", 1, 0, len(frame), len(frame)) + frame)


class Mode:
    """A kind of traffic with rules that fit it: where afxfw and nft differ on purpose (docs/rules.md),
    the rules don't ask.

    rule_options: see RuleFile. names: fields of which each rule has one, so that afxfw asks it about
    link traffic as nft does.
    """

    def __init__(self, name, traffic=random_packets.Traffic(), **rule_options):
        self.name, self.traffic, self.rule_options = name, traffic, rule_options


MODES = [
    Mode("ip"),
    Mode("ip"),
    # In later fragments the kernel (6.18) finds ports now and then, by a variable that it never sets.
    Mode("fragments", random_packets.Traffic(later_fragments=True), with_transport=False),
    Mode("double tags", random_packets.Traffic(double_tags=True), with_length=False),
    Mode("not IP", random_packets.Traffic(not_ip=True), names=LINK_FIELDS),
    Mode("neighbour discovery", random_packets.Traffic(neighbour_discovery=True),
         names=["icmpv6 type", "icmpv6 code"]),
]


class CannotList(Exception):
    """nft took rules that it dies of when it reads them back (1.0.6 does, of some concatenations)."""


class NftOracle:
    """Sends packets from one host to another that counts them by nft."""

    def __init__(self, sender, receiver, directory):
        self._sender, self._receiver, self._directory = sender, receiver, directory
        self.matches = 0  # of rules with packets, in the last comparison
        for host in (sender, receiver):  # no packets but ours
            for where in ("all", "default", host.interface):
                host.run("sysctl", "-qw", f"net.ipv6.conf.{where}.disable_ipv6=1")
            host.run("ip", "link", "set", host.interface, "arp", "off")

    def nft_counts(self, rules, frames):
        """({"CHAIN_INDEX": packets}, packets accepted), by nft."""
        fw = self._receiver
        fw.run("nft", "-f", "-", stdin=rules.text_for_nft + ACCEPTED.format(device=fw.interface))
        try:
            before = self._received()
            send(self._sender, frames)
            deadline = time.monotonic() + 10
            while self._received() - before < len(frames):
                assert time.monotonic() < deadline, "the packets did not arrive"
                time.sleep(0.002)
            return self._read(TABLE), self._read("afxfw_accepted")["accepted"]
        finally:
            fw.run("nft", "flush", "ruleset")

    def _received(self):
        return self._receiver.link()["stats64"]["rx"]["packets"]

    def _read(self, table):
        done = self._receiver.run("nft", "-j", "list", "counters", "table", "netdev", table, check=False)
        if done.returncode == -signal.SIGABRT:
            raise CannotList(done.stderr)
        assert done.returncode == 0, done.stderr
        return {entry["counter"]["name"]: entry["counter"]["packets"]
                for entry in json.loads(done.stdout)["nftables"] if "counter" in entry}

    def afxfw_counts(self, rules, frames):
        """The same by afxfw-replay."""
        file, capture = self._directory / "rules.nft", self._directory / "packets.pcap"
        file.write_text(rules.text, encoding="ascii")
        write_pcap(capture, frames)
        done = subprocess.run([REPLAY, capture, "--rules", file, "--inline-drop", "none", "--json"],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{rules.text}"
        report = json.loads(done.stdout)
        assert report["inline"]["malformed"] == 0, report["malformed_reasons"]
        counts, next_index = {}, {}
        for rule in report["rules"]:
            index = next_index.setdefault(rule["chain"], 0)
            next_index[rule["chain"]] += 1
            counts[f"{rule['chain']}_{index}"] = rule["packets"]
        return counts, report["verdicts"]["accept"]["packets"]

    def differences(self, rules, frames):
        """What the two disagree about, as text; afxfw gets the frames as they are."""
        nft, nft_accepted = self.nft_counts(
            rules, [random_packets.without_second_tag(each) for each in frames])
        own, own_accepted = self.afxfw_counts(rules, frames)
        self.matches = sum(own.values())
        lines = [f"{name}: nft {nft.get(name)}, afxfw {own.get(name)}"
                 for name in sorted(nft.keys() | own.keys()) if nft.get(name) != own.get(name)]
        if nft_accepted != own_accepted:
            lines.append(f"accepted: nft {nft_accepted}, afxfw {own_accepted}")
        return "\n".join(lines)

    def compare(self, seed, packets):
        """One random rule file with random packets. Raises AssertionError with the first packet
        that they disagree about; returns how often rules matched."""
        source = random.Random(seed)
        mode = source.choice(MODES)
        rules = RuleFile(source, self._receiver.interface, **mode.rule_options)
        frames = [random_packets.frame(source, mode.traffic) for _ in range(packets)]
        differences = self.differences(rules, frames)
        if not differences:
            return self.matches
        # The shortest beginning of the stream that they disagree about.
        low, high = 0, len(frames)
        while high - low > 1:
            middle = (low + high) // 2
            found = self.differences(rules, frames[:middle])
            if found:
                high, differences = middle, found
            else:
                low = middle
        raise AssertionError(f"seed {seed}, {mode.name}: nft and afxfw disagree on packet {high - 1}\n"
                             f"{frames[high - 1].hex()}\n{differences}\n{rules.text}")
