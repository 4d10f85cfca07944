"""Zero-copy on all queues of virtio_net, with the newest kernel that Debian's archive has."""

import collections
import threading
import time

import pytest
from conftest import QUEUES
from guest import machine, packages
from guest.wires import Wires
from harness.accounting import check_final, kernel_drops
from harness.capture import Capture
from harness.frames import send
from mixes import BLOCKED, frame_for, send_mixes
from transfer import exchange

UNSUPPORTED = 4
REQUIRED = ("--zero-copy", "require")


ZERO_COPY_SINCE = (6, 13)


@pytest.fixture(scope="module")
def guest(boot):
    def kernel():
        return packages.kernel(at_least=ZERO_COPY_SINCE)

    with Wires(QUEUES) as wires, boot(kernel, wires, machine.virtio(wires, QUEUES)) as up:
        up.bring_up(QUEUES)
        up.write("/tmp/blocklist", BLOCKED)
        yield up


@pytest.fixture(scope="module")
def wire(guest):
    return guest.wires[0]


def total_received(count):
    return lambda status: status["total"]["received"] >= count


def check_zero_copy(status):
    assert status["xdp_mode"] == "native"
    assert [queue["zero_copy"] for queue in status["queues"]] == [True] * QUEUES


def test_all_queues_are_zero_copy(start_afxfw):
    afxfw = start_afxfw(*REQUIRED)
    status = afxfw.status()
    check_zero_copy(status)
    # The driver has found its buffers there when the sockets were bound.
    assert [queue["kernel"]["rx_fill_ring_empty"] for queue in status["queues"]] == [0] * QUEUES
    messages = afxfw.messages()
    assert f"zero-copy on {QUEUES} of {QUEUES} queues" in messages
    assert "warning" not in messages
    check_final(afxfw.finish())


def test_accounts_for_every_packet_of_each_queue(guest, wire, start_afxfw):
    """sent = inline + received + kernel drops; the driver and the guest's stack count along.

    What XDP drops is what the driver does not count as redirected: its own count of drops leaves
    out those of zero-copy.
    """
    before, segments = guest.queue_counters("eth0"), guest.tcp_segments()
    afxfw = start_afxfw(*REQUIRED, "--blocklist", "/tmp/blocklist")
    mixes = send_mixes(wire, QUEUES)
    afxfw.wait_status(total_received(sum(len(mix.for_the_worker) for mix in mixes)),
                      "all packets")
    check_zero_copy(afxfw.status())
    final = afxfw.finish()
    after = guest.queue_counters("eth0")
    check_final(final)
    for queue, mix in zip(final["queues"], mixes):
        number = queue["queue"]
        seen, redirected = (after[number][name] - before[number][name]
                            for name in ("xdp_packets", "xdp_redirects"))
        assert seen == len(mix.frames), queue
        assert seen - redirected == len(mix.dropped_inline), queue
        assert redirected == queue["received"] + kernel_drops(queue), queue
        assert queue["dropped"] == len(mix.blocked), queue
        assert queue["accepted"] == queue["reinjected"] == len(mix.accepted), queue
    assert final["inline"]["drop"] == sum(len(mix.dropped_inline) for mix in mixes)
    assert guest.tcp_segments() - segments == sum(len(mix.accepted) for mix in mixes)


def test_accounts_for_what_the_kernel_drops(wire, start_afxfw):
    """While it is stopped, its rings overflow."""
    queue, count = 5, 2000
    afxfw = start_afxfw(*REQUIRED, "--reinject", "none", "--ring-size", 64, "--frames", 256)
    afxfw.signal("STOP")
    before = wire.sent_and_lost()
    send(wire, [frame_for(wire, queue)] * count)
    time.sleep(1)
    afxfw.signal("CONT")
    status = afxfw.wait_status(
        lambda now: now["total"]["received"] + now["total"]["kernel_drops"] >= count, "all packets")
    assert wire.sent_and_lost() == (before[0] + count, before[1])
    assert kernel_drops(status["queues"][queue]) > 0
    final = afxfw.finish()
    check_final(final, reinject=False)
    assert [part["received"] + kernel_drops(part) for part in final["queues"]] == [
        count if part["queue"] == queue else 0 for part in final["queues"]]


def test_connections_through_each_queue_arrive_whole(guest, wire, start_afxfw):
    afxfw = start_afxfw(*REQUIRED)
    exchange(guest, wire, QUEUES)
    final = afxfw.finish()
    check_final(final)
    assert all(queue["accepted"] > 10 for queue in final["queues"])
    assert final["inline"]["fallback"] == 0


