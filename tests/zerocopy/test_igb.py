"""Zero-copy on a card of Intel's, whose driver does what those of real cards do."""

import collections

import pytest
from conftest import QUEUES
from guest import machine, packages
from guest.wires import Wires
from harness.accounting import check_final
from harness.capture import Capture
from mixes import BLOCKED, send_mixes
from transfer import exchange

ZERO_COPY_SINCE = (6, 14)
REQUIRED = ("--zero-copy", "require")


@pytest.fixture(scope="module")
def guest(boot):
    def kernel():
        return packages.kernel(flavour="", at_least=ZERO_COPY_SINCE)

    try:
        qemu = machine.unpacked_qemu(packages.newer_qemu())
    except packages.Unavailable as reason:
        pytest.skip(str(reason))
    with Wires(1) as wires, boot(kernel, wires, machine.igb(wires), qemu=qemu) as up:
        up.bring_up(QUEUES)
        up.write("/tmp/blocklist", BLOCKED)
        yield up


def check_zero_copy(afxfw):
    status = afxfw.status()
    assert status["xdp_mode"] == "native"
    assert [queue["zero_copy"] for queue in status["queues"]] == [True] * QUEUES
    return status


def test_connections_arrive_whole(guest, start_afxfw):
    """Full-sized packets, too, of which this card puts no more into a buffer than whole KiB."""
    afxfw = start_afxfw(*REQUIRED)
    check_zero_copy(afxfw)
    guest.wait_for_carrier("eth0")
    exchange(guest, guest.wires[0], QUEUES)
    final = afxfw.finish()
    check_final(final)
    assert final["inline"]["fallback"] == 0


def test_forwards(guest, start_afxfw, tmp_path):
    afxfw = start_afxfw(*REQUIRED, "--blocklist", "/tmp/blocklist", "--reinject", "dev:eth1")
    check_zero_copy(afxfw)
    for name in ("eth0", "eth1"):
        guest.wait_for_carrier(name)
    with Capture(guest.wires[1], tmp_path / "sent.pcap", direction="in") as capture:
        mixes = send_mixes(guest.wires[0], QUEUES)
        accepted = [frame for mix in mixes for frame in mix.accepted]
        assert collections.Counter(capture.wait(len(accepted))) == collections.Counter(accepted)
    exchange(guest, guest.wires[1], QUEUES)  # eth1 goes on receiving for its own host
    final = afxfw.finish()
    check_final(final)
    assert final["total"]["accepted"] == final["total"]["reinjected"] == len(accepted)
    assert final["total"]["received"] == sum(len(mix.for_the_worker) for mix in mixes)
    assert final["inline"]["drop"] == sum(len(mix.dropped_inline) for mix in mixes)


def test_the_kernel_keeps_the_queues_as_they_are(guest, start_afxfw):
    afxfw = start_afxfw(*REQUIRED)
    refused = guest.run(f"ethtool -L eth0 combined {QUEUES // 2}", check=False)
    assert refused.code != 0
    check_zero_copy(afxfw)
    afxfw.finish()
