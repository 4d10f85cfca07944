"""Ethernet frames, made header by header, for what ordinary sockets don't send.

    flow = Flow(attacker, fw, source="198.51.100.7")
    send(attacker, [flow.frame(udp(1024, 53)), *flow.fragments(udp(1024, 53, bytes(64)))])
"""

import dataclasses
import ipaddress
import socket
import struct
import threading

IP_TYPES = {4: 0x0800, 6: 0x86dd}
CUSTOMER_TAG, PROVIDER_TAG = 0x8100, 0x88a8
ICMP, TCP, UDP, GRE, ICMPV6 = 1, 6, 17, 47, 58
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION_OPTIONS = 0, 43, 44, 60
SYN, ACK = 0x02, 0x10
ECHO_REQUESTS = {4: (ICMP, 8), 6: (ICMPV6, 128)}
DEFAULT_TTL = 64


@dataclasses.dataclass(frozen=True)
class Segment:
    """What an IP packet carries. checksum_offset: of a checksum still to be filled in."""
    protocol: int
    data: bytes
    checksum_offset: int | None = None


def udp(source_port, destination_port, data=b""):
    header = struct.pack("!HHHH", source_port, destination_port, 8 + len(data), 0)
    return Segment(UDP, header + data, 6)


def tcp(source_port, destination_port, flags=ACK, data=b""):
    header = struct.pack("!HHIIBBHHH", source_port, destination_port, 1, 1, 5 << 4, flags,
                         1024, 0, 0)
    return Segment(TCP, header + data, 16)


def echo_request(version, data=b""):
    protocol, kind = ECHO_REQUESTS[version]
    return Segment(protocol, struct.pack("!BBHHH", kind, 0, 0, 1, 1) + data, 2)


def gre(version, inner=bytes(20)):
    return Segment(GRE, struct.pack("!HH", 0, IP_TYPES[version]) + inner)


def options_header(kind=DESTINATION_OPTIONS):
    """An IPv6 extension header with nothing but padding; for Flow.frame(extensions=)."""
    return kind, bytes([0, 1, 4, 0, 0, 0, 0])  # the length 0 stands for 8 bytes; PadN


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) & ~1]))
    if len(data) % 2:
        total += data[-1] << 8
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


class Flow:
    """Frames from one host to another, IPv4 or IPv6 as their addresses are."""

    def __init__(self, sender, receiver, source=None, version=4, destination=None,
                 destination_mac=None):
        if source is not None:
            version = ipaddress.ip_address(source).version
        self.version = version
        self._macs = bytes.fromhex(f"{destination_mac or receiver.mac}{sender.mac}".replace(":", ""))
        self._source = ipaddress.ip_address(source or sender.address(version)).packed
        self._destination = ipaddress.ip_address(destination or receiver.address(version)).packed

    def frame(self, segment, tags=(), extensions=(), ip_options=b""):
        """One whole packet. tags: VLAN ids, the outer one first; extensions: (kind, bytes after
        the next-header field), IPv6 only; ip_options: IPv4 only, a multiple of four bytes."""
        return self._ethernet(tags, self._ip(segment.protocol, self._finish(segment),
                                             extensions, ip_options=ip_options))

    def fragments(self, segment, tags=(), extensions=(), first_bytes=32):
        """The same in two fragments; first_bytes: a multiple of 8."""
        data = self._finish(segment)
        return [self._ethernet(tags, self._ip(segment.protocol, part, extensions, fragment=where))
                for part, where in ((data[:first_bytes], (0, True)),
                                    (data[first_bytes:], (first_bytes, False)))]

    def _finish(self, segment):
        """The segment with its checksum, RFC 768, RFC 9293 and RFC 4443."""
        if segment.checksum_offset is None:
            return segment.data
        covered = segment.data
        if segment.protocol != ICMP:
            covered = (self._source + self._destination +
                       struct.pack("!II", len(segment.data), segment.protocol) + segment.data)
        before, after = (segment.data[:segment.checksum_offset],
                         segment.data[segment.checksum_offset + 2:])
        return before + struct.pack("!H", _checksum(covered)) + after

    def _ip(self, protocol, data, extensions, fragment=None, ip_options=b""):
        offset, more = fragment or (0, False)
        if self.version == 4:
            words = 5 + len(ip_options) // 4
            header = struct.pack("!BBHHHBBH", 4 << 4 | words, 0, 4 * words + len(data), 77,
                                 more << 13 | offset // 8, DEFAULT_TTL, protocol, 0)
            header += self._source + self._destination + ip_options
            return header[:10] + struct.pack("!H", _checksum(header)) + header[12:] + data
        headers = list(extensions)
        if fragment:
            headers.append((FRAGMENT, struct.pack("!BHI", 0, offset | more, 77)))
        following = [kind for kind, _ in headers[1:]] + [protocol]
        payload = b"".join(bytes([following[i]]) + rest
                           for i, (_, rest) in enumerate(headers)) + data
        first = headers[0][0] if headers else protocol
        return (struct.pack("!IHBB", 6 << 28, len(payload), first, DEFAULT_TTL) +
                self._source + self._destination + payload)

    def _ethernet(self, tags, packet):
        header = self._macs
        for depth, tag in enumerate(tags):
            outer = depth + 1 < len(tags)
            header += struct.pack("!HH", PROVIDER_TAG if outer else CUSTOMER_TAG, tag)
        return header + struct.pack("!H", IP_TYPES[self.version]) + packet


def send(host, frames):
    """Sends frames out of the host's interface as they are, in this order."""
    with host.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind((host.interface, 0))
        for frame in frames:
            assert wire.send(frame) == len(frame)


class Stream:
    """Sends a frame over and over, also across a link failure, until its "with" statement ends."""

    INTERVAL_S = 0.001

    def __init__(self, host, frame):
        self._host = host
        self._frame = frame
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        with self._host.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
            wire.bind((self._host.interface, 0))
            while not self._stop.wait(self.INTERVAL_S):
                try:
                    wire.send(self._frame)
                except OSError:  # the link is down, or has gone
                    pass
