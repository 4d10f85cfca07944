"""--fast-path: the host sees the same with it and without, at any moment."""

import contextlib
import signal
import socket
import struct
import threading
import time

import pytest
from harness.accounting import check_accounting, check_final
from harness.control import Control
from harness.frames import ACK, SYN, Flow, echo_request, send, tcp
from harness.nft import Counters
from harness.pktgen import pktgen
from harness.servers import curl, http_server
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=2)

FAST = ("--fast-path", "--inline-drop", "none")
ROUNDS = 10
RULES = """
table netdev filter {{
    set good {{ type ipv4_addr; flags timeout; elements = {{ {good} }} }}
    chain in {{
        type filter hook ingress device "eth0" priority 0; policy accept;
        tcp dport 22 counter accept
        tcp dport 23 tcp flags syn drop
        tcp dport 24 drop
        tcp dport 25 log prefix "mail: " accept
        tcp dport 26 limit rate over 1000000/second drop
        ip saddr @good accept
        udp dport 5000 {verdict}
    }}
}}
"""
# Destination port: whether the flow may be remembered, and how many of ROUNDS packets with SYN and
# as many with ACK arrive.
PORTS = {
    22: (False, 2 * ROUNDS),  # counts
    23: (False, ROUNDS),  # looks at the flags
    24: (False, 0),
    25: (False, 2 * ROUNDS),  # logs
    26: (False, 2 * ROUNDS),  # limits
    443: (True, 2 * ROUNDS),
    444: (True, 2 * ROUNDS),
}
STAMP = struct.Struct("!Q")


def rules(path, verdict="accept", good=""):
    path.write_text(RULES.format(verdict=verdict, good=good or "192.0.2.1"))
    return path


def hits(stats):
    return stats["fast_path"]["hits"]


@pytest.fixture
def control(tmp_path):
    return Control(tmp_path / "sock")


class Datagrams:
    """While the "with" statement runs, gen sends UDP to fw without a pause; each says when."""

    INTERVAL_S = 0.0002
    PORT = 5000

    def __init__(self, lab):
        self._to = (lab["fw"].ipv4, self.PORT)
        self._sender = lab["gen"].socket(kind=socket.SOCK_DGRAM)
        self._receiver = lab["fw"].socket(kind=socket.SOCK_DGRAM, timeout_s=0.05)
        self._receiver.bind(self._to)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send), threading.Thread(target=self._receive)]
        self.arrived = []  # when they were sent, ns

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._sender.close()
        self._receiver.close()

    def _send(self):
        while not self._stop.wait(self.INTERVAL_S):
            self._sender.sendto(STAMP.pack(time.monotonic_ns()), self._to)

    def _receive(self):
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                self.arrived.append(STAMP.unpack(self._receiver.recv(64))[0])

    def wait_passing(self, afxfw):
        """Until they pass in the kernel, by the fast path."""
        before = hits(afxfw.wait_stats(lambda _: True, "statistics"))
        arrived = len(self.arrived)
        afxfw.wait_stats(lambda now: hits(now) > before + 100, "hits")
        assert len(self.arrived) > arrived

    def stop_at(self, change):
        """Not one arrives of those that were sent after change() has returned."""
        assert time.monotonic_ns() - self.arrived[-1] < 1e9, "they do not arrive"
        change()
        returned = time.monotonic_ns()
        time.sleep(0.3)
        late = [sent - returned for sent in self.arrived if sent > returned]
        assert not late, f"{len(late)} arrived, the last sent {late[-1] / 1e6} ms after the change"


def test_the_host_sees_the_same(lab, start_afxfw, mode, version, tmp_path):
    """Rules that count, log, limit or look at more than the flow see every packet."""
    gen, fw = lab["gen"], lab["fw"]
    flow = Flow(gen, fw, version=version)
    pings = [flow.frame(echo_request(version))]
    frames = {flags: [flow.frame(tcp(40000, port, flags)) for port in PORTS]
              for flags in (SYN, ACK)}
    frames[SYN] += pings
    eligible = sum(remembered for remembered, _ in PORTS.values())
    matches = {f"port{port}": f"tcp dport {port}" for port in PORTS}

    def run(*options):
        with Counters(fw, ping="meta l4proto { icmp, ipv6-icmp }", **matches) as counters:
            afxfw = start_afxfw(fw, "--mode", mode, "--rules", rules(tmp_path / "rules"),
                                "--inline-drop", "none", *options)
            sent = 0
            for number in range(ROUNDS):
                for flags in (SYN, ACK):
                    send(gen, frames[flags])
                    sent += len(frames[flags])
                    afxfw.wait_stats(lambda now: now["inline"]["redirect"] + hits(now) >= sent,
                                     f"{sent} packets")
                if number == ROUNDS // 2 and options:
                    afxfw.wait_stats(lambda now: now["fast_path"]["added"] == eligible,
                                     f"{eligible} flows")
            final = afxfw.finish()
            counters.wait(**{f"port{port}": arrived for port, (_, arrived) in PORTS.items()})
            seen = counters.read()
        check_final(final)
        return final, seen

    without, seen_without = run()
    with_it, seen_with = run("--fast-path")
    assert seen_with["ping"] >= ROUNDS and seen_without["ping"] >= ROUNDS
    for final in (without, with_it):
        assert final["inline"]["redirect"] + hits(final) >= ROUNDS * sum(map(len, frames.values()))
        counted = [rule["packets"] for rule in final["rules"] if rule["packets"] is not None]
        assert counted == [2 * ROUNDS]
        assert final["packet_log"]["lines"] == 2 * ROUNDS
        assert final["drop_reasons"]["rule"] == 3 * ROUNDS
    assert without["fast_path"] == {"flows": 0, "hits": 0, "misses": 0, "added": 0, "failed": 0}
    # Each flow's first two packets go by the worker, at least, and those after half the rounds do not.
    assert eligible * (ROUNDS - 2) <= hits(with_it) <= eligible * (2 * ROUNDS - 2)
    assert with_it["fast_path"]["failed"] == 0
    assert with_it["fast_path"]["misses"] + hits(with_it) == 2 * ROUNDS * len(PORTS)
    assert with_it["inline"]["fast_path"] == hits(with_it)


