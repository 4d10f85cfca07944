"""afxfw-pktgen's packets, as tcpdump and sockets take them."""

import subprocess

import pytest
from harness.pktgen_pair import METHODS, RECEIVER, capture, pktgen, run

IPV4 = ["--src", "198.18.0.0/16", "--dst", "198.19.0.0/24"]
IPV6 = ["--src", "2001:db8:0:1::/64", "--dst", "2001:db8:0:2::/120"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("addresses", [IPV4, IPV6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("vlan", [[], ["--vlan", "42"]], ids=["untagged", "vlan"])
@pytest.mark.parametrize(
    "protocol, good",
    [
        (["--proto", "udp"], "udp sum ok"),
        (["--proto", "udp", "--size", "1401"], "udp sum ok"),
        (["--proto", "tcp", "--tcp-flags", "syn,ack"], "Flags [S.], cksum"),
        (["--proto", "icmp"], "echo request"),
    ],
    ids=["udp", "udp1401", "tcp", "icmp"],
)
def test_tcpdump_finds_nothing_wrong(passing, tmp_path, method, addresses, vlan, protocol, good):
    # More than the 256 frames after which live frames begin to be reused.
    text = capture(tmp_path, 400, "--method", method, *addresses, *vlan, *protocol).verbose()
    for complaint in ("bad udp", "bad icmp", "bad cksum", "incorrect", "wrong", "truncated", "|"):
        assert complaint not in text
    assert text.count(good) == 400
    if "tcp" in protocol:
        assert text.count("(correct)") == 400
    if "icmp" in protocol and addresses is IPV6:
        assert text.count("icmp6 sum ok") == 400
    if vlan:
        assert text.count("vlan 42") == 400


@pytest.mark.parametrize("options", [IPV4, IPV6 + ["--proto", "tcp"]], ids=["ipv4", "ipv6"])
def test_both_methods_send_the_same_packets(passing, tmp_path, options):
    frames = {
        method: capture(tmp_path, 300, "--method", method, "--seed", 99, *options).frames()
        for method in METHODS
    }
    assert frames["live"] == frames["xsk"]
    assert len(set(frames["live"])) == 300


RECEIVE = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
receiver = socket.socket(family, socket.SOCK_DGRAM)
SO_RCVBUFFORCE = 33  # not in Python's socket module
receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
receiver.bind((sys.argv[1], 4000))
print("ready", flush=True)
receiver.settimeout(30)
sizes = [len(receiver.recv(65536)) for _ in range(int(sys.argv[2]))]
receiver.settimeout(0.3)
try:
    receiver.recv(65536)
    sizes.append(-1)
except TimeoutError:
    pass
print(len(sizes), set(sizes))
"""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("address", ["198.19.0.1", "2001:db8:0:2::1"])
@pytest.mark.parametrize("fragmented", [False, True], ids=["whole", "fragments"])
def test_a_socket_receives_the_datagrams(passing, method, address, fragmented):
    source = "2001:db8:0:1::/64" if ":" in address else "198.18.0.0/16"
    length = "128" if ":" in address else "32"
    run("ip", "-n", RECEIVER, "address", "add", f"{address}/{length}", "dev", "lo")
    run("ip", "-n", RECEIVER, "route", "add", source, "dev", "dut0")
    count = 500
    receiver = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{RECEIVER}", "python3", "-c", RECEIVE, address, str(count)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert receiver.stdout.readline() == "ready\n"
        options = ["--method", method, "--count", count, "--src", source, "--dst", address,
                   "--dport", 4000, "--rate", 5000]  # fmt: skip
        if fragmented:
            pktgen(*options, "--fragment", "first")
            pktgen(*options, "--fragment", "later")
            # The smallest frame of at least 60 bytes whose data is a multiple
            # of 8, twice that data, without the UDP header.
            expected = 2 * (8 if ":" in address else 32) - 8
        else:
            pktgen(*options)
            expected = 0 if ":" in address else 60 - 14 - 20 - 8
        assert receiver.communicate(timeout=40)[0] == f"{count} {{{expected}}}\n"
    finally:
        receiver.kill()
        receiver.communicate()
