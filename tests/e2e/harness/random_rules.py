"""Random rule files in the language of docs/rules.md, which nft accepts too."""

import ipaddress

from . import random_packets as packets

ADDRESSES = {"ip": packets.IPV4, "ip6": packets.IPV6}
FLAG_NAMES = ["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"]
NETWORK_OF = {"ip": "ip", "icmp": "ip", "ip6": "ip6", "icmpv6": "ip6"}
PROTOCOL_OF = {"tcp": "tcp", "udp": "udp", "icmp": "icmp", "icmpv6": "ipv6-icmp"}

# Values of plain numbers: (field, pool, largest).
NUMBERS = {
    "vlan id": (packets.VLAN_IDS, 4095), "meta length": ([20, 28, 40, 46, 60, 100, 128], 70000),
    "meta l4proto": ([1, 6, 17, 58, 132, 0, 255], 255),
    "ip protocol": ([1, 6, 17, 58, 132, 0, 255], 255), "ip dscp": ([0, 1, 15, 16, 31, 32, 63], 63),
    "ip ttl": (packets.BYTES, 255), "ip length": ([20, 28, 40, 100, 128, 320], 65535),
    "ip frag-off": ([0, 2, 0x2000, 0x4000, 0x2002, 0x1000], 65535),
    "ip6 nexthdr": ([0, 6, 17, 43, 44, 58, 59, 60], 255), "ip6 hoplimit": (packets.BYTES, 255),
    "ip6 dscp": ([0, 15, 16, 31, 63], 63),
    "tcp sport": (packets.PORTS, 65535), "tcp dport": (packets.PORTS, 65535),
    "udp sport": (packets.PORTS, 65535), "udp dport": (packets.PORTS, 65535),
    "th sport": (packets.PORTS, 65535), "th dport": (packets.PORTS, 65535),
    "udp length": ([8, 9, 28, 108], 65535),
    "icmp type": (packets.ICMP_TYPES, 255), "icmp code": ([0, 1, 3, 13], 255),
    "icmpv6 type": (packets.ICMPV6_TYPES + packets.NEIGHBOUR_DISCOVERY, 255),
    "icmpv6 code": ([0, 1, 4], 255),
    "ether type": ([0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x88cc], 65535),
    "meta protocol": ([0x0800, 0x86dd, 0x0806, 0x88cc], 65535),
}
MASKABLE = ["ip frag-off", "ip ttl", "tcp dport", "udp sport", "th dport", "icmp type", "ip dscp",
            "vlan id"]
LINK_FIELDS = ["ether type", "ether saddr", "ether daddr", "meta protocol"]
SET_TYPES = {"ipv4_addr": "ip", "ipv6_addr": "ip6", "inet_service": None, "inet_proto": None,
             "ether_addr": None}


def _ether_last(parts):
    """Behind "ether saddr", nft asks the frame's own EtherType whether "ip saddr" is there, so that a
    tagged frame does not match; afxfw looks behind the tag whatever stands before."""
    def rank(part):
        names_network = any(f"{header} " in part for header in ("ip", "ip6", "icmp", "icmpv6"))
        return 0 if "ether" not in part else 1 if names_network else 2
    return sorted(parts, key=rank)


def _one_inequality(matches):
    """nft 1.0.6 takes "ether saddr != A ether daddr != B" for "not both A and B": of the inequalities
    with one value, also in braces, only the first one stays."""
    result, seen = [], False
    for match in matches:
        field, _, value = match.partition(" != ")
        if value and value[0] != "@" and "," not in value:
            match = f"{field} {value}" if seen and "&" not in field else match
            seen = True
        result.append(match)
    return result


def _layers(parts):
    """The layers that matches look at. nft 1.0.6 makes one of two matches on neighbouring fields, also
    when a counter stands between them, which then counts what the first one should have kept from it."""
    layer_of = {"ip": "network", "ip6": "network", "ether": "link", "vlan": "link"}
    transport = ("tcp", "udp", "th", "icmp", "icmpv6")
    words = " ".join(parts).split()
    return ({layer for header, layer in layer_of.items() if header in words} |
            {"transport" for header in transport if header in words})