def test_changes_are_in_force_at_once(lab, start_afxfw, mode, control, tmp_path):
    """By the clock, with packets all the time: none that was sent after a change was reported."""
    gen, fw = lab["gen"], lab["fw"]
    path = rules(tmp_path / "rules")
    afxfw = start_afxfw(fw, "--mode", mode, *FAST, "--control", control.path, "--rules", path)
    with Datagrams(lab) as traffic:
        traffic.wait_passing(afxfw)
        traffic.stop_at(lambda: control.run("block", gen.ipv4))
        control.run("unblock", gen.ipv4)
        traffic.wait_passing(afxfw)
        rules(path, verdict="drop")
        traffic.stop_at(lambda: control.run("reload"))
        control.run("add", "element", "good", f"{{ {gen.ipv4} timeout 4s }}")
        traffic.wait_passing(afxfw)
        traffic.stop_at(lambda: wait_until(
            lambda: gen.ipv4 not in control.elements("good"), "its expiry", timeout_s=10))
        control.run("add", "element", "good", f"{{ {gen.ipv4} }}")
        traffic.wait_passing(afxfw)
        traffic.stop_at(lambda: control.run("delete", "element", "good", f"{{ {gen.ipv4} }}"))
    for stats in afxfw.all_stats:
        check_accounting(stats)
    assert control.status()["fast_path"]["hits"] > 0


def test_nothing_passes_once_it_was_killed(lab, start_afxfw):
    """--on-failure drop holds for the flows that it had accepted, too."""
    afxfw = start_afxfw(lab["fw"], *FAST, "--on-failure", "drop")
    with Datagrams(lab) as traffic:
        traffic.wait_passing(afxfw)
        def kill():
            afxfw.send(signal.SIGKILL)
            afxfw.wait(10)
        traffic.stop_at(kill)
    start_afxfw(lab["fw"]).finish()  # which takes away what was left


def test_more_flows_than_fit(lab, start_afxfw):
    """Twice as many, some at a time: each finds room."""
    gen, fw = lab["gen"], lab["fw"]
    at_a_time, rounds, groups = 256, 8, 8
    afxfw = start_afxfw(fw, *FAST, "--fast-path-flows", 1024)
    hits_before = 0
    with Counters(fw, seen="tcp dport 443") as counters:
        for group in range(groups):
            report = pktgen(gen, dst_mac=fw.mac, src=f"198.19.{group}.0/24", order="sequential",
                            dst=fw.ipv4, proto="tcp", sport=40000, dport=443,
                            count=rounds * at_a_time, rate=10_000)
            assert report["sent"] == rounds * at_a_time
            looked_up = (group + 1) * rounds * at_a_time
            stats = afxfw.wait_stats(
                lambda now: hits(now) + now["fast_path"]["misses"] == looked_up, "all packets")
            assert hits(stats) > hits_before + at_a_time
            hits_before = hits(stats)
        final = afxfw.finish()
        counters.wait(seen=groups * rounds * at_a_time - final["total"]["kernel_drops"])
    check_final(final)
    assert final["fast_path"]["added"] > final["fast_path"]["flows"] == 1024
    assert final["fast_path"]["failed"] == 0


def test_a_transfer(lab, start_afxfw, tmp_path):
    """TCP over veth, whose checksums are unfinished where the host sees them."""
    fw, gen = lab["fw"], lab["gen"]
    content = bytes(range(256)) * 40_000
    (tmp_path / "file").write_bytes(content)
    afxfw = start_afxfw(fw, *FAST)
    with http_server(fw, tmp_path):
        done = curl(gen, fw.ipv4, "/file", "--output", tmp_path / "copy")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "copy").read_bytes() == content
    final = afxfw.finish()
    assert hits(final) > final["total"]["accepted"], "most of it"
