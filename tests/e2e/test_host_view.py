"""The host cannot tell reinjected packets from those that just arrived on its interface."""

import collections
import contextlib
import json
import socket
import struct

import pytest
from harness.afxfw import Afxfw
from harness.accounting import check_final, check_no_fallback
from harness.capture import Capture
from harness.frames import Flow, echo_request, gre, options_header, send, tcp, udp

PORT = 5000
COPIES = 20
GROUPS = {4: "239.198.18.1", 6: "ff05::db8:1"}
BROADCAST = "198.18.0.255"
ALL_NODES = "ff02::1%eth0"
VLAN = 5
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


@pytest.fixture(scope="module")
def firewall(lab, mode):
    """Lets everything through."""
    with Afxfw(lab["fw"], "--mode", mode, "--inline-drop", "none") as afxfw:
        yield afxfw.wait_ready()
        final = afxfw.finish()
    check_no_fallback(afxfw.all_stats)  # so that everything here was reinjected
    check_final(final)


@contextlib.contextmanager
def sysctl(host, name, value):
    before = host.run("sysctl", "-n", name).stdout.strip()
    host.run("sysctl", "-qw", f"{name}={value}")
    yield
    host.run("sysctl", "-qw", f"{name}={before}")


def frames_of_many_kinds(flow):
    """Distinct frames of each kind that reaches the workers."""
    for number in range(COPIES):
        data = struct.pack("!I", number) * 16
        yield flow.frame(udp(1024 + number, PORT, data))
        yield flow.frame(tcp(1024 + number, PORT, data=data))
        yield flow.frame(echo_request(flow.version, data))
        yield flow.frame(gre(flow.version, data))
        yield flow.frame(udp(1024, PORT, data), tags=[VLAN])
        yield flow.frame(udp(1024, PORT, data), tags=[100, VLAN])
        yield from flow.fragments(udp(1024, PORT, data))
        if flow.version == 4:
            yield flow.frame(udp(1024, PORT, data), ip_options=bytes([1] * 4))
        else:
            yield flow.frame(udp(1024, PORT, data), extensions=[options_header()])


def test_frames_arrive_as_they_were_sent(lab, firewall, version, tmp_path):
    client, fw = lab["client"], lab["fw"]
    sent = collections.Counter(frames_of_many_kinds(Flow(client, fw, version=version)))
    with Capture(fw, tmp_path / "arrived.pcap", f"ether src {client.mac}") as capture:
        send(client, sent.elements())
        capture.wait(sent.total())
        answered = client.ping(fw.address(version))  # after them, so that a repetition would show
        frames = capture.frames()
    arrived = collections.Counter(frame for frame in frames if frame in sent)
    assert arrived == sent
    assert answered


def listener(host, version):
    made = host.socket(FAMILIES[version], socket.SOCK_DGRAM)
    made.bind(("", PORT))
    return made


def join(group_socket, host, version):
    group = socket.inet_pton(FAMILIES[version], GROUPS[version])
    index = host.link()["ifindex"]
    if version == 4:
        group_socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                                struct.pack("=4s4si", group, bytes(4), index))
    else:
        group_socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                                struct.pack("=16si", group, index))


def send_to_group(host, version, data):
    with host.socket(FAMILIES[version], socket.SOCK_DGRAM) as sender:
        index = host.link()["ifindex"]
        if version == 4:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                              struct.pack("=4s4si", bytes(4), bytes(4), index))
        else:
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        sender.sendto(data, (GROUPS[version], PORT))


def test_multicast(lab, firewall, version):
    client, fw = lab["client"], lab["fw"]
    with listener(fw, version) as member:
        join(member, fw, version)
        send_to_group(client, version, b"to the group")
        assert member.recv(100) == b"to the group"


def test_broadcast(lab, firewall):
    client, fw = lab["client"], lab["fw"]
    with listener(fw, 4) as receiver, client.socket(kind=socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.sendto(b"to all", (BROADCAST, PORT))
        assert receiver.recv(100) == b"to all"


def test_ping_to_broadcast(lab, firewall):
    with sysctl(lab["fw"], "net.ipv4.icmp_echo_ignore_broadcasts", 0):
        assert lab["client"].ping(BROADCAST, "-b")


def test_ping_to_all_nodes(lab, firewall):
    """The fw's own reply: the client itself would answer from its own link-local address."""
    done = lab["client"].run("ping", "-n", "-c2", "-i0.1", "-w2", ALL_NODES, check=False)
    assert "fe80::af:ff:fe00:1" in done.stdout


def test_neighbours_are_found_again(lab, firewall, version):
    client, fw = lab["client"], lab["fw"]
    for host in (client, fw):
        host.run("ip", "neighbour", "flush", "dev", "eth0")
    assert client.ping(fw.address(version))
    entries = json.loads(fw.run("ip", "-j", "neighbour", "show", client.address(version)).stdout)
    assert [(entry["dev"], entry["lladdr"]) for entry in entries] == [("eth0", client.mac)]


def test_sockets_bound_to_the_interface(lab, firewall, version):
    assert lab["fw"].ping(lab["client"].address(version), "-I", "eth0")


def test_strict_reverse_path_filter(lab, firewall):
    with sysctl(lab["fw"], "net.ipv4.conf.eth0.rp_filter", 1):
        assert lab["client"].ping(lab["fw"].ipv4)
