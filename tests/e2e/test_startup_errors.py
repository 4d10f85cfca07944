"""What cannot work is refused with a sentence that says why, its exit code, and no trace."""

import subprocess

import pytest
from harness.afxfw import AFXFW
from harness.lab import Lab
from harness.pktgen import Pktgen
from harness.wait import wait_until

pytestmark = pytest.mark.lab(topology="pair", queues=2)

RUNTIME, USAGE, PRIVILEGE, UNSUPPORTED = 1, 2, 3, 4
START_LIMIT_S = 20


def refuse(host, exit_code, *options, before=(), interface="eth0"):
    """Runs afxfw, which ends with this exit code and leaves nothing behind; returns its messages.

    before: a command that runs afxfw.
    """
    links = host.link_names()
    done = host.run(*before, AFXFW, "--iface", interface, *options, check=False,
                    timeout_s=START_LIMIT_S)
    assert (done.returncode, done.stdout) == (exit_code, ""), done.stderr
    assert host.link_names() == links
    assert "xdp" not in host.link("eth0")
    return done.stderr


def sent(host):
    """Packets that its interface has sent."""
    return host.link()["stats64"]["tx"]["packets"]


@pytest.fixture
def another_lab(lab_prefix):
    """For what must not be changed in the shared one."""
    with Lab(lab_prefix(), "pair", queues=2) as up:
        yield up


class TestInterface:
    @pytest.mark.parametrize("name", ["nosuch0", "a-name-that-is-too-long"])
    def test_missing(self, lab, name):
        text = refuse(lab["fw"], UNSUPPORTED, interface=name)
        assert f"no interface '{name}' in this network namespace; there are: lo, eth0" in text

    def test_not_ethernet(self, lab):
        assert "lo is not an Ethernet interface" in refuse(
            lab["fw"], UNSUPPORTED, interface="lo")

    def test_down(self, another_lab):
        another_lab["fw"].run("ip", "link", "set", "eth0", "down")
        text = refuse(another_lab["fw"], UNSUPPORTED)
        assert "eth0 is down; run: ip link set eth0 up" in text

    def test_mtu_too_large(self, another_lab):
        another_lab["fw"].run("ip", "link", "set", "eth0", "mtu", "9000")
        text = refuse(another_lab["fw"], UNSUPPORTED)
        assert "eth0 has an MTU of 9000 bytes" in text
        assert "run: ip link set eth0 mtu 3818" in text

    def test_largest_mtu(self, lab_prefix, start_afxfw):
        with Lab(lab_prefix(), "pair", queues=2, mtu=3818) as lab:
            start_afxfw(lab["fw"], "--mode", "generic")
            assert lab["gen"].ping(lab["fw"].ipv4, "-s", "3790", "-M", "do")

    def test_more_queues_than_there_are(self, lab):
        text = refuse(lab["fw"], UNSUPPORTED, "--queues", "3")
        assert ("eth0 has 2 receive queues, not 3; use --queues 2 or run: "
                "ethtool -L eth0 rx 3 tx 3") in text

    def test_fewer_queues_than_there_are(self, lab):
        text = refuse(lab["fw"], UNSUPPORTED, "--queues", "1")
        assert "packets of the other 1 would not be filtered" in text
        assert "ethtool -L eth0 rx 1 tx 1" in text

    def test_fewer_queues_if_allowed(self, lab, start_afxfw):
        afxfw = start_afxfw(lab["fw"], "--queues", "1", "--allow-unfiltered-queues")
        afxfw.wait_for_line("1 of 2 receive queues of eth0 are not filtered")
        assert len(afxfw.finish()["queues"]) == 1

    def test_a_queue_that_another_program_uses(self, lab):
        fw = lab["fw"]
        before = sent(fw)
        with Pktgen(fw, dst_mac=lab["gen"].mac, method="xsk", rate=1) as holder:
            wait_until(lambda: sent(fw) > before, f"a packet of {holder}")
            text = refuse(fw, RUNTIME)
        assert "cannot bind an AF_XDP socket to queue 0 of eth0: the queue has been in use" in text
        assert f"afxfw-pktgen, pid {holder.pid}" in text


