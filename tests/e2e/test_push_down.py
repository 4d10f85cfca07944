"""--push-down: XDP drops what the hottest blocked sources send, and only that."""

import pytest
from harness.accounting import check_accounting, check_final
from harness.control import Control
from harness.frames import Flow, echo_request, send
from harness.nft import Counters
from harness.pktgen import Pktgen
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=2)

BLOCKED = "198.51.100.0/24"
FLOOD = "198.51.100.64/29"  # 8 sources
BAD = "198.51.100.64"
BAD_IPV6 = "2001:db8:bad::7"
RATE = 40_000  # packets a second


@pytest.fixture
def control(tmp_path):
    return Control(tmp_path / "sock")


@pytest.fixture
def start(lab, start_afxfw, control, tmp_path):
    (tmp_path / "block").write_text(f"{BLOCKED}\n2001:db8:bad::/48\n")
    return lambda *options: start_afxfw(
        lab["fw"], "--control", control.path, "--inline-drop", "none",
        "--blocklist", tmp_path / "block", "--push-down", 16, *options)


def flood(lab, **options):
    fw = lab["fw"]
    return Pktgen(lab["gen"], dst_mac=fw.mac, **{"src": FLOOD, "order": "sequential",
                                                 "dst": fw.ipv4, "proto": "tcp", "dport": 443,
                                                 "rate": RATE, **options})


def rule_packets(stats):
    return sum(rule["packets"] for rule in stats["rules"] if "@blocklist" in rule["text"])


def test_a_flood_ends_in_xdp(lab, start, start_afxfw, mode, control):
    """Once pushed down, no packet of it goes to a worker; who is unblocked is let in at once."""
    fw = lab["fw"]
    afxfw = start("--mode", mode)
    with Counters(fw, bad=f"ip saddr {BAD}", others=f"ip saddr {BLOCKED} ip saddr != {BAD}") as seen:
        with flood(lab) as traffic:
            afxfw.wait_stats(lambda now: now["push_down"]["sources"] == 8, "all sources")
            before = afxfw.wait_stats(lambda now: now["inline"]["push_down"] > 0, "drops in XDP")
            after = afxfw.wait_stats(
                lambda now: now["inline"]["push_down"] >= before["inline"]["push_down"] + RATE // 2,
                "many more")
            assert after["total"]["received"] - before["total"]["received"] < RATE // 20
            control.run("unblock", BAD)
            assert control.status()["push_down"]["sources"] <= 7
            accepted = control.status()["total"]["accepted"]
            afxfw.wait_stats(lambda now: now["total"]["accepted"] > accepted, "the unblocked one")
            control.run("block", BAD)
            last = control.status()["total"]["accepted"]
            afxfw.wait_stats(lambda now: now["push_down"]["sources"] == 8, "it comes in again")
            assert control.status()["total"]["accepted"] == last
            control.run("allow", BAD)  # which wins
            assert control.status()["push_down"]["sources"] <= 7
            sent = traffic.finish()["sent"]
        final = afxfw.finish()
        counts = seen.read()
    for stats in afxfw.all_stats:
        check_accounting(stats)
    check_final(final)
    assert counts["others"] == 0
    assert counts["bad"] > 0
    # All of the flood is accounted for.
    xdp = final["inline"]
    assert xdp["push_down"] + xdp["redirect"] + xdp["fallback"] >= sent
    assert rule_packets(final) == final["drop_reasons"]["blocklist"] + xdp["push_down"]
    assert xdp["push_down"] == final["push_down"]["packets"]


def test_other_packets_and_ipv6(lab, start, control):
    """What is blocked anyway: IPv6, too; neighbour discovery passes; counters start anew."""
    gen, fw = lab["gen"], lab["fw"]
    afxfw = start()
    with flood(lab, src=BAD_IPV6, dst=fw.ipv6, order=None) as traffic:
        afxfw.wait_stats(lambda now: now["inline"]["push_down"] > 0, "drops in XDP")
        with afxfw.rises((lambda now: now["total"]["accepted"], 3)):
            send(gen, [Flow(gen, fw, version=6).frame(echo_request(6))] * 3)
        traffic.finish()
    control.run("reset", "counters")
    before = control.status()  # with nothing on its way
    assert rule_packets(before) == 0
    send(gen, [Flow(gen, fw, BAD_IPV6).frame(echo_request(6))] * 5)
    expected = before["inline"]["push_down"] + 5
    after = wait_until(lambda: (now := control.status())["inline"]["push_down"] >= expected and now,
                       "5 packets")
    assert after["inline"]["push_down"] == expected
    assert after["total"]["received"] == before["total"]["received"]
    assert rule_packets(after) == 5
    check_final(afxfw.finish())


def test_off_by_default(lab, start_afxfw, tmp_path):
    (tmp_path / "block").write_text(f"{BLOCKED}\n")
    afxfw = start_afxfw(lab["fw"], "--blocklist", tmp_path / "block")
    with flood(lab, count=2 * RATE) as traffic:
        traffic.report()
    final = afxfw.finish()
    check_final(final)
    assert final["inline"]["push_down"] == 0
    assert final["push_down"] == {"most": 0, "sources": 0, "packets": 0, "bytes": 0}
