"""The host's ends of the guest's network cables: TAP devices in a network namespace of their own."""

import itertools
import os
import socket
import struct
import subprocess
from typing import NamedTuple

from harness.lab import Host

from .steering import steer_by_source_port

# A queue of a TAP device holds so many packets that no test here overflows it unless it wants to.
TAP_QUEUE_PACKETS = 10_000
ETH_P_ARP = 0x0806

_numbers = itertools.count(1)


def _mac(text):
    return bytes.fromhex(text.replace(":", ""))


class GuestEnd(NamedTuple):
    """The guest's end of a wire."""
    interface: str
    mac: str
    ipv4: str

    def address(self, version):
        assert version == 4
        return self.ipv4


class Wire(Host):
    """The host at the other end of one of the guest's interfaces, named in the same order."""

    def __init__(self, namespace, number):  # not Host's: this is no host of tools/lab
        self.name = namespace
        self._queues = 0
        self.interface = f"tap{number}"
        self.namespace_path = f"/run/netns/{namespace}"
        self.ipv4 = f"198.18.{number}.2"
        self.mac = f"02:af:00:00:{number:02}:02"
        self.guest = GuestEnd(f"eth{number}", f"02:af:00:00:{number:02}:01", f"198.18.{number}.1")

    def address(self, version):
        assert version == 4
        return self.ipv4

    def make(self, queues):
        self._queues = queues
        many = ["multi_queue"] if queues > 1 else []
        self.run("ip", "tuntap", "add", "dev", self.interface, "mode", "tap", "vnet_hdr", *many)
        self.run("sysctl", "-qw", f"net.ipv6.conf.{self.interface}.disable_ipv6=1")
        self.run("ip", "link", "set", self.interface, "address", self.mac,
                 "txqueuelen", TAP_QUEUE_PACKETS, "up")
        self.run("ip", "address", "add", f"{self.ipv4}/24", "dev", self.interface)
        self.run("ip", "neighbour", "add", self.guest.ipv4, "lladdr", self.guest.mac,
                 "dev", self.interface)

    def steer(self):
        """If it has several queues: from now on, the low bits of a packet's source port tell which queue it takes.

        QEMU undoes it whenever the guest's driver says how many queues it uses, as it does when an
        XDP program is attached or detached.
        """
        if self._queues > 1:
            with self.entered():
                steer_by_source_port(self.interface, self._queues)

    def arp_answered(self, timeout_s=1.5):
        """Whether the guest answers one request for its address."""
        request = struct.pack("!6s6sHHHBBH6s4s6s4s", b"\xff" * 6, _mac(self.mac), ETH_P_ARP, 1, 0x0800,
                              6, 4, 1, _mac(self.mac), socket.inet_aton(self.ipv4), bytes(6),
                              socket.inet_aton(self.guest.ipv4))
        with self.socket(socket.AF_PACKET, socket.SOCK_RAW, timeout_s) as link:
            link.bind((self.interface, ETH_P_ARP))
            link.send(request)
            try:
                while link.recvfrom(100)[1][2] == socket.PACKET_OUTGOING:
                    pass
                return True
            except TimeoutError:
                return False

    def sent_and_lost(self):
        """Packets that went out of this end, and those that the device had no room for."""
        counters = self.link()["stats64"]["tx"]
        return counters["packets"], counters["dropped"]


class Wires:
    """Two of them. Made when the "with" statement is entered, taken down when it is left."""

    def __init__(self, queues):
        self._queues = queues
        self._namespace = f"afxz-{os.getpid()}-{next(_numbers)}"

    def __enter__(self):
        subprocess.run(["ip", "netns", "add", self._namespace], check=True)
        wires = [Wire(self._namespace, number) for number in (0, 1)]
        try:
            wires[0].run("ip", "link", "set", "lo", "up")
            for wire in wires:
                wire.make(self._queues)
        except BaseException:
            self.__exit__()
            raise
        return wires

    def __exit__(self, *_):
        subprocess.run(["ip", "netns", "delete", self._namespace], check=True)
