"""Packets by afxfw-pktgen."""

import json

from .afxfw import BUILD

PKTGEN = BUILD / "tools" / "pktgen" / "afxfw-pktgen"


def pktgen(sender, receiver, *, timeout_s=60, **options):
    """Sends packets from one host of the lab to another; returns afxfw-pktgen's JSON report.

    Options are those of afxfw-pktgen, with _ for -: pktgen(gen, fw, proto="udp", dport=53,
    count=1000). True stands for an option without a value. The destination is the receiver's IPv4
    address, or with ipv6=True its IPv6 address, if dst does not name another.
    """
    address = receiver.ipv6 if options.get("ipv6") else receiver.ipv4
    options = {"iface": sender.interface, "dst_mac": receiver.mac, "dst": address, **options}
    command = [PKTGEN, "--json"]
    for name, value in options.items():
        command.append("--" + name.replace("_", "-"))
        if value is not True:
            command.append(value)
    return json.loads(sender.run(*command, timeout_s=timeout_s).stdout)