@pytest.mark.parametrize("target, wire_number", [("dev:eth1", 1), ("tx", 0)])
def test_forwards_without_a_copy(guest, wire, start_afxfw, tmp_path, target, wire_number):
    """Out of eth1, or back out of eth0, from the memory in which eth0 received."""
    afxfw = start_afxfw(*REQUIRED, "--blocklist", "/tmp/blocklist", "--reinject", target)
    status = afxfw.status()
    check_zero_copy(status)
    for queue in status["queues"]:
        assert queue["reinject_zero_copy"] and queue["reinject_shares_umem"]
    with Capture(guest.wires[wire_number], tmp_path / "sent.pcap", direction="in") as capture:
        mixes = send_mixes(wire, QUEUES)
        accepted = [frame for mix in mixes for frame in mix.accepted]
        capture.wait(len(accepted))
        final = afxfw.finish()
        assert collections.Counter(capture.frames()) == collections.Counter(accepted)
    check_final(final)
    assert [queue["reinjected"] for queue in final["queues"]] == [len(mix.accepted)
                                                                  for mix in mixes]


def test_the_other_interface_goes_on_receiving(guest, start_afxfw):
    """Its queues are taken for sending, but what it receives is its own host's."""
    afxfw = start_afxfw(*REQUIRED, "--reinject", "dev:eth1")
    exchange(guest, guest.wires[1], QUEUES)
    afxfw.finish()


class Background:
    """Sends frames to all queues, evenly and not too fast, while the "with" statement runs."""

    def __init__(self, wire):
        self._wire = wire
        self._frames = [frame_for(wire, queue) for queue in range(QUEUES)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.rounds = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(0.01):
            send(self._wire, self._frames)
            self.rounds += 1


def test_the_kernel_keeps_the_queues_as_they_are_under_traffic(guest, wire, start_afxfw):
    afxfw = start_afxfw(*REQUIRED, "--reinject", "none")
    with Background(wire) as background:
        refused = guest.run(f"ethtool -L eth0 combined {QUEUES // 2}", check=False)
        assert refused.code != 0
        afxfw.wait_status(total_received(30 * QUEUES), "packets after that")
    afxfw.wait_status(total_received(background.rounds * QUEUES), "all packets")
    check_zero_copy(afxfw.status())
    final = afxfw.finish()
    check_final(final, reinject=False)
    assert [queue["received"] for queue in final["queues"]] == [background.rounds] * QUEUES


def test_shares_the_interface_with_another_xdp_program(guest, wire, start_afxfw):
    """In libxdp's dispatcher: xdp-filter gets what afxfw passes, such as ARP, and drops it."""
    afxfw = start_afxfw(*REQUIRED, "--reinject", "none")
    assert afxfw.status()["xdp_dispatcher"]
    assert wire.arp_answered()
    guest.run(f"xdp-filter load eth0 --mode native && xdp-filter ether --mode src {wire.mac}")
    attached = guest.run("xdp-loader status eth0").stdout
    assert all(name in attached for name in ("xdp_dispatcher", "afxfw_xdp", "xdpfilt_alw_all"))
    assert not wire.arp_answered()
    wire.steer()
    send(wire, [frame_for(wire, queue) for queue in range(QUEUES)])
    afxfw.wait_status(total_received(QUEUES), "what afxfw does not pass")
    guest.run("xdp-filter unload eth0")
    assert wire.arp_answered()
    check_zero_copy(afxfw.status())
    final = afxfw.finish()
    check_final(final, reinject=False)
    assert [queue["received"] for queue in final["queues"]] == [1] * QUEUES
    assert final["inline"]["pass"] == 3


def test_refuses_queues_that_would_not_be_filtered(guest):
    """With queues to spare, the driver turns some on when an XDP program is attached."""
    few = QUEUES // 2
    guest.run(f"ethtool -L eth0 combined {few}")
    try:
        done = guest.run(f"afxfw --iface eth0 --queues {few}", check=False)
    finally:
        guest.run(f"ethtool -L eth0 combined {QUEUES}")
    assert done.code == UNSUPPORTED
    assert (f"receives on {few + machine.PROCESSORS} queues instead of {few}, and packets of the new "
            "ones would not be filtered") in done.stderr


def test_leaves_the_interface_as_it_was(guest, start_afxfw):
    before = guest.run("ip address").stdout
    start_afxfw(*REQUIRED).finish()
    assert guest.run("ip address").stdout == before
    assert "xdp_dispatcher" not in guest.run("xdp-loader status eth0").stdout