class RuleFile:
    """text: the file; text_for_nft: the same with a named counter for each rule, CHAIN_INDEX, because
    nft 1.0.6 cannot list all the concatenations that it takes."""

    def __init__(self, random, device, names=None, with_length=True, with_transport=True):
        """names: fields of which each rule of the base chain has one."""
        self._random = random
        self._names = names
        self._with_length = with_length
        self._with_transport = with_transport
        self.sets = [self._set(f"s{i}") for i in range(random.randrange(4))]
        self.chains = {"other": [self._rule([], False) for _ in range(random.randrange(1, 6))]}
        self.chains["deep"] = [self._rule(["other"], False) for _ in range(random.randrange(1, 4))]
        self.chains["entry"] = [self._rule(["other", "deep"], True)
                                for _ in range(random.randrange(1, 25))]
        # afxfw's policy spares what keeps a link alive; nft's does not.
        policy = "accept" if names else random.choice(["accept", "drop"])
        self._hook = f'type filter hook ingress device "{device}" priority 0; policy {policy};'
        self.text = self._table(lambda name, index: "counter", [])
        self.text_for_nft = self._table(
            lambda name, index: f'counter name "{name}_{index}"',
            [f"counter {name}_{index} {{ }}" for name, rules in self.chains.items()
             for index in range(len(rules))])

    def _table(self, counter, declarations):
        lines = ["table netdev afxfw_oracle {", *declarations]
        lines += [text for _, _, text in self.sets]
        for name, rules in self.chains.items():
            lines.append(f"chain {name} {{")
            if name == "entry":
                lines.append(self._hook)
            lines += [rule.replace("counter", counter(name, index))
                      for index, rule in enumerate(rules)] + ["}"]
        return "\n".join(lines + ["}"]) + "\n"

    # Values

    def _address(self, header):
        return self._random.choice(ADDRESSES[header])

    def _interval(self, low, high):
        return f"{low}-{high}"

    def _address_interval(self, header):
        """A prefix, a range or an address."""
        kind = self._random.random()
        first = ipaddress.ip_address(self._address(header))
        if kind < 0.4:
            length = self._random.choice([0, 1, 7, 8, 23, 24, 25, 31, 32] if header == "ip" else
                                         [0, 1, 32, 33, 63, 64, 65, 127, 128])
            return str(ipaddress.ip_network((first, length), strict=False))
        if kind < 0.6:
            second = ipaddress.ip_address(self._address(header))
            return self._interval(min(first, second), max(first, second))
        return str(first)

    def _number(self, field):
        pool, most = NUMBERS[field]
        if self._random.random() < 0.85:
            return self._random.choice(pool)
        return self._random.randrange(most + 1)

    def _value(self, field, intervals):
        header, name = field.split()
        if name in ("saddr", "daddr"):
            if header == "ether":
                return self._random.choice(packets.MACS)
            return self._address_interval(header) if intervals else self._address(header)
        if field == "tcp flags":
            return " | ".join(self._random.sample(FLAG_NAMES, self._random.randrange(1, 4)))
        first = self._number(field)
        if intervals and self._random.random() < 0.3:
            second = self._number(field)
            return self._interval(min(first, second), max(first, second))
        return str(first)

    # Sets

    def _set(self, name):
        types = self._random.sample(sorted(SET_TYPES), self._random.choice([1, 1, 1, 2, 3]))
        if "ipv4_addr" in types and "ipv6_addr" in types:
            types.remove("ipv6_addr")
        types.sort(key=lambda each: each == "ether_addr")  # see _ether_last()
        intervals = self._random.random() < 0.6
        sample_field = {"ipv4_addr": "ip saddr", "ipv6_addr": "ip6 saddr", "inet_service": "th dport",
                        "inet_proto": "meta l4proto", "ether_addr": "ether saddr"}
        flags = ["flags interval"] if intervals else []
        if intervals and len(types) == 1:
            flags.append("auto-merge")
        elements = set()
        for _ in range(self._random.randrange(1, 9)):
            # Overlaps of concatenations are refused: only one part may be an interval there.
            several = len(types) > 1
            elements.add(" . ".join(self._value(sample_field[each], intervals and not several)
                                    for each in types))
        if intervals and len(types) > 1:
            elements = self._disjoint_concatenations(types, sample_field, elements)
        lines = [f"set {name} {{", f"type {' . '.join(types)}", *flags,
                 f"elements = {{ {', '.join(sorted(elements))} }}", "}"]
        return name, types, "\n".join(lines)

    def _disjoint_concatenations(self, types, sample_field, elements):
        """With a range in an element whose other parts no other element has."""
        result = set(elements)
        if "inet_service" in types:
            taken = {tuple(part for each, part in zip(types, element.split(" . "))
                           if each != "inet_service") for element in result}
            parts = [self._value(sample_field[each], False) for each in types]
            rest = tuple(part for each, part in zip(types, parts) if each != "inet_service")
            if rest not in taken:
                parts[types.index("inet_service")] = "22-443"
                result.add(" . ".join(parts))
        return result

    # Matches

    def _fields(self, network, protocol):
        fields = ["ether saddr", "ether daddr", "meta l4proto"]
        if self._with_length:
            fields.append("meta length")
        if network == "ip":
            fields += ["ip saddr", "ip daddr", "ip protocol", "ip dscp", "ip ttl", "ip length",
                       "ip frag-off"]
        if network == "ip6":
            fields += ["ip6 saddr", "ip6 daddr", "ip6 nexthdr", "ip6 hoplimit", "ip6 dscp"]
        if protocol == "th":
            fields += ["th sport", "th dport"]
        elif protocol is not None:
            fields += {"tcp": ["tcp sport", "tcp dport", "tcp flags"],
                       "udp": ["udp sport", "udp dport", "udp length"],
                       "icmp": ["icmp type", "icmp code"],
                       "icmpv6": ["icmpv6 type", "icmpv6 code"]}[protocol]
        return fields

    def _match(self, field):
        choose = self._random.random()
        if field == "tcp flags":
            return self._flags_match()
        if field in MASKABLE and choose < 0.15:
            most = NUMBERS[field][1]
            mask = self._random.choice([1, 3, most, most >> 1, most & 0x1ff])
            value = self._number(field) & mask
            return f"{field} & {mask} {self._random.choice(['==', '!='])} {value}"
        operator = self._random.choice(["", "", "", "== ", "!= "])
        if choose < 0.45:
            values = {self._value(field, False) for _ in range(self._random.randrange(1, 5))}
            return f"{field} {operator}{{ {', '.join(sorted(values))} }}"
        numeric = field in NUMBERS
        if numeric and choose < 0.6:
            return f"{field} {self._random.choice(['<', '<=', '>', '>='])} {self._number(field)}"
        return f"{field} {operator}{self._value(field, True)}"

    def _flags_match(self):
        flags = self._value("tcp flags", False)
        mask = " | ".join(self._random.sample(FLAG_NAMES, 3))
        return self._random.choice([
            f"tcp flags {flags}", f"tcp flags == {flags}", f"tcp flags != {flags}",
            f"tcp flags & ({mask}) == {flags}", f"tcp flags & ({mask}) != 0",
            f"tcp flags {{ {flags}, {self._random.choice(FLAG_NAMES)} | urg | fin }}",
            f"tcp flags ! {self._random.choice(FLAG_NAMES)}"])

    def _set_match(self, network, protocol):
        """A look-up in a named set, or ""; the fields fit what the rule is about."""
        candidates = []
        for name, types, _ in self.sets:
            fields = []
            for each in types:
                choices = {"ipv4_addr": ["ip saddr", "ip daddr"] if network == "ip" else [],
                           "ipv6_addr": ["ip6 saddr", "ip6 daddr"] if network == "ip6" else [],
                           "inet_service": [f"{protocol} sport", f"{protocol} dport"]
                                           if protocol in ("tcp", "udp", "th") else [],
                           "inet_proto": ["meta l4proto"] if protocol in (None, "th") else [],
                           "ether_addr": ["ether saddr", "ether daddr"]}[each]
                fields.append(self._random.choice(choices) if choices else None)
            if all(fields):
                operator = self._random.choice(["", "", "!= "])
                candidates.append(f"{' . '.join(fields)} {operator}@{name}")
        return self._random.choice(candidates) if candidates else ""

    def _concatenation(self, network, protocol):
        # nft 1.0.6 takes concatenations with a DSCP, but dies when it reads them back.
        fields = [field for field in self._fields(network, protocol)
                  if field not in ("tcp flags", "meta length", "meta l4proto", "ip protocol",
                                   "ip6 nexthdr", "ip dscp", "ip6 dscp")]
        chosen = self._random.sample(fields, min(len(fields), self._random.choice([2, 2, 3])))
        chosen.sort(key=lambda field: field.startswith("ether"))
        elements = {" . ".join(self._value(field, False) for field in chosen)
                    for _ in range(self._random.randrange(1, 7))}
        operator = self._random.choice(["", "", "!= "])
        return f"{' . '.join(chosen)} {operator}{{ {', '.join(sorted(elements))} }}"

    def _matches(self, base):
        network = self._random.choice(["ip", "ip", "ip6", None])
        protocol = self._random.choice(["tcp", "tcp", "udp", "th", None, None,
                                        {"ip": "icmp", "ip6": "icmpv6"}.get(network)])
        if not self._with_transport:
            protocol = None
        matches = []
        if base and self._names:
            named = self._random.choice(self._names)
            if named.startswith("icmpv6"):
                network, protocol = "ip6", "icmpv6"
            else:
                # nft lets no "ip saddr" follow an EtherType that is compared.
                network = protocol = None
            matches.append(self._match(named))
        elif self._random.random() < 0.1:
            return [self._match(self._random.choice(["vlan id", "ether type", "meta protocol"]))]
        for _ in range(self._random.choice([0, 1, 1, 2, 2, 3])):
            kind = self._random.random()
            looked_up = self._set_match(network, protocol) if kind < 0.2 else ""
            if looked_up:
                matches.append(looked_up)
            elif kind < 0.3:
                matches.append(self._concatenation(network, protocol))
            else:
                fields = self._fields(network, protocol)
                if protocol not in (None, "th"):
                    # Once its protocol is compared, nothing of another one can follow.
                    fields = [field for field in fields
                              if field not in ("meta l4proto", "ip protocol", "ip6 nexthdr")]
                matches.append(self._match(self._random.choice(fields)))
        return _ether_last(_one_inequality(matches))

    def _rule(self, targets, base):
        parts = self._matches(base)
        counter_at = self._random.randrange(len(parts) + 1)
        if _layers(parts[:counter_at]) & _layers(parts[counter_at:]):
            counter_at = len(parts)
        if self._random.random() < 0.1:
            over = self._random.choice(["", "over "])
            parts.insert(len(parts), f"limit rate {over}1/week burst {self._random.randrange(1, 40)} packets")
        parts.insert(counter_at, "counter")
        if self._random.random() < 0.05:
            parts.append('log prefix "oracle "')
        verdicts = ["accept", "drop", "", "", "return"] + [f"{word} {target}" for target in targets
                                                          for word in ("jump", "jump", "goto")]
        parts.append(self._random.choice(verdicts))
        comment = ' comment "a rule"' if self._random.random() < 0.1 else ""
        return " ".join(part for part in parts if part) + comment
