"""Matches of rules find the packets that pcap-filter expressions of the same meaning find.

Where the two mean different things: pcap-filter's words know nothing of VLAN tags nor, a fragment
header's protocol apart, of IPv6's extension headers, while rules look behind both; and rules are
asked about neighbour discovery, and about what is not IP, only if they name it.
"""

import pytest
from captures import LINKTYPE_ETHERNET, all_captures, count, in_any_vlan, link_type

NEIGHBOUR_DISCOVERY = ("ip6[6] = 58 and ip6[7] = 255 and ip6[40] >= 133 and ip6[40] <= 137 and "
                       "ip6[41] = 0")

# Of what follows all tags.
IP = {
    "ip saddr 10.0.0.0/8": "ip src net 10.0.0.0/8",
    "ip saddr 172.16.0.0/12": "ip src net 172.16.0.0/12",
    "ip saddr != 192.168.0.0/16": "ip and not ip src net 192.168.0.0/16",
    "ip daddr 128.0.0.0-255.255.255.255": "ip and ip[16] >= 128",
    "ip daddr { 224.0.0.0/4, 10.0.0.0/8 }": "ip dst net 224.0.0.0/4 or ip dst net 10.0.0.0/8",
    "ip saddr & 0.0.0.1 == 0.0.0.1": "ip[15] & 1 = 1",
    "ip ttl 64": "ip[8] = 64",
    "ip ttl < 64": "ip[8] < 64",
    "ip ttl 100-200": "ip[8] >= 100 and ip[8] <= 200",
    "ip dscp != 0": "ip and ip[1] & 0xfc != 0",
    "ip length > 100": "ip[2:2] > 100",
    "ip length 40-60": "ip[2:2] >= 40 and ip[2:2] <= 60",
    "ip frag-off & 0x1fff != 0": "ip[6:2] & 0x1fff != 0",
    "ip frag-off & 0x4000 == 0x4000": "ip[6:2] & 0x4000 = 0x4000",
    "ip protocol tcp": "ip proto 6",
    "ip protocol { icmp, igmp }": "ip proto 1 or ip proto 2",
    "ip protocol != udp": "ip and not ip proto 17",
    "meta protocol ip": "ip",
    "meta protocol ip6": "ip6",
    "meta l4proto tcp": "tcp",
    "meta l4proto udp": "udp",
    "ip6 saddr fe80::/10": "ip6 src net fe80::/10",
    "ip6 saddr 2000::/3": "ip6 src net 2000::/3",
    "ip6 daddr != 2000::/3": "ip6 and not ip6 dst net 2000::/3",
    "ip6 daddr ff00::/8": "ip6 dst net ff00::/8",
    "ip6 nexthdr tcp": "ip6 proto 6",
    "ip6 nexthdr 44": "ip6 proto 44",
    "ip6 nexthdr != 6": "ip6 and not ip6 proto 6",
    "ip6 hoplimit 64": "ip6[7] = 64",
    "ip6 hoplimit >= 128": "ip6[7] >= 128",
    "ip6 dscp != 0": "ip6[0:2] & 0x0fc0 != 0",
    "ip protocol tcp tcp dport 80": "ip and tcp dst port 80",
    "ip protocol tcp tcp sport 80": "ip and tcp src port 80",
    "ip protocol tcp tcp dport 1024-65535": "ip and tcp dst portrange 1024-65535",
    "ip protocol tcp tcp dport != 80":
        "ip and tcp and ip[6:2] & 0x1fff = 0 and not tcp dst port 80",
    "ip protocol udp udp sport 53": "ip and udp src port 53",
    "ip protocol udp udp dport { 53, 5353 }": "ip and (udp dst port 53 or udp dst port 5353)",
    "ip protocol udp udp sport 1-1023": "ip and udp src portrange 1-1023",
    "ip protocol udp udp length > 60": "udp[4:2] > 60",
    "meta protocol ip th dport 1-1023": "ip and (tcp or udp) and dst portrange 1-1023",
    "ip6 nexthdr tcp tcp dport 80": "ip6 and tcp dst port 80",
    "ip6 nexthdr udp udp dport 53": "ip6 and udp dst port 53",
    "ip6 nexthdr tcp tcp flags syn": "ip6 proto 6 and ip6[53] & 2 != 0",
    "ip protocol tcp tcp flags syn": "tcp[13] & 2 != 0",
    "ip protocol tcp tcp flags & (syn | ack) == syn": "tcp[13] & 0x12 = 2",
    "ip protocol tcp tcp flags == ack": "tcp[13] = 0x10",
    "ip protocol tcp tcp flags != ack": "tcp[13] != 0x10",
    "ip protocol tcp tcp flags { psh | ack, fin | ack }": "tcp[13] = 0x18 or tcp[13] = 0x11",
    "ip protocol tcp tcp flags ! fin,syn,rst": "tcp[13] & 7 = 0",
    "icmp type echo-request": "icmp[0] = 8",
    "icmp type != echo-request": "icmp[0] != 8",
    "icmp type 3 icmp code 3": "icmp[0] = 3 and icmp[1] = 3",
    "ip saddr . ip daddr { 0.0.0.0-127.255.255.255 . 128.0.0.0/1 }":
        "ip[12] < 128 and ip[16] >= 128",
    "ip saddr . tcp dport { 0.0.0.0/0 . 80, 10.0.0.0/8 . 443 }":
        "ip and (tcp dst port 80 or (src net 10.0.0.0/8 and tcp dst port 443))",
    "ip ttl 0-127 counter ip protocol tcp": "ip[8] < 128",
}

