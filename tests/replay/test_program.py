"""How afxfw-replay behaves as a program: files it cannot use, pipes, terminals, signals."""

import gzip
import json
import os
import pty
import signal
import subprocess
import time

import pytest
from captures import DATA, contents, frame, pcap

TRACE = DATA / "three_http_streams.pcap"


def test_needs_no_privilege(program):
    without = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
    if os.geteuid() != 0:
        without = []
    done = subprocess.run([*without, program, TRACE], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_table_is_aligned_and_explains_itself(replay, tmp_path):
    blocklist = tmp_path / "block.txt"
    blocklist.write_text("172.16.0.0/12\n")
    done = replay(TRACE, "--blocklist", blocklist)
    assert done.code == 0
    assert done.output.startswith(f"{TRACE}: Ethernet, 28 packets, 4,763 bytes, 0.204295 s\n")
    columns = [line for line in done.output.splitlines() if "%" in line]
    assert len({line.index("%") for line in columns}) == 1
    assert any(line.endswith("ip saddr @blocklist drop") for line in columns)


@pytest.mark.parametrize("make, message", {
    "missing": (lambda path: None, "No such file"),
    "folder": (lambda path: path.mkdir(), "is a directory"),
    "empty": (lambda path: path.write_bytes(b""), "it is empty"),
    "text": (lambda path: path.write_text("198.51.100.7\n" * 20), "pcap or pcapng file is needed"),
    "compressed": (lambda path: path.write_bytes(gzip.compress(TRACE.read_bytes())), "zcat"),
    "link type": (lambda path: path.write_bytes(pcap([], link_type=127)), "802.11 plus radiotap"),
}.values())
def test_what_is_no_capture_is_named_with_what_to_do(replay, tmp_path, make, message):
    path = tmp_path / "trace"
    make(path)
    done = replay(TRACE, path, "--json")
    assert (done.code, done.output) == (2, "")
    assert str(path) in done.errors and message in done.errors


def test_a_file_that_breaks_off_counts_up_to_there(replay, tmp_path):
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(TRACE.read_bytes()[:-10])
    dropped = tmp_path / "dropped.pcap"
    done = replay(cut, TRACE, "--json", "--write-dropped", dropped)
    assert done.code == 1
    assert f"'{cut}' breaks off after 27 packets" in done.errors
    assert done.json["packets"] == 27 + 28
    assert [file["complete"] for file in done.json["files"]] == [False, True]
    assert dropped.exists()


def test_reads_standard_input(replay, replay_json):
    with TRACE.open() as stream:
        result = replay_json("-", stdin=stream)
    assert result["files"][0]["file"] == "standard input"
    assert result["verdicts"] == replay_json(TRACE)["verdicts"]
    done = replay("-", input=b"no capture")
    assert done.code == 2 and "standard input" in done.errors


def test_a_capture_on_standard_output_is_alone_there(replay, tmp_path):
    done = replay(TRACE, "--write-dropped", "-", "--explain")
    assert done.code == 0
    assert "dropped: port" in done.errors and "inline policy: tcp/80" in done.errors
    dropped = tmp_path / "dropped.pcap"
    dropped.write_bytes(done.raw_output)
    assert contents(dropped) == contents(TRACE, "tcp dst port 80")


def test_no_capture_goes_to_a_terminal(program):
    parent, child = pty.openpty()
    done = subprocess.run([program, TRACE, "-w", "-"], stdout=child, stderr=subprocess.PIPE)
    os.close(child)
    os.close(parent)
    assert done.returncode == 2 and b"terminal" in done.stderr


def test_never_overwrites_an_input(replay, tmp_path):
    trace = tmp_path / "trace.pcap"
    trace.write_bytes(TRACE.read_bytes())
    (tmp_path / "link").symlink_to(trace)
    for output in (trace, tmp_path / "link", tmp_path / ".." / tmp_path.name / "trace.pcap"):
        done = replay(trace, "--write-accepted", output)
        assert done.code == 2 and "would be overwritten" in done.errors
    with trace.open() as stream:
        done = replay("-", "--write-accepted", trace, stdin=stream)
    assert done.code == 2 and "would be overwritten" in done.errors
    assert trace.read_bytes() == TRACE.read_bytes()


def test_captures_that_differ_do_not_go_into_one_file(replay, tmp_path):
    done = replay(TRACE, DATA / "sll2.pcap", "--write-accepted", tmp_path / "out.pcap")
    assert done.code == 2
    assert "Linux cooked v2" in done.errors and "sll2.pcap" in done.errors
    assert list(tmp_path.iterdir()) == []


def test_a_bad_list_is_named_with_its_line(replay, tmp_path):
    blocklist = tmp_path / "block.txt"
    blocklist.write_text("198.51.100.7\n198.51.100.\n")
    done = replay(TRACE, "-b", blocklist)
    assert done.code == 2 and f"{blocklist}:2:1" in done.errors
    done = replay(TRACE, "-b", blocklist, "--skip-bad-lines")
    assert done.code == 0 and "1 bad lines left out" in done.errors


def test_a_full_disk_is_an_error(program):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program, TRACE], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "No space left" in done.stderr


