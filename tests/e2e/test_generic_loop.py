"""A reinjected packet is not filtered again: in generic mode it would go round for ever."""

import pytest
from harness.accounting import check_final
from harness.frames import Flow, echo_request, send, udp
from harness.nft import Counters

pytestmark = pytest.mark.lab(topology="pair", queues=2)

ROUNDS = 20
LINES_TO_WAIT = 10  # statistics; in this time a packet in a loop makes some 100,000 rounds
DESTINATIONS = [  # address, and MAC address unless it is the host's
    ("198.18.0.1", None), ("2001:db8:1::1", None), ("198.18.0.99", None),
    ("198.18.0.255", "ff:ff:ff:ff:ff:ff"), ("239.198.18.1", "01:00:5e:46:12:01"),
    ("ff02::1", "33:33:00:00:00:01")]


def test_each_packet_is_redirected_once(lab, start_afxfw, mode):
    gen, fw = lab["gen"], lab["fw"]
    frames = []
    for address, mac in DESTINATIONS:
        version = 6 if ":" in address else 4
        flow = Flow(gen, fw, version=version, destination=address, destination_mac=mac)
        frames += [flow.frame(echo_request(version)), flow.frame(udp(1024, 5000))]
    afxfw = start_afxfw(fw, "--mode", mode, "--inline-drop", "none")
    with Counters(fw, seen=f"ether saddr {gen.mac}") as counters:
        for rounds in range(1, ROUNDS + 1):
            send(gen, frames)
            counters.wait(seen=rounds * len(frames))
        lines = len(afxfw.stdout_lines)
        stats = afxfw.wait_stats(lambda _: len(afxfw.stdout_lines) >= lines + LINES_TO_WAIT,
                                 f"{LINES_TO_WAIT} more lines")
        assert stats["inline"]["redirect"] == ROUNDS * len(frames)
        counters.wait(seen=ROUNDS * len(frames))
    final = afxfw.finish()
    check_final(final)
    assert final["inline"]["redirect"] == final["total"]["reinjected"] == ROUNDS * len(frames)
