"""Lists as large as they are in use: published ones, and a million prefixes."""

import ipaddress
import random

import pytest
from harness.frames import Flow, echo_request, send
from harness.lab import ROOT

pytestmark = pytest.mark.lab(topology="pair", queues=2)

PUBLISHED = ROOT / "bench" / "data" / "ipsum-level1.txt"  # 120,430 addresses
MILLION = 1_000_000
SAMPLE = 300


def check(lab, afxfw, blocked, accepted):
    """Packets from these sources are dropped by a worker, and from those are not."""
    gen, fw = lab["gen"], lab["fw"]
    with afxfw.rises((lambda now: now["drop_reasons"]["blocklist"], len(blocked)),
                     (lambda now: now["total"]["reinjected"], len(accepted))):
        send(gen, [Flow(gen, fw, str(source)).frame(echo_request(source.version))
                   for source in blocked + accepted])


def test_a_published_list(lab, start_afxfw):
    entries = {ipaddress.ip_address(line.split()[0])
               for line in PUBLISHED.read_text(encoding="ascii").splitlines()
               if line and not line.startswith("#")}
    afxfw = start_afxfw(lab["fw"], "--blocklist", PUBLISHED)
    blocked = random.Random(1).sample(sorted(entries), SAMPLE)
    neighbours = [address + 1 for address in blocked if address + 1 not in entries]
    assert len(neighbours) > SAMPLE / 2
    check(lab, afxfw, blocked, neighbours)


class Networks:
    """Random networks of both families, and Python's own word on what is inside."""

    IPV4_LENGTHS, IPV6_LENGTHS = range(24, 33), range(48, 65)

    def __init__(self, count, seed):
        self._random = random.Random(seed)
        self._ipv4 = {self._mask(self._random.getrandbits(32), length, 32)
                      for length in self._lengths(self.IPV4_LENGTHS, count // 2)}
        self._ipv6 = {self._mask(self._ipv6_address(), length, 128)
                      for length in self._lengths(self.IPV6_LENGTHS, count // 2)}

    def _lengths(self, lengths, count):
        return self._random.choices(lengths, k=count)

    def _ipv6_address(self):
        return 0x20010db8 << 96 | self._random.getrandbits(32) << 64 | self._random.getrandbits(64)

    @staticmethod
    def _mask(address, length, bits):
        return address >> (bits - length) << (bits - length), length

    def lines(self):
        for address, length in self._ipv4:
            octets = ".".join(str(octet) for octet in address.to_bytes(4, "big"))
            yield f"{octets}/{length}\n"
        for address, length in self._ipv6:
            yield f"2001:db8:{address >> 80 & 0xffff:x}:{address >> 64 & 0xffff:x}::/{length}\n"

    def contains(self, address):
        number = int(address)
        if address.version == 4:
            return any(self._mask(number, length, 32) in self._ipv4 for length in self.IPV4_LENGTHS)
        return any(self._mask(number, length, 128) in self._ipv6 for length in self.IPV6_LENGTHS)

    def sample(self, count):
        """Addresses of both families: random ones, and the first and last of some network."""
        addresses = [ipaddress.IPv4Address(self._random.getrandbits(32)) for _ in range(count)]
        addresses += [ipaddress.IPv6Address(self._ipv6_address()) for _ in range(count)]
        for network, length in self._random.sample(sorted(self._ipv4), count):
            addresses.append(ipaddress.IPv4Address(network | (1 << (32 - length)) - 1))
        for network, length in self._random.sample(sorted(self._ipv6), count):
            addresses.append(ipaddress.IPv6Address(network))
            addresses.append(ipaddress.IPv6Address(network - 1))
        return addresses


@pytest.mark.slow
def test_a_million_prefixes(lab, start_afxfw, tmp_path):
    networks = Networks(MILLION, seed=2)
    with open(tmp_path / "million", "w", encoding="ascii") as file:
        file.writelines(networks.lines())
    afxfw = start_afxfw(lab["fw"], "--blocklist", tmp_path / "million")
    sources = networks.sample(SAMPLE)
    blocked = [address for address in sources if networks.contains(address)]
    accepted = [address for address in sources if not networks.contains(address)]
    assert min(len(blocked), len(accepted)) > SAMPLE
    check(lab, afxfw, blocked, accepted)