class TestMode:
    def test_offload(self, lab):
        text = refuse(lab["fw"], UNSUPPORTED, "--mode", "offload")
        assert "a program that runs on the network card cannot redirect to a socket" in text

    def test_zero_copy_where_the_driver_has_none(self, lab):
        text = refuse(lab["fw"], UNSUPPORTED, "--zero-copy", "require")
        assert "the driver refused zero-copy; use --zero-copy auto" in text

    def test_zero_copy_in_generic_mode(self, lab):
        text = refuse(lab["fw"], UNSUPPORTED, "--mode", "generic", "--zero-copy", "require")
        assert "generic mode, which always copies, but zero-copy is required" in text

    def test_native_where_the_driver_refuses(self, lab_without_native):
        """The kernel's own sentence is part of the message."""
        text = refuse(lab_without_native["fw"], UNSUPPORTED, "--mode", "native")
        assert "cannot attach the XDP program to eth0 in native mode: " in text
        assert "MTU is too large" in text
        assert "try --mode auto" in text

    def test_auto_falls_back_to_generic_and_says_so(self, lab_without_native, start_afxfw):
        lab = lab_without_native
        afxfw = start_afxfw(lab["fw"], "--mode", "auto")
        afxfw.wait_for_line(r"eth0: native XDP refused \(.*MTU is too large.*running in generic mode")
        assert lab["gen"].ping(lab["fw"].ipv4)
        assert afxfw.finish()["xdp_mode"] == "generic"

    @pytest.fixture
    def lab_without_native(self, another_lab):
        """A veth refuses native XDP while its peer could send more than a page."""
        another_lab["gen"].run("ip", "link", "set", "gen0", "mtu", "9000")
        return another_lab


class TestPrivilege:
    @staticmethod
    def without(*capabilities):
        """A command that runs another one without them."""
        dropped = ",".join(f"-{name}" for name in capabilities)
        return ["setpriv", f"--bounding-set={dropped}", f"--inh-caps={dropped}"]

    @pytest.mark.parametrize("capability", ["net_admin", "net_raw", "bpf"])
    def test_a_missing_capability_is_named(self, lab, capability):
        names = [capability] if capability != "bpf" else ["bpf", "sys_admin"]
        text = refuse(lab["fw"], PRIVILEGE, before=self.without(*names))
        assert f"CAP_{capability.upper()}" in text

    def test_a_user_without_any(self, lab):
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        text = refuse(lab["fw"], PRIVILEGE, before=nobody)
        assert "CAP_NET_ADMIN" in text

    def test_locked_memory_limit(self, lab):
        text = refuse(lab["fw"], PRIVILEGE,
                      before=["prlimit", "--memlock=65536", *self.without("ipc_lock")])
        assert "exceeds the locked-memory limit of 64 KiB; grant CAP_IPC_LOCK" in text


