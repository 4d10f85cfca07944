"""What is sent: sizes, addresses, flows, and how much of it comes from blocked sources."""

import ipaddress
from typing import NamedTuple

UDP_PORT, TCP_PORT = 9, 443  # 9 discards (RFC 863); 443 isn't in afxfw's default inline drop
FIRST_PORT = 1024
FCS_BYTES = 4  # of the sizes of RFC 2544, which no frame in memory has
SMALLEST, SMALLEST_IPV6_TCP = 64, 78
IMIX = "imix"
# Set aside for measurements (RFC 2544) and documentation (RFC 3849): 131,072 addresses each.
SOURCES = {4: ipaddress.ip_network("198.18.0.0/15"), 6: ipaddress.ip_network("2001:db8:2::/111")}
DESTINATIONS = {4: "198.18.0.1", 6: "2001:db8:1::1"}  # host fw in tools/lab


class Traffic(NamedTuple):
    protocol: str = "tcp"
    wire_bytes: int | str = SMALLEST  # with FCS, as RFC 2544 counts; or IMIX
    version: int = 4
    flows: int | None = None  # None: each packet has a source and port at random
    blocked: float = 0.5  # share of the source addresses that are to be on the blocklist
    rate: int | None = None  # packets a second; None: as fast as it goes

    @property
    def sources(self):
        """With flows: as many addresses as the largest power of two that divides them."""
        network = SOURCES[self.version]
        if self.flows is None:
            return network
        return ipaddress.ip_network(
            (network[0], network.max_prefixlen - ((self.flows & -self.flows).bit_length() - 1)))

    @property
    def source_ports(self):
        """As many as it takes for the flows; None: the generator's own range."""
        if self.flows is None:
            return None
        return f"{FIRST_PORT}-{FIRST_PORT + self.flows // self.sources.num_addresses - 1}"

    @property
    def port(self):
        return UDP_PORT if self.protocol == "udp" else TCP_PORT

    def options(self, pktgen_help):
        """Of afxfw-pktgen."""
        options = ["--src", self.sources, "--dst", DESTINATIONS[self.version],
                   "--proto", self.protocol, "--dport", self.port]
        if self.flows is not None:
            options += ["--sport", self.source_ports]
        if self.rate is not None:
            options += ["--rate", self.rate]
        if self.wire_bytes != IMIX:
            return [*options, "--size", self.wire_bytes - FCS_BYTES]
        return [*options, *(["--imix"] if "--imix" in pktgen_help else ["--size", "imix"])]

    def unavailable(self, pktgen_help):
        """Why the generator can't send it; None if it can."""
        if self.wire_bytes == IMIX and "imix" not in pktgen_help:
            return "this afxfw-pktgen does not send the IMIX"
        return None

    @property
    def title(self):
        size = "IMIX" if self.wire_bytes == IMIX else f"{self.wire_bytes} bytes"
        flows = ("a source and port at random for each" if self.flows is None
                 else f"{self.flows:,} flows")
        rate = "" if self.rate is None else f", {self.rate:,} packets/s"
        return (f"IPv{self.version} {self.protocol.upper()}, {size} with FCS, {flows} from "
                f"{self.sources}, {self.blocked:.0%} blocked{rate}")

    def as_json(self):
        return {**self._asdict(), "sources": str(self.sources)}
