"""--inline-drop: exactly what it names is dropped by XDP, and the rest reaches the host."""

import pytest
from harness.accounting import check_final
from harness.frames import SYN, Flow, echo_request, send, tcp, udp
from harness.nft import Counters

pytestmark = pytest.mark.lab(queues=2)

COPIES = 3
VERSIONS = (4, 6)
UDP_AND_TCP = {"udp": udp, "tcp": lambda source, port: tcp(source, port, SYN)}

# The policy; what it drops and what it lets through, as protocol and destination port.
POLICIES = {
    "none": ([], [("udp", 53), ("tcp", 80)]),
    "udp/53": ([("udp", 53)], [("udp", 52), ("udp", 54), ("tcp", 53), ("tcp", 80)]),
    "tcp/8000-8080": ([("tcp", 8000), ("tcp", 8040), ("tcp", 8080)],
                      [("tcp", 7999), ("tcp", 8081), ("udp", 8040), ("tcp", 80)]),
    "udp,tcp/22,tcp/65535": ([("udp", 1), ("udp", 65535), ("tcp", 22), ("tcp", 65535)],
                             [("tcp", 21), ("tcp", 65534), ("tcp", 80)]),
}


@pytest.mark.parametrize("policy", POLICIES)
def test_drops_what_it_names_and_nothing_else(lab, start_afxfw, mode, policy):
    fw, client = lab["fw"], lab["client"]
    dropped, accepted = POLICIES[policy]
    afxfw = start_afxfw(fw, "--mode", mode, "--inline-drop", policy)
    flows = [Flow(client, fw, version=version) for version in VERSIONS]
    frames = [flow.frame(UDP_AND_TCP[protocol](1024, port))
              for flow in flows for protocol, port in dropped + accepted]
    matches = {f"{protocol}{port}": f"{protocol} sport 1024 {protocol} dport {port}"
               for protocol, port in dropped + accepted}
    expected = {(protocol, port): COPIES * len(flows) for protocol, port in accepted}
    with Counters(fw, **matches) as counters:
        with afxfw.rises((lambda now: now["inline"]["drop"], COPIES * len(flows) * len(dropped)),
                         (lambda now: now["inline"]["fallback"], 0)):
            send(client, frames * COPIES)
        counters.wait(**{f"{protocol}{port}": expected.get((protocol, port), 0)
                         for protocol, port in dropped + accepted})
    check_final(afxfw.finish())


def test_the_strictest_policy_keeps_the_host_on_the_network(lab, start_afxfw, mode):
    """ARP and neighbour discovery work, also where all ICMPv6 is dropped."""
    fw, client = lab["fw"], lab["client"]
    afxfw = start_afxfw(fw, "--mode", mode, "--inline-drop", "icmp,icmpv6,tcp,udp")
    for host in (client, fw):
        host.run("ip", "neighbour", "flush", "dev", "eth0")
    for version in VERSIONS:
        with afxfw.rises((lambda now: now["inline"]["drop"], COPIES)):
            send(client, [Flow(client, fw, version=version).frame(echo_request(version))] * COPIES)
        assert not client.ping(fw.address(version), "-W0.5")
        entry = client.run("ip", "neighbour", "show", fw.address(version)).stdout
        assert f"lladdr {fw.mac}" in entry
    assert afxfw.finish()["inline"]["pass"] >= len(VERSIONS)
