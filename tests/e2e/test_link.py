"""The filtered interface changes, goes down or goes away while afxfw runs."""

import pytest
from harness.accounting import check_accounting, check_final
from harness.afxfw import AFXFW
from harness.frames import Flow, Stream, echo_request, send
from harness.lab import Lab
from harness.nft import Counters

COUNT = 200
OTHER_MAC = "02:af:00:00:00:99"
END_LIMIT_S = 10


@pytest.fixture
def lab(lab_prefix):
    """A new one for each test: they leave the interface in another state."""
    with Lab(lab_prefix(), "pair", queues=2) as up:
        yield up


@pytest.fixture
def traffic(lab):
    with Stream(lab["gen"], Flow(lab["gen"], lab["fw"]).frame(echo_request(4))):
        yield


def wait_for_traffic(afxfw):
    so_far = afxfw.wait_stats(lambda _: True, "statistics")["total"]["reinjected"]
    afxfw.wait_stats(lambda now: now["total"]["reinjected"] > so_far + COUNT, "traffic")


def wait_for_lines(afxfw, text, count):
    afxfw.wait_stats(lambda _: sum(text in line for line in afxfw.stderr_lines) >= count,
                     f"'{text}' {count} times")


@pytest.mark.parametrize("host, interface", [("fw", "eth0"), ("gen", "gen0")],
                         ids=["own end", "other end"])
def test_filters_again_after_the_link_was_down(lab, start_afxfw, mode, traffic, host, interface):
    afxfw = start_afxfw(lab["fw"], "--mode", mode, "--on-failure", "drop")
    at_start = afxfw.wait_stats(lambda _: True, "statistics")
    for times in (1, 2):
        wait_for_traffic(afxfw)
        lab[host].run("ip", "link", "set", interface, "down")
        wait_for_lines(afxfw, "eth0: the link is down", times)
        lab[host].run("ip", "link", "set", interface, "up")
        wait_for_lines(afxfw, "eth0: the link is up", times)
    wait_for_traffic(afxfw)
    final = afxfw.finish()
    check_final(final)
    for stats in afxfw.all_stats:
        check_accounting(stats)
    assert final["inline"]["fallback"] == at_start["inline"]["fallback"]


@pytest.mark.parametrize("host, interface", [("fw", "eth0"), ("gen", "gen0")],
                         ids=["own end", "other end"])
def test_ends_when_the_interface_goes(lab, start_afxfw, mode, traffic, host, interface):
    fw = lab["fw"]
    afxfw = start_afxfw(fw, "--mode", mode)
    lock_file = afxfw.lock_file
    wait_for_traffic(afxfw)
    lab[host].run("ip", "link", "delete", interface)
    assert afxfw.wait(END_LIMIT_S) == 1
    afxfw.wait_for_line("eth0 has gone from this network namespace; stopping")
    check_accounting(afxfw.stats)
    assert fw.link_names() == ["lo"]
    assert not lock_file.exists()


def test_reinjects_after_the_mac_address_changed(lab, start_afxfw, mode):
    gen, fw = lab["gen"], lab["fw"]
    afxfw = start_afxfw(fw, "--mode", mode)
    fw.run("ip", "link", "set", "eth0", "address", OTHER_MAC)
    afxfw.wait_for_line("eth0: the MAC address changed; the reinjection pair follows")
    frame = Flow(gen, fw, destination_mac=OTHER_MAC).frame(echo_request(4))
    with Counters(fw, pings="icmp type echo-request") as counters:
        with afxfw.rises((lambda now: now["total"]["reinjected"], COUNT)):
            send(gen, [frame] * COUNT)
        counters.wait(pings=COUNT)
    check_final(afxfw.finish())


def test_follows_the_interface_to_another_name(lab, start_afxfw):
    """Statistics, the lock, and what is put back at the end."""
    fw = lab["fw"]
    fw.run("ethtool", "-K", "eth0", "rxvlan", "on")
    afxfw = start_afxfw(fw)
    fw.run("ip", "link", "set", "eth0", "name", "lan0")
    afxfw.wait_for_line("eth0 is now called lan0")
    second = fw.run(AFXFW, "--iface", "lan0", check=False)
    assert second.returncode == 1
    assert f"lan0 is already filtered by the afxfw with pid {afxfw.pid}" in second.stderr
    assert afxfw.finish()["interface"] == "lan0"
    assert "rx-vlan-offload: on" in fw.run("ethtool", "-k", "lan0").stdout
    assert "xdp" not in fw.link("lan0")
    assert fw.link_names() == ["lo", "lan0"]


def test_warns_of_an_mtu_that_no_longer_fits(lab, start_afxfw):
    fw = lab["fw"]
    afxfw = start_afxfw(fw)
    fw.run("ip", "link", "set", "eth0", "mtu", "3000")
    afxfw.wait_for_line("eth0: the MTU rose to 3000; packets that do not fit a frame of 2048 bytes")


def test_warns_of_queues_that_are_not_filtered(lab, start_afxfw):
    fw = lab["fw"]
    fw.run("ethtool", "-L", "eth0", "rx", "1", "tx", "1")
    afxfw = start_afxfw(fw)
    fw.run("ethtool", "-L", "eth0", "rx", "2", "tx", "2")
    afxfw.wait_for_line("eth0: 2 receive queues, but 1 are filtered")
