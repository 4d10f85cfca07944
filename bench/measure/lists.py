"""Blocklists and rules of any size, the same for every contender, each in its own language.

A blocklist blocks the wanted share of the traffic's source addresses, spread as evenly and finely
as its size allows, so that what comes next is hard to predict; the rest are random networks of
/24 and smaller that send nothing here. No two overlap, because an nftables set takes none that do.
"""

import ipaddress
import random
from typing import NamedTuple

FIRST_OCTETS = 223  # unicast, without 0/8
IPV6_FIRST, IPV6_BITS = 0x2400 << 112, 44  # of /48 networks: 2400::/4, where no source of ours is
# In percent: half of the lists' entries are networks, half single hosts, as in what is published.
FILLER_LENGTHS = {4: {24: 45, 25: 2, 26: 2, 27: 2, 28: 2, 29: 1, 30: 1, 32: 45},
                  6: {48: 50, 56: 10, 64: 30, 128: 10}}


class Blocklist(NamedTuple):
    entries: int
    sources: object  # the network that the traffic comes from
    blocked: float  # share of it


def blocked_sources(wanted):
    """The entries that block this share of the sources, as few as `wanted.entries` if need be."""
    if wanted.blocked == 0:
        return []
    network = wanted.sources
    size = 1  # addresses of an entry
    while network.num_addresses / size * wanted.blocked > wanted.entries:
        size *= 2
    first, length = int(network[0]), network.max_prefixlen - (size.bit_length() - 1)
    blocks = network.num_addresses // size
    return [type(network)((first + number * size, length)) for number in range(blocks)
            if int((number + 1) * wanted.blocked) > int(number * wanted.blocked)]


def filler(count, version, sources):
    """`count` networks that do not overlap: each in a /24, or /48, of its own."""
    generator = random.Random(1)
    lengths, weights = list(FILLER_LENGTHS[version]), list(FILLER_LENGTHS[version].values())
    kind = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
    block, bits = (24, 32) if version == 4 else (48, 128)
    taken = range(int(sources[0]) >> (bits - block), (int(sources[-1]) >> (bits - block)) + 1)
    found = {}
    while len(found) < count:
        if version == 4:
            number = generator.randrange(1 << 16, (FIRST_OCTETS + 1) << 16)
        else:
            number = (IPV6_FIRST >> 80) + generator.getrandbits(IPV6_BITS)
        if number in found or number in taken:
            continue
        length = generator.choices(lengths, weights)[0]
        inner = generator.getrandbits(length - block) if length > block else 0
        found[number] = kind(((number << (bits - block)) | (inner << (bits - length)), length))
    return list(found.values())


class Lists:
    """Files of lists and rules in a directory, each made once."""

    def __init__(self, directory):
        self._directory = directory
        self._entries, self._files = {}, {}

    def entries(self, wanted):
        """Texts, such as 198.51.100.0/24; a single address without its length."""
        if wanted not in self._entries:
            networks = blocked_sources(wanted)
            networks += filler(wanted.entries - len(networks), wanted.sources.version,
                               wanted.sources)
            self._entries[wanted] = [
                str(network[0]) if network.prefixlen == network.max_prefixlen else str(network)
                for network in networks]
        return self._entries[wanted]

    def plain(self, wanted):
        """One entry a line."""
        return self._file(wanted, "list", lambda: "\n".join(self.entries(wanted)) + "\n")

    def nft_set(self, wanted, family, table, name):
        """A table with the set."""
        kind = "ipv4_addr" if wanted.sources.version == 4 else "ipv6_addr"
        return self._file((wanted, family, table), "nft", lambda: (
            f"table {family} {table} {{ set {name} {{ type {kind}; flags interval\n"
            f"elements = {{ {', '.join(self.entries(wanted))} }}\n}}\n}}\n"))

    def ipset(self, wanted, name):
        """What `ipset restore` reads."""
        family = "inet" if wanted.sources.version == 4 else "inet6"
        return self._file((wanted, name), "ipset", lambda: (
            f"create {name} hash:net family {family} hashsize {wanted.entries} "
            f"maxelem {max(wanted.entries, 1)}\n"
            + "".join(f"add {name} {entry}\n" for entry in self.entries(wanted))))

    def rules(self, count):
        """An nftables file with `count` rules, none of which matches the traffic."""
        def text():
            generator = random.Random(2)
            lines = []
            for network in filler(count, 4, ipaddress.ip_network("198.18.0.0/15")):
                lines.append(f"    ip saddr {network} tcp dport {generator.randrange(1, 65536)} drop")
            return ("table netdev filter {\n  chain arriving {\n"
                    "    type filter hook ingress device eth0 priority 0; policy accept;\n"
                    + "\n".join(lines) + "\n  }\n}\n")
        return self._file(("rules", count), "nft", text)

    def _file(self, key, ending, text):
        if (key, ending) not in self._files:
            path = self._directory / f"{len(self._files)}.{ending}"
            path.write_text(text(), encoding="ascii")
            self._files[key, ending] = path
        return self._files[key, ending]
