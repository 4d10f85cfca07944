#!/usr/bin/python3
"""Checks that the code under src/ keeps to the layers of ARCHITECTURE.md.

  tools/check_layers.py [SOURCE-TREE]    default: the tree this script is in

Prints "file:line: what is wrong" for each violation and exits 1 if there is one.

  app       any
  control   protocol, engine and all below
  ctl       protocol, rules, net, util: the client's side
  replay    pipeline, rules, net, util
  engine    worker, loading, xsk and all below
  worker    pipeline, rules, net, xsk, util
  loading   rules, net, util    files become rules
  protocol  util                pure, as are the next three:
  pipeline  rules, net, util    pure: no descriptor, system call or thread,
  rules     net, util           not even through a header of util
  net       util
  xsk       util: knows frames, never verdicts
  util      nothing

The BPF ABI header is data, for rules, pipeline, xsk and all above them; the BPF skeleton is for xsk alone.
Below app, nothing prints, exits or touches signal handlers.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

ALLOWED = {
    "util": set(),
    "net": {"util"},
    "rules": {"net", "util"},
    "pipeline": {"rules", "net", "util"},
    "xsk": {"util"},
    "worker": {"pipeline", "rules", "net", "xsk", "util"},
    "loading": {"rules", "net", "util"},
    "engine": {"worker", "loading", "pipeline", "rules", "net", "xsk", "util"},
    "protocol": {"util"},
    "ctl": {"protocol", "rules", "net", "util"},
    "control": {"protocol", "engine", "worker", "loading", "pipeline", "rules", "net", "xsk", "util"},
    "replay": {"pipeline", "rules", "net", "util"},
    "app": {"control", "ctl", "protocol", "replay", "engine", "worker", "loading", "pipeline", "rules", "net", "xsk",
            "util"},
}
# Of no layer: it says what is read once for all of them, and nothing includes it.
PRECOMPILED = "pch"
PURE = {"net", "rules", "pipeline", "protocol"}
BPF_HEADERS = {
    "afxfw_abi.h": {"rules", "pipeline", "xsk", "worker", "engine", "control", "replay", "app"},
    "afxfw.skel.h": {"xsk"},
}

# Headers of descriptors, system calls and threads. Those of wire formats (<netinet/ip.h>,
# <linux/if_ether.h>) and of address conversion (<arpa/inet.h>) are fine in a pure layer.
IMPURE_HEADER = re.compile(
    r"(sys|bpf|xdp|netlink|boost/(asio|beast|lockfree))/.*"
    r"|linux/(bpf|if_xdp|if_link|netlink|rtnetlink|pkt_cls|ethtool|futex|perf_event)\.h"
    r"|(unistd|fcntl|poll|pthread|sched|signal|dirent|net/if|ifaddrs|netdb|pcap)\.h"
    r"|pcap/.*"
    r"|c?stdio(\.h)?|csignal|fstream|filesystem|iostream"
    r"|thread|mutex|shared_mutex|condition_variable|future|semaphore|stop_token|latch|barrier")
# Atomics are how threads share; in a pure layer only the publisher of rule sets and the token
# buckets of rules with a limit may.
ATOMIC_HEADER = "atomic"
ATOMIC_ALLOWED = re.compile(r"rules/(publisher|token_bucket)\.(h|cpp)")

LIBRARY_BANNED_HEADER = re.compile(r"iostream|getopt\.h|spdlog/.*|boost/program_options(\.hpp|/.*)")
LIBRARY_BANNED_CODE = (
    (re.compile(r"(?<![\w.>])(v?f?printf|v?dprintf|puts|fputs|putchar|putc|perror)\s*\("),
     "prints; the library does not"),
    (re.compile(r"\bfmt::print(ln)?\b|\bstd::(cout|cerr|clog)\b"),
     "prints; the library does not"),
    (re.compile(r"(?<![\w.>])(exit|_exit|_Exit|quick_exit|abort|terminate)\s*\("),
     "ends the process; the library does not"),
    (re.compile(r"(?<![\w.>])(signal|sigaction|getopt(_long)?)\s*\("), "is for main only"),
)

# Comments and literals, which are no code. An include's "file" is read before they are blanked.
NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^()\\\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|' r"(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"(?P<own>[^"]+)"|<(?P<system>[^>]+)>)')


class Violation(NamedTuple):
    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


class Include(NamedTuple):
    line: int
    own: str | None  # as written in quotes, or
    system: str | None  # in angle brackets


class Source:
    """One file under src/: its includes, and its lines without comments and literals."""

    def __init__(self, path, name):
        self.name = name  # relative to src/, as others include it
        self.layer = name.split("/")[0]
        text = path.read_text(encoding="utf-8")
        self.includes = [Include(number, **match.groupdict())
                         for number, line in enumerate(text.splitlines(), 1)
                         if (match := INCLUDE.match(line))]
        blank = NOT_CODE.sub(lambda match: "\n" * match.group().count("\n") or " ", text)
        self.code_lines = blank.splitlines()
        self.has_pragma_once = re.search(r"^#pragma once$", text, re.MULTILINE) is not None


def check_includes(source):
    for include in source.includes:
        if include.own is None:
            continue
        if include.own in BPF_HEADERS:
            if source.layer not in BPF_HEADERS[include.own]:
                yield include.line, f"layer {source.layer} must not include {include.own}"
            continue
        target = include.own.split("/")[0]
        if target not in ALLOWED or "/" not in include.own:
            yield include.line, (f'"{include.own}" is not rooted at src/: write "layer/file.h", '
                                 "or <file> for a library")
        elif target != source.layer and target not in ALLOWED[source.layer]:
            yield include.line, f"layer {source.layer} must not include {include.own}"


def impure_header_reached(source, sources, seen):
    """The chain of headers to the first impure one that this file includes, or None."""
    seen.add(source.name)
    for include in source.includes:
        if include.system and IMPURE_HEADER.fullmatch(include.system):
            return [f"<{include.system}>"]
        next_source = sources.get(include.own)
        if next_source and next_source.name not in seen:
            if chain := impure_header_reached(next_source, sources, seen):
                return [include.own, *chain]
    return None


def check_purity(source, sources):
    for include in source.includes:
        chain = None
        if include.system and IMPURE_HEADER.fullmatch(include.system):
            chain = [f"<{include.system}>"]
        elif include.system == ATOMIC_HEADER and not ATOMIC_ALLOWED.fullmatch(source.name):
            chain = [f"<{include.system}>"]
        elif include.own in sources and sources[include.own].layer not in PURE:
            if rest := impure_header_reached(sources[include.own], sources, {source.name}):
                chain = [include.own, *rest]
        if chain:
            yield include.line, f"layer {source.layer} is pure but includes {' -> '.join(chain)}"


def check_library(source):
    for include in source.includes:
        if include.system and LIBRARY_BANNED_HEADER.fullmatch(include.system):
            yield include.line, f"<{include.system}> is for src/app only"
    for number, line in enumerate(source.code_lines, 1):
        for pattern, what in LIBRARY_BANNED_CODE:
            if match := pattern.search(line):
                call = match.group().rstrip("( \t")
                yield number, f"{call} {what}"


def check_file(source, sources):
    if source.layer not in ALLOWED or "/" not in source.name:
        yield 1, f"is in no layer; the layers are {', '.join(ALLOWED)}"
        return
    if source.name.endswith(".h") and not source.has_pragma_once:
        yield 1, "has no #pragma once"
    yield from check_includes(source)
    if source.layer in PURE:
        yield from check_purity(source, sources)
    if source.layer != "app":
        yield from check_library(source)


def check_tree(tree):
    """Returns all violations in TREE/src, by file and line, and the number of files checked."""
    root = Path(tree) / "src"
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*")
                   if path.suffix in (".h", ".hpp", ".cpp", ".c", ".cc")
                   and path.relative_to(root).parts[0] != PRECOMPILED)
    sources = {name: Source(root / name, name) for name in names}
    return [Violation(f"src/{source.name}", line, text) for source in sources.values()
            for line, text in sorted(check_file(source, sources))], len(sources)


def main():
    if len(sys.argv) > 2 or "--help" in sys.argv:
        print(__doc__)
        return 2
    tree = sys.argv[1] if len(sys.argv) == 2 else Path(__file__).resolve().parent.parent
    violations, file_count = check_tree(tree)
    if file_count == 0:
        print(f"tools/check_layers.py: no source file in {tree}/src", file=sys.stderr)
        return 1
    for violation in violations:
        print(violation)
    print(f"tools/check_layers.py: {file_count} files, {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
