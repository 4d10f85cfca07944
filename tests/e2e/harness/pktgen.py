"""Packets by afxfw-pktgen."""

import json

from .afxfw import BUILD

PKTGEN = BUILD / "tools" / "pktgen" / "afxfw-pktgen"


def pktgen(host, *, timeout_s=60, **options):
    """Sends packets out of the host's interface; returns what afxfw-pktgen --json reports.

    Options are those of afxfw-pktgen, with _ for -: pktgen(gen, dst_mac=fw.mac, dst="198.18.0.1",
    proto="udp", dport=53, count=1000). True stands for an option without a value, None for one
    that is left out.
    """
    command = [PKTGEN, "--iface", host.interface, "--json"]
    for name, value in options.items():
        if value is None:
            continue
        command.append("--" + name.replace("_", "-"))
        if value is not True:
            command.append(value)
    return json.loads(host.run(*command, timeout_s=timeout_s).stdout)
