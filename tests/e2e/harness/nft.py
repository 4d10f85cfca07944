"""Exact packet counts in a host's prerouting hook, by nftables."""

import json

from .wait import wait_until

TABLE = "afxfw_test"
PREFIX = "seen_"  # nft takes no word of its own language for a name


class Counters:
    """Counts packets as the host's stack sees them arrive, before anything there can drop them.

    Counters(fw, ping="icmp type echo-request", web="tcp dport 8080"): a name and an nft match for
    each counter; an empty match counts every IPv4 and IPv6 packet. A packet counts for every match
    it meets. Use in a "with" statement; one at a time in a host.
    """

    def __init__(self, host, **matches):
        self.host = host
        self.last = None  # what they were when the "with" statement was left
        self._matches = matches

    def __enter__(self):
        counters = [f"counter {PREFIX}{name} {{ }}" for name in self._matches]
        rules = [f'{match} counter name "{PREFIX}{name}"' for name, match in self._matches.items()]
        lines = [f"table inet {TABLE} {{", *counters, "chain prerouting {",
                 "type filter hook prerouting priority raw - 10; policy accept;", *rules, "}", "}"]
        self.host.run("nft", "-f", "-", stdin="\n".join(lines) + "\n")
        return self

    def __exit__(self, *_):
        self.last = self.read()
        self.host.run("nft", "delete", "table", "inet", TABLE)

    def read(self):
        """{name: packets}."""
        done = self.host.run("nft", "-j", "list", "counters", "table", "inet", TABLE)
        entries = [entry["counter"] for entry in json.loads(done.stdout)["nftables"]
                   if "counter" in entry]
        return {entry["name"].removeprefix(PREFIX): entry["packets"] for entry in entries}

    def wait(self, timeout_s=10.0, **expected):
        """Until the named counters have exactly these values; fails with those they have."""
        def reached():
            now = self.read()
            return all(now[name] == packets for name, packets in expected.items())
        try:
            wait_until(reached, f"counters {expected}", timeout_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; they are {self.read()}") from None
