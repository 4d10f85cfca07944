"""Debian 12's own kernel, whose virtio_net has no zero-copy."""

import pytest
from conftest import QUEUES
from guest import machine, packages
from guest.wires import Wires
from harness.accounting import check_final, kernel_drops
from mixes import BLOCKED, send_mixes
from transfer import exchange

UNSUPPORTED = 4


@pytest.fixture(scope="module")
def guest(boot):
    def kernel():
        return packages.kernel(packages.OWN_SUITE)

    with Wires(QUEUES) as wires, boot(kernel, wires, machine.virtio(wires, QUEUES)) as up:
        up.bring_up(QUEUES)
        up.write("/tmp/blocklist", BLOCKED)
        yield up


def test_copies_and_warns_of_the_driver(guest, start_afxfw):
    """Nothing else is lost by it: neither packets nor connections."""
    wire = guest.wires[0]
    afxfw = start_afxfw("--blocklist", "/tmp/blocklist")
    status = afxfw.status()
    assert status["xdp_mode"] == "native"
    assert [queue["zero_copy"] for queue in status["queues"]] == [False] * QUEUES
    assert (f"warning: eth0: the driver virtio_net has no zero-copy on {QUEUES} of {QUEUES} queues"
            in afxfw.messages())
    mixes = send_mixes(wire, QUEUES)
    status = afxfw.wait_status(
        lambda now: now["total"]["received"] >= sum(len(mix.for_the_worker) for mix in mixes),
        "all packets")
    assert [queue["received"] + kernel_drops(queue) for queue in status["queues"]] == [
        len(mix.for_the_worker) for mix in mixes]
    assert status["inline"]["drop"] == sum(len(mix.dropped_inline) for mix in mixes)
    exchange(guest, wire, QUEUES)
    check_final(afxfw.finish())


def test_refuses_if_zero_copy_is_required(guest):
    done = guest.run(f"afxfw --iface eth0 --queues {QUEUES} --zero-copy require", check=False)
    assert done.code == UNSUPPORTED
    assert "the driver refused zero-copy; use --zero-copy auto" in done.stderr
    assert "xdp_dispatcher" not in guest.run("xdp-loader status eth0").stdout
