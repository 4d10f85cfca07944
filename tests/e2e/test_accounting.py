"""Every packet that was sent is in exactly one counter, and the host sees exactly those reinjected.

The pair of hosts carries no frame but those sent, so that totals can be compared to the packet.
"""

import socket

import pytest
from harness.accounting import check_accounting, check_final
from harness.frames import SYN, Flow, send, tcp
from harness.lab import Lab
from harness.nft import Counters
from harness.pktgen import pktgen

pytestmark = pytest.mark.lab(topology="pair", queues=2)

COUNT = 2000  # fits a ring, so that the kernel drops none while each run is waited for
PACED = 20_000  # packets a second
FLOOD = 100_000
BLOCKED = {4: "198.51.100.0/24", 6: "2001:db8:bad::/48"}
UDP_BYTES = {4: 60, 6: 14 + 40 + 8}  # no frame is shorter than 60 bytes
TCP_BYTES = {4: 60, 6: 14 + 40 + 20}
ARP_REQUEST = bytes.fromhex("0001 0800 0604 0001") + bytes(20)
ARP_TYPE = b"\x08\x06"


@pytest.fixture
def blocklist(tmp_path):
    (tmp_path / "block").write_text("\n".join(BLOCKED.values()))
    return tmp_path / "block"


def generate(lab, version, **options):
    """Sends packets to fw's address; returns how many."""
    fw = lab["fw"]
    options = {"src": lab["gen"].address(version), "dst": fw.address(version), "proto": "tcp",
               "dport": 443, "count": COUNT, "rate": PACED} | options
    return pktgen(lab["gen"], dst_mac=fw.mac, **options)["sent"]


def outcomes(stats):
    xdp = stats["inline"]
    return sum(xdp[name] for name in ("pass", "drop", "redirect", "fallback", "malformed",
                                      "fast_path", "push_down"))


def settled(stats):
    """Packets that are not on their way to a worker any more."""
    return outcomes(stats) - stats["inline"]["redirect"] + stats["total"]["received"]


def check_all(afxfw):
    """Stops it and checks the accounting of every line it printed; returns the last."""
    final = afxfw.finish()
    for stats in afxfw.all_stats:
        check_accounting(stats)
    check_final(final)
    return final


def test_each_packet_is_counted_where_it_ended(lab, start_afxfw, mode, version, blocklist):
    gen, fw = lab["gen"], lab["fw"]
    afxfw = start_afxfw(fw, "--mode", mode, "--blocklist", blocklist)
    whole = Flow(gen, fw, version=version).frame(tcp(1024, 443, SYN))
    malformed = [whole[:-1], whole[:20]]
    arp = whole[:12] + ARP_TYPE + ARP_REQUEST
    runs = {
        "UDP": {"proto": "udp"},
        "web": {"dport": 80},
        "blocked": {"src": BLOCKED[version]},
        "TCP": {},
        "echo": {"proto": "icmp", "dport": None},
    }
    sent = {}
    with Counters(fw, seen="") as counters:
        for name, options in runs.items():
            sent[name] = generate(lab, version, **options)
            so_far = sum(sent.values())
            afxfw.wait_stats(lambda now, so_far=so_far: settled(now) == so_far,
                             f"{so_far} packets")
        send(gen, malformed + [arp] * 3)
        so_far += len(malformed) + 3
        afxfw.wait_stats(lambda now: outcomes(now) == so_far, f"{so_far} packets")
        accepted = sent["TCP"] + sent["echo"]
        counters.wait(seen=accepted)
        final = check_all(afxfw)
        counters.wait(seen=accepted)

    assert final["inline_drop_reasons"] == {"protocol": sent["UDP"], "port": sent["web"]}
    assert {name: final["inline"][name] for name in ("pass", "malformed", "fallback")} == {
        "pass": 3, "malformed": len(malformed), "fallback": 0}
    total = final["total"]
    assert (total["received"], total["kernel_drops"]) == (sent["blocked"] + accepted, 0)
    assert (total["reinjected"], total["tx_full"]) == (accepted, 0)
    assert final["drop_reasons"] == {
        "blocklist": sent["blocked"], "rule": 0, "policy": 0, "malformed": 0}
    assert final["inline"]["bytes"]["drop"] == (sent["UDP"] * UDP_BYTES[version] +
                                                sent["web"] * TCP_BYTES[version])
    assert {rule["packets"]: rule["bytes"] for rule in final["rules"]} == {
        0: 0, sent["blocked"]: sent["blocked"] * TCP_BYTES[version]}


def test_a_flood_is_accounted_for_to_the_packet(lab, start_afxfw, mode, version, blocklist):
    """What the kernel drops because a ring is full is counted too, and is all there is missing."""
    fw = lab["fw"]
    afxfw = start_afxfw(fw, "--mode", mode, "--blocklist", blocklist)
    with Counters(fw, seen="") as counters:
        sent = generate(lab, version, count=FLOOD, rate=None)
        afxfw.wait_stats(lambda now: now["inline"]["redirect"] == sent, f"{sent} packets")
        final = check_all(afxfw)
        counters.wait(seen=final["total"]["reinjected"])
    assert final["total"]["received"] + final["total"]["kernel_drops"] == sent


def test_workers_that_only_count(lab, start_afxfw, mode):
    afxfw = start_afxfw(lab["fw"], "--mode", mode, "--reinject", "none")
    with Counters(lab["fw"], seen="") as counters:
        sent = 0
        for version in (4, 6):
            sent += generate(lab, version)
            afxfw.wait_stats(lambda now: now["total"]["received"] == sent, f"{sent} packets")
        assert counters.read() == {"seen": 0}
        final = afxfw.finish()
    check_final(final, reinject=False)
    assert final["total"]["accepted"] == sent


class TestEightQueues:
    QUEUES = 8
    FLOWS = 200

    @pytest.fixture(scope="class")
    def lab(self, lab_prefix):
        with Lab(lab_prefix(), "pair", queues=self.QUEUES) as up:
            yield up

    def test_traffic_of_each_queue_reaches_its_worker_and_the_host(self, lab, start_afxfw, mode):
        gen, fw = lab["gen"], lab["fw"]
        afxfw = start_afxfw(fw, "--mode", mode, "--queues", "8", "--inline-drop", "none")
        with Counters(fw, seen="udp dport 5000") as counters:
            for _ in range(self.FLOWS):  # a veth spreads flows over its queues by their hash
                with gen.socket(kind=socket.SOCK_DGRAM) as each:
                    each.sendto(b"0", (fw.ipv4, 5000))
            counters.wait(seen=self.FLOWS)
        final = check_all(afxfw)
        assert [queue["queue"] for queue in final["queues"]] == list(range(self.QUEUES))
        busy = sum(queue["received"] > 0 for queue in final["queues"])
        # Without NAPI, so in generic mode, a veth takes the queue's number for one too many: the
        # last one stays idle.
        assert busy == self.QUEUES or mode == "generic" and busy == self.QUEUES - 1
        assert final["total"]["received"] == self.FLOWS