# Neighbour discovery with the rest: these name it.
ICMPV6 = {
    "icmpv6 type nd-neighbor-solicit": "ip6 proto 58 and ip6[40] = 135",
    # MLD (RFC 3810) comes behind a hop-by-hop header of 8 bytes.
    "icmpv6 type 128-143": "(ip6[6] = 58 and ip6[40] >= 128 and ip6[40] <= 143) or "
                           "(ip6[6:1] = 0 and ip6[40:2] = 0x3a00 and ip6[48] >= 128 and "
                           "ip6[48] <= 143)",
    "icmpv6 code != 0": "ip6 proto 58 and ip6[41] != 0",
}

# What is not IP with the rest: these name it. Only where captures have Ethernet headers.
LINK = {
    "ether type arp": "ether[12:2] = 0x0806",
    "ether type ip": "ether[12:2] = 0x0800",
    "ether type != ip6": "not ether[12:2] = 0x86dd",
    "ether type 8021q": "ether[12:2] = 0x8100",
    "ether daddr ff:ff:ff:ff:ff:ff": "ether dst ff:ff:ff:ff:ff:ff",
    "ether daddr 01:00:00:00:00:00-01:ff:ff:ff:ff:ff": "ether[0] = 1",
    "ether saddr 00:00:00:00:00:00-7f:ff:ff:ff:ff:ff": "ether[6] < 128",
    "vlan id 1-100": "ether[12:2] = 0x8100 and ether[14:2] & 0xfff >= 1 and "
                     "ether[14:2] & 0xfff <= 100",
    "vlan id != 10": "ether[12:2] = 0x8100 and ether[14:2] & 0xfff != 10",
}


def expressions(capture):
    """The matches that make sense in a capture, with what finds the same packets."""
    ordinary = f"not ({NEIGHBOUR_DISCOVERY})"
    found = {match: in_any_vlan(capture, f"({expression}) and {ordinary}")
             for match, expression in IP.items()}
    found |= {match: in_any_vlan(capture, expression) for match, expression in ICMPV6.items()}
    if link_type(capture) == LINKTYPE_ETHERNET:
        discovery = in_any_vlan(capture, NEIGHBOUR_DISCOVERY)
        found |= {match: f"({expression}) and not ({discovery})"
                  for match, expression in LINK.items()}
    return found


def with_counter(match):
    return match if "counter" in match else f"{match} counter"


@pytest.mark.parametrize("capture", all_captures(), ids=lambda path: path.stem)
def test_matches_count_what_the_filter_finds(replay_json, capture, tmp_path):
    wanted = expressions(capture)
    rules = tmp_path / "rules.nft"
    rules.write_text("table netdev t {\nchain in {\n"
                     "type filter hook ingress device \"eth0\" priority 0; policy accept;\n" +
                     "".join(f"{with_counter(match)}\n" for match in wanted) + "}\n}\n")
    result = replay_json(capture, "--rules", rules, "--inline-drop", "none")
    assert result["inline"]["malformed"] == 0, "the expressions know nothing of that"
    counted = [rule["packets"] for rule in result["rules"]]
    found = [count(capture, expression) for expression in wanted.values()]
    assert dict(zip(wanted, counted)) == dict(zip(wanted, found))


def test_the_captures_have_packets_for_most_matches():
    """Else the test above would say little."""
    never = [match for match in IP | ICMPV6 | LINK
             if not any(count(capture, expression) for capture in all_captures()
                        if (expression := expressions(capture).get(match)))]
    assert len(never) < 15, never
