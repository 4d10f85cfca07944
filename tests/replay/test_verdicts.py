"""What afxfw-replay counts and writes is what pcap-filter expressions find in the same capture."""

import json

import pytest
from captures import all_captures, contents, count, frame, in_any_vlan, pcap, with_snap_length

NEIGHBOUR_DISCOVERY = ("icmp6 and ip6[6] = 58 and ip6[7] = 255 and ip6[40] >= 133 and "
                       "ip6[40] <= 137 and ip6[41] = 0")
# What --inline-drop drops, as an expression. A protocol is that behind IPv6's extension headers.
POLICIES = {
    "udp,tcp/80": "udp or tcp dst port 80",
    "tcp/1-1024,udp/53": "tcp dst portrange 1-1024 or udp dst port 53",
    "icmp,igmp": "icmp or igmp",
    "icmpv6": f"ip6 protochain 58 and not ({NEIGHBOUR_DISCOVERY})",
    "tcp": "tcp",
}
CAPTURES = all_captures()


@pytest.fixture(params=CAPTURES, ids=lambda path: path.stem)
def capture(request):
    return request.param


@pytest.mark.parametrize("policy", POLICIES)
def test_inline_drops_are_those_of_the_filter(replay_json, capture, policy):
    result = replay_json(capture, "--inline-drop", policy)
    assert result["inline"]["malformed"] == 0, "the expressions know nothing of that"
    assert result["inline"]["drop"] == count(capture, in_any_vlan(capture, POLICIES[policy]))
    assert result["inline"]["drop"] == sum(result["inline_drop_reasons"].values())


def test_what_is_not_ip_or_keeps_neighbours_passes(replay_json, capture):
    result = replay_json(capture, "--inline-drop", "none")
    assert result["inline"]["redirect"] == count(
        capture, in_any_vlan(capture, f"(ip or ip6) and not ({NEIGHBOUR_DISCOVERY})"))
    assert result["inline"]["pass"] == result["packets"] - result["inline"]["redirect"]


def test_every_packet_is_counted_once(replay_json, capture):
    result = replay_json(capture)
    verdicts = {name: each["packets"] for name, each in result["verdicts"].items()}
    assert result["packets"] == count(capture, "") == sum(verdicts.values())
    inline = result["inline"]
    assert result["total"]["received"] == inline["redirect"]
    assert verdicts["accept"] == inline["pass"] + result["total"]["accepted"]
    assert verdicts["drop"] == inline["drop"] + inline["malformed"] + result["total"]["dropped"]
    assert inline["fallback"] == 0


def sources_in(replay, capture):
    """The source addresses in a capture, by --explain, which another test checks."""
    lines = replay(capture, "--inline-drop", "none", "--explain", "--json").output.splitlines()
    return sorted({packet["src"] for line in lines[:-1] if "src" in (packet := json.loads(line))})


def test_blocklist_and_allowlist_are_those_of_the_filter(replay, replay_json, capture, tmp_path):
    sources = sources_in(replay, capture)
    blocked, allowed = sources, sources[::2]
    block, allow = tmp_path / "block.txt", tmp_path / "allow.txt"
    block.write_text("".join(f"{each}\n" for each in blocked))
    allow.write_text("".join(f"{each}\n" for each in allowed))
    result = replay_json(capture, "--inline-drop", "none", "-b", block, "-a", allow)
    left = [each for each in blocked if each not in allowed]
    expression = " or ".join(f"src host {each}" for each in left) or "less 0"
    ip = f"(ip or ip6) and not ({NEIGHBOUR_DISCOVERY})"
    expected = count(capture, in_any_vlan(capture, f"{ip} and ({expression})"))
    assert result["drop_reasons"]["blocklist"] == expected
    assert sum(rule["packets"] for rule in result["rules"] if "drop" in rule["text"]) == expected


def test_written_files_hold_the_packets_unchanged(replay_json, capture, tmp_path):
    policy = "udp,tcp/80"
    expression = in_any_vlan(capture, POLICIES[policy])
    accepted, dropped = tmp_path / "accepted.pcap", tmp_path / "dropped.pcap"
    replay_json(capture, "--inline-drop", policy, "--write-accepted", accepted,
                "--write-dropped", dropped)
    assert contents(dropped) == contents(capture, expression)
    assert contents(accepted) == contents(capture, f"not ({expression})")
    assert len(list(tmp_path.iterdir())) == 2


def test_explain_says_of_each_packet_what_the_filter_says(replay, capture):
    done = replay(capture, "--inline-drop", "tcp", "--explain", "--json")
    packets = [json.loads(line) for line in done.output.splitlines()]
    assert packets.pop()["packets"] == len(packets)
    assert [packet["packet"] for packet in packets] == list(range(1, len(packets) + 1))
    dropped = [packet for packet in packets if packet["verdict"] == "drop"]
    assert len(dropped) == count(capture, in_any_vlan(capture, "tcp"))
    assert {packet["why"] for packet in dropped} <= {"inline policy: tcp"}


def test_several_files_add_up(replay_json):
    alone = [replay_json(capture) for capture in CAPTURES]
    together = replay_json(*CAPTURES)
    for path in (["packets"], ["bytes"], ["verdicts", "drop", "packets"], ["inline", "drop"]):
        def value(result):
            for name in path:
                result = result[name]
            return result
        assert value(together) == sum(value(result) for result in alone), path
    assert [file["packets"] for file in together["files"]] == [each["packets"] for each in alone]


@pytest.mark.parametrize("name", ["three_http_streams", "VlanPackets", "igmp_30", "ip6_fragments"])
def test_a_snap_length_behind_the_headers_changes_no_verdict(replay_json, tmp_path, name):
    whole = next(path for path in CAPTURES if path.stem == name)
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(with_snap_length(whole, 96))
    expected, result = replay_json(whole), replay_json(cut)
    assert result["truncated"] == count(whole, "greater 97") > 0
    for part in ("packets", "bytes", "verdicts", "inline", "total"):
        assert result[part] == expected[part], part


def test_what_has_no_headers_left_is_not_judged(replay_json, tmp_path):
    trace = tmp_path / "trace.pcap"
    trace.write_bytes(pcap([frame(bytes(100)), frame(bytes(100), protocol=6, port=80)]))
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(with_snap_length(trace, 42))
    result = replay_json(cut)
    verdicts = {name: each["packets"] for name, each in result["verdicts"].items()}
    assert verdicts == {"accept": 0, "drop": 1, "not_judged": 1}, "UDP's header is there"
    assert result["truncated"] == 2
