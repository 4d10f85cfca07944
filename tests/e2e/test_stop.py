"""Stopping under traffic: all is as before, and no packet is lost on the way."""

import signal

import pytest
from harness.accounting import check_accounting, check_final
from harness.afxfw import AFXFW, LARGE_RINGS
from harness.frames import Flow, Stream, tcp
from harness.nft import Counters
from harness.pktgen import Pktgen
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=2)

PACED = 20_000  # packets a second
SOME = 500


def features(host):
    return host.run("ethtool", "-k", host.interface).stdout


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_leaves_the_machine_as_it_was(lab, start_afxfw, mode, stop):
    gen, fw = lab["gen"], lab["fw"]
    fw.run("ethtool", "-K", "eth0", "rxvlan", "on")
    links, offloads = fw.link_names(), features(fw)
    with Stream(gen, Flow(gen, fw).frame(tcp(1024, 443))):
        afxfw = start_afxfw(fw, "--mode", mode)
        lock_file = afxfw.lock_file
        afxfw.wait_stats(lambda now: now["total"]["reinjected"] > SOME, "traffic")
        assert features(fw) != offloads
        final = afxfw.finish(stop)
        assert (fw.link_names(), features(fw)) == (links, offloads)
        assert "xdp" not in fw.link()
        assert not lock_file.exists()
    check_final(final)
    for stats in afxfw.all_stats:
        check_accounting(stats)


def test_no_packet_is_lost_from_start_to_stop(lab, start_afxfw, mode):
    """The host receives each one: directly, reinjected or, in between, by --on-failure pass."""
    gen, fw = lab["gen"], lab["fw"]
    # So that it need not be turned off, which makes a veth lose what it has queued.
    fw.run("ethtool", "-K", "eth0", "gro", "off")
    with (Counters(fw, seen="tcp dport 443") as counters,
          Pktgen(gen, dst_mac=fw.mac, src=gen.ipv4, dst=fw.ipv4, proto="tcp", dport=443,
                 method="xsk", rate=PACED) as traffic):
        wait_until(lambda: counters.read()["seen"] > SOME, "traffic before the start")
        afxfw = start_afxfw(fw, "--mode", mode, *LARGE_RINGS)
        afxfw.wait_stats(lambda now: now["total"]["reinjected"] > SOME, "traffic")
        final = afxfw.finish()
        after = counters.read()["seen"]
        wait_until(lambda: counters.read()["seen"] > after + SOME, "traffic after the end")
        sent = traffic.finish()["sent"]
        # On a machine too busy for its workers, the kernel drops and counts what does not fit.
        counters.wait(seen=sent - final["total"]["kernel_drops"])
    check_final(final)
    fw.run("ethtool", "-K", "eth0", "gro", "on")


def test_stops_by_itself_after_a_duration(lab, start_afxfw):
    afxfw = start_afxfw(lab["fw"], "--duration", "0.5")
    assert afxfw.wait() == 0
    assert afxfw.stats["uptime_s"] >= 0.5


def test_detaches_without_cap_sys_admin(lab, mode):
    """The kernel lets nobody else open a program by its id; that must not keep it attached."""
    fw = lab["fw"]
    with fw.start("setpriv", "--bounding-set=-sys_admin", AFXFW, "--iface", "eth0", "--mode",
                  mode) as afxfw:
        afxfw.wait_for_line(r"\bready\b")
        assert "xdp" in fw.link()
        assert afxfw.stop() == 0
    assert "xdp" not in fw.link()