class TestUsage:
    @pytest.mark.parametrize("options, message", [
        (["--no-such-option"], "unrecognised option '--no-such-option'"),
        (["--reinject", "nowhere"], "must be one of: stack, none, tx, dev:NAME"),
        (["--inline-drop", "udp,tpc/80"], "column 5: unknown protocol"),
        (["--inline-drop", "tcp/80-79"], "first port is above its last"),
        (["--queues", "0"], "--queues is '0'"),
        (["--ring-size", "1000"], "must be a power of two"),
        (["--ring-size", "8192"], "--frames 8192 is too few for --ring-size 8192"),
        (["--cpus", "4000"], "4000"),
        (["--batch", "0"], "--batch is 0, but must be from 1 to 256"),
        (["--stats-interval", "-1"], "--stats-interval must be a number of seconds"),
        (["--config", "/nonexistent/file"], "cannot read the config file /nonexistent/file"),
        (["surplus"], "too many positional options"),
    ], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
    def test_a_bad_option(self, lab, options, message):
        assert message in refuse(lab["fw"], USAGE, *options)

    def test_all_bad_lines_of_all_lists_at_once(self, lab, tmp_path):
        first, second = tmp_path / "first", tmp_path / "second"
        first.write_text("198.51.100.0/24\n198.51.100.0/33\n# fine\n2001:db8::g\n")
        second.write_text("\n\nnonsense ; comment\n")
        text = refuse(lab["fw"], USAGE, "--blocklist", first, "--allowlist", second)
        for place in (f"{first}:2:", f"{first}:4:", f"{second}:3:1:"):
            assert place in text

    def test_bad_lines_can_be_left_out(self, lab, start_afxfw, tmp_path):
        (tmp_path / "list").write_text("198.51.100.7\nnonsense\n")
        afxfw = start_afxfw(lab["fw"], "--blocklist", tmp_path / "list", "--skip-bad-lines")
        afxfw.wait_for_line("1 bad lines left out of the lists")
        afxfw.wait_for_line(f"{tmp_path / 'list'}:2:1: ")

    def test_a_missing_list(self, lab, tmp_path):
        text = refuse(lab["fw"], USAGE, "--blocklist", tmp_path / "nosuch")
        assert f"cannot open '{tmp_path / 'nosuch'}': No such file or directory" in text


class TestDryRun:
    def test_attaches_nothing(self, lab, tmp_path):
        fw = lab["fw"]
        (tmp_path / "list").write_text("198.51.100.0/24\n2001:db8:bad::/48\n")
        links = fw.link_names()
        done = fw.run(AFXFW, "--dry-run", "--blocklist", tmp_path / "list")
        assert "IPv4: 0 ranges allowed, 1 blocked; IPv6: 0 ranges allowed, 1 blocked" in done.stdout
        assert "dry run: everything checked, nothing attached" in done.stdout
        assert fw.link_names() == links
        assert "xdp" not in fw.link()

    def test_finds_what_a_start_would(self, lab, tmp_path):
        (tmp_path / "list").write_text("nonsense\n")
        text = refuse(lab["fw"], USAGE, "--dry-run", "--blocklist", tmp_path / "list")
        assert f"{tmp_path / 'list'}:1:1: " in text
        refuse(lab["fw"], UNSUPPORTED, "--dry-run", "--queues", "3")


class TestConfigFile:
    def test_gives_options_and_the_command_line_wins(self, lab, start_afxfw, tmp_path):
        (tmp_path / "list").write_text("198.51.100.7\n")
        (tmp_path / "config").write_text(
            f"# a comment\nmode = generic\nblocklist = {tmp_path / 'list'}\n"
            "inline-drop = udp/53\njson = true\n")
        afxfw = start_afxfw(lab["fw"], "--config", tmp_path / "config", "--inline-drop", "tcp/22")
        afxfw.wait_for_line("inline   drop tcp/22")
        final = afxfw.finish()
        assert final["xdp_mode"] == "generic"
        assert [rule["text"] for rule in final["rules"]] == [
            "ip saddr @blocklist drop", "ip6 saddr @blocklist drop"]

    def test_names_itself_and_what_is_wrong(self, lab, tmp_path):
        (tmp_path / "config").write_text("no-such-option = 1\n")
        text = refuse(lab["fw"], USAGE, "--config", tmp_path / "config")
        assert f"{tmp_path / 'config'}: unrecognised option 'no-such-option'" in text


def test_help_and_version_need_no_privilege():
    for option, expected in (("--help", "Usage: afxfw"), ("--version", "afxfw ")):
        done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", AFXFW, option],
                              capture_output=True, text=True, timeout=START_LIMIT_S)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(expected)