def test_a_reader_who_has_seen_enough_hears_no_complaint(program, tmp_path):
    trace = tmp_path / "trace.pcap"
    trace.write_bytes(pcap([frame()] * 50_000))
    with subprocess.Popen([program, trace, "--explain"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1


def test_control_characters_never_reach_the_terminal(replay, tmp_path):
    odd = tmp_path / "a\x1b]0;owned\x07\x1b[2Jb.pcap"
    odd.write_bytes(TRACE.read_bytes())
    missing = tmp_path / "no\x1b[2J.pcap"
    texts = [replay(odd).output, replay(odd, "--json").output, replay(missing).errors,
             replay(odd, odd, "--explain").output, replay(odd, "--write-dropped", odd).errors,
             replay(odd, "--\x1b[2J").errors]
    for text in texts:
        assert text
        assert not set(text) - {chr(code) for code in range(0x20, 0x7f)} - {"\n"}


def test_an_interrupted_run_tells_what_it_counted(program):
    with subprocess.Popen([program, "-", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=False) as process:
        process.stdin.write(pcap([frame()] * 10_000))
        process.stdin.flush()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"interrupted" in errors
    assert 0 < json.loads(output)["packets"] <= 10_000


def read_terminal(parent):
    text = b""
    while True:
        try:
            more = os.read(parent, 65536)
        except OSError:  # the other end was closed
            return text.decode()
        text += more


def test_a_long_run_shows_its_progress_on_a_terminal_and_leaves_nothing(program):
    parent, child = pty.openpty()
    half = pcap([frame()] * 10_000)
    with subprocess.Popen([program, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=child) as process:
        os.close(child)
        process.stdin.write(half)
        process.stdin.flush()
        time.sleep(0.7)
        process.stdin.write(half[24:])
        process.stdin.close()
        text = read_terminal(parent)
        assert process.stdout.read().decode().startswith("standard input: Ethernet, 20,000")
    os.close(parent)
    assert process.returncode == 0
    assert " packets  " in text and text.endswith("\r\x1b[K")


def test_nothing_but_the_table_when_it_is_soon_done(program):
    parent, child = pty.openpty()
    done = subprocess.run([program, TRACE], stdout=subprocess.PIPE, stderr=child)
    os.close(child)
    assert done.returncode == 0 and read_terminal(parent) == ""
    os.close(parent)


def test_help_and_version(replay):
    help_text = replay("--help")
    assert help_text.code == 0 and help_text.errors == ""
    assert "Examples:" in help_text.output
    assert max(map(len, help_text.output.splitlines())) <= 100
    assert replay("--version").output.startswith("afxfw-replay ")
    for wrong in ((), ("--frobnicate",), (TRACE, "--inline-drop", "tpc")):
        done = replay(*wrong)
        assert done.code == 2 and done.errors.startswith("afxfw-replay: ")
