"""Random well-formed packets of all kinds of headers, with values that random rules ask for.

What goes into a field comes from small pools (VALUES) with the field's boundaries among them, so that
rules made from the same pools match often.
"""

import dataclasses
import ipaddress
import struct

IPV4 = ["192.0.2.1", "192.0.2.2", "192.0.2.255", "198.51.100.7", "198.18.0.0", "198.19.255.255",
        "203.0.113.9", "0.0.0.0", "255.255.255.255", "127.255.255.255", "128.0.0.0"]
IPV6 = ["2001:db8::1", "2001:db8::2", "2001:db8:1::7", "2001:db8:ffff:ffff::9", "fe80::1", "::",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::ffff:ffff:ffff:ffff"]
MACS = ["02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:ff:ff", "fe:ff:ff:ff:ff:ff"]
PORTS = [0, 1, 22, 53, 80, 81, 443, 1023, 1024, 8080, 32767, 32768, 65534, 65535]
BYTES = [0, 1, 2, 63, 64, 127, 128, 254, 255]
VLAN_IDS = [0, 1, 2, 100, 4094, 4095]
LENGTHS = [0, 1, 8, 20, 100, 300]
ICMP_TYPES = [0, 3, 5, 8, 11, 13, 255]
ICMPV6_TYPES = [1, 2, 3, 4, 128, 129, 143, 255]
NEIGHBOUR_DISCOVERY = [133, 134, 135, 136, 137]
FLAGS = [0x00, 0x01, 0x02, 0x04, 0x10, 0x12, 0x14, 0x18, 0x29, 0x3f, 0xc2, 0xff]
ETHER_TYPES = [0x0806, 0x88cc, 0x88b5, 0x0600, 0xffff]

TCP, UDP, ICMP, ICMPV6, SCTP, NONE = 6, 17, 1, 58, 132, 59
FRAGMENT = 44
SMALLEST_FRAME = 60


@dataclasses.dataclass(frozen=True)
class Traffic:
    """Which packets there are, besides IPv4 and IPv6 with at most one tag."""
    not_ip: bool = False
    neighbour_discovery: bool = False
    double_tags: bool = False
    later_fragments: bool = False


def _transport(random, protocol, traffic):
    """(header and payload, whether it may be cut into fragments)."""
    payload = random.randbytes(random.choice(LENGTHS))
    if protocol == TCP:
        words = random.choice([5, 5, 5, 6, 15])
        header = struct.pack("!HHIIBBHHH", random.choice(PORTS), random.choice(PORTS), 1, 1, words << 4,
                             random.choice(FLAGS), 1024, 0, 0)
        return header + bytes(4 * words - 20) + payload
    if protocol == UDP:
        length = 8 + len(payload) - (random.randrange(len(payload) + 1) if random.random() < 0.1 else 0)
        return struct.pack("!HHHH", random.choice(PORTS), random.choice(PORTS), length, 0) + payload
    if protocol == ICMP:
        # At least four bytes: th sport looks for the source port alone in nft, for both here.
        return struct.pack("!BBH", random.choice(ICMP_TYPES), random.choice([0, 1, 3, 13]), 0) + payload
    if protocol == ICMPV6:
        types = ICMPV6_TYPES + (NEIGHBOUR_DISCOVERY if traffic.neighbour_discovery else [])
        return struct.pack("!BBHI", random.choice(types), random.choice([0, 1, 4]), 0, 0) + payload
    return struct.pack("!HH", random.choice(PORTS), random.choice(PORTS)) + payload


def _fragment(random, data, traffic):
    """(offset in 8 bytes, more, this fragment's data)."""
    if not traffic.later_fragments or (random.random() < 0.5 and len(data) >= 24):
        # The first one, with all of its header.
        return 0, True, data + bytes(-len(data) % 8)
    offset = random.choice([2, 3, 100, 0x1000])  # 1 is malformed for TCP
    return offset, random.random() < 0.5, random.randbytes(16)


def _ipv4(random, traffic):
    protocol = random.choice([TCP, TCP, TCP, UDP, UDP, ICMP, SCTP, ICMPV6, 47, 0, 255])
    data = _transport(random, protocol, traffic)
    field = random.choice([0, 0, 0, 0x4000])
    if random.random() < 0.15:
        offset, more, data = _fragment(random, data, traffic)
        field = offset | (0x2000 if more else 0)
    options = bytes([1] * (4 * random.choice([0, 0, 0, 1, 10])))
    total = 20 + len(options) + len(data)
    return struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, random.choice(BYTES), total, 77, field,
                       random.choice(BYTES), protocol, 0, ipaddress.ip_address(random.choice(IPV4)).packed,
                       ipaddress.ip_address(random.choice(IPV4)).packed) + options + data


def _extensions(random):
    """[(kind, bytes behind the next-header field)], in an order that hosts accept. Without AH, at
    which nft stops as if it were the upper protocol, while afxfw looks behind it."""
    headers = []
    for kind in (0, 60, 43):
        if random.random() < 0.12:
            units = random.choice([0, 0, 1, 5])
            headers.append((kind, bytes([units]) + bytes(8 * units + 6)))
    return headers


def _ipv6(random, traffic):
    protocol = random.choice([TCP, TCP, TCP, UDP, UDP, ICMPV6, ICMPV6, SCTP, NONE, ICMP])
    data = _transport(random, protocol, traffic)
    headers = _extensions(random)
    if random.random() < 0.15:
        offset, more, data = _fragment(random, data, traffic)
        headers.append((FRAGMENT, struct.pack("!BHI", 0, offset << 3 | more, 77)))
    following = [kind for kind, _ in headers[1:]] + [protocol]
    payload = b"".join(bytes([after]) + rest
                       for after, (_, rest) in zip(following, headers)) + data
    first = headers[0][0] if headers else protocol
    return struct.pack("!IHBB16s16s", 6 << 28 | random.choice(BYTES) << 20, len(payload), first,
                       random.choice(BYTES), ipaddress.ip_address(random.choice(IPV6)).packed,
                       ipaddress.ip_address(random.choice(IPV6)).packed) + payload


def _mac(random):
    return bytes.fromhex(random.choice(MACS).replace(":", ""))


def _tags(random, traffic):
    """(bytes, tags) between the addresses and the EtherType."""
    count = 0
    if random.random() < 0.25:
        count = 2 if traffic.double_tags and random.random() < 0.5 else 1
    kinds = [random.choice([0x8100, 0x8100, 0x88a8]) for _ in range(count)]
    return b"".join(struct.pack("!HH", kind, random.randrange(8) << 13 | random.choice(VLAN_IDS))
                    for kind in kinds)


def frame(random, traffic):
    """One Ethernet frame."""
    tags = _tags(random, traffic)
    if traffic.not_ip and random.random() < 0.3:
        kind, packet = random.choice(ETHER_TYPES), random.randbytes(46)
    elif random.random() < 0.6:
        kind, packet = 0x0800, _ipv4(random, traffic)
    else:
        kind, packet = 0x86dd, _ipv6(random, traffic)
    whole = _mac(random) + _mac(random) + tags + struct.pack("!H", kind) + packet
    if random.random() < 0.5:
        whole = whole.ljust(SMALLEST_FRAME, b"\xa5")  # padding that looks like something
    return whole


def without_second_tag(whole):
    """The frame as nft sees it where afxfw looks behind two tags."""
    if whole[12:14] in (b"\x81\x00", b"\x88\xa8") and whole[16:18] in (b"\x81\x00", b"\x88\xa8"):
        return whole[:16] + whole[20:]
    return whole
