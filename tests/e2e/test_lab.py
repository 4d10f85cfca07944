"""tools/lab makes the networks it says it makes, and leaves nothing behind."""

import os
import signal
import socket
import subprocess

import pytest
from harness.capture import Capture, bad_checksums
from harness.lab import LAB, Lab
from harness.servers import curl, http_server
from harness.wait import wait_until

PAGE = "served in the lab\n"
LARGE_BYTES = 2 << 20
MTU = 1500
ETHERNET_HEADER_BYTES = 14


@pytest.fixture
def web_server(lab, tmp_path):
    (tmp_path / "page.html").write_text(PAGE)
    with http_server(lab["fw"], tmp_path):
        yield


class TestBridge:
    @pytest.mark.parametrize("sender", ["fw", "client", "attacker"])
    @pytest.mark.parametrize("receiver", ["fw", "client", "attacker"])
    def test_every_host_reaches_every_host(self, lab, sender, receiver):
        assert lab[sender].ping(lab[receiver].ipv4)
        assert lab[sender].ping(lab[receiver].ipv6)

    @pytest.mark.parametrize("source, version", [
        ("198.51.100.7", 4), ("203.0.113.7", 4), ("2001:db8:bad::7", 6)])
    @pytest.mark.parametrize("receiver", ["fw", "client"])
    def test_replies_reach_the_attackers_other_addresses(self, lab, source, version, receiver):
        address = lab[receiver].ipv4 if version == 4 else lab[receiver].ipv6
        assert lab["attacker"].ping(address, "-I", source)

    @pytest.mark.parametrize("version", [4, 6])
    def test_a_page_is_fetched_from_a_web_server(self, lab, web_server, version):
        address = lab["fw"].ipv4 if version == 4 else lab["fw"].ipv6
        done = curl(lab["client"], address, "/page.html")
        assert (done.returncode, done.stdout) == (0, PAGE)

    def test_frames_are_those_of_a_network_card(self, lab, tmp_path):
        """At most one MTU long and with complete checksums, also when TCP sends fast."""
        client, fw = lab["client"], lab["fw"]
        (tmp_path / "large").write_bytes(bytes(LARGE_BYTES))
        with (http_server(client, tmp_path),
              Capture(fw, tmp_path / "tcp.pcap", "tcp src port 8080") as capture):
            assert curl(fw, client.ipv4, "/large", "--output", "/dev/null").returncode == 0
            frames = capture.wait(LARGE_BYTES // MTU)
        assert max(map(len, frames)) == MTU + ETHERNET_HEADER_BYTES
        assert bad_checksums(capture) == []

    def test_offloads_that_keep_frames_from_xdp_are_off(self, lab):
        features = lab["fw"].run("ethtool", "-k", "eth0").stdout
        for name in ("tx-checksumming", "tcp-segmentation-offload", "generic-segmentation-offload",
                     "rx-vlan-offload", "tx-vlan-offload"):
            assert f"{name}: off" in features

    @pytest.mark.parametrize("tags", ["8100 0005", "88a8 0064 8100 0005"], ids=["802.1Q", "QinQ"])
    def test_tagged_frames_cross_the_bridge_as_they_are(self, lab, tmp_path, tags):
        client, fw = lab["client"], lab["fw"]
        macs = bytes.fromhex((fw.mac + client.mac).replace(":", ""))
        frame = macs + bytes.fromhex(tags) + bytes.fromhex("88b5") + bytes(range(46))
        with (Capture(fw, tmp_path / "vlan.pcap", f"ether src {client.mac}") as capture,
              client.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire):
            wire.bind(("eth0", 0))
            wire.send(frame)
            assert frame in capture.wait(1)

    def test_eight_queues_by_default(self, lab):
        link = lab["fw"].link()
        assert (link["num_rx_queues"], link["num_tx_queues"]) == (8, 8)

    def test_status_shows_hosts_and_programs(self, lab):
        done = lab.tool("status")
        assert done.returncode == 0
        assert done.stdout.startswith(f"lab '{lab.prefix}': up, topology bridge\n")
        fw = next(line.split() for line in done.stdout.splitlines() if line.startswith("fw "))
        assert fw[:7] == ["fw", "eth0", "UP", lab["fw"].mac, "8", "1500", "-"]
        assert fw[7:9] == ["198.18.0.1/24", "2001:db8:1::1/64"]

    @pytest.mark.parametrize("code", [0, 1, 7])
    def test_exec_exits_as_its_command(self, lab, code):
        assert lab.tool("exec", "fw", "sh", "-c", f"exit {code}").returncode == code

    def test_exec_names_the_hosts_if_there_is_no_such_host(self, lab):
        done = lab.tool("exec", "printer", "true")
        assert done.returncode == 1
        assert "no host 'printer' here, but sw fw client attacker" in done.stderr

    def test_up_twice_is_refused_and_changes_nothing(self, lab):
        done = lab.tool("up")
        assert done.returncode == 1
        assert "already up, topology bridge" in done.stderr
        assert lab["client"].ping(lab["fw"].ipv4)


class TestPair:
    @pytest.fixture(scope="class")
    def pair(self, lab_prefix):
        with Lab(lab_prefix(), "pair", queues=2, mtu=3000) as up:
            yield up

    def test_carries_no_frame_but_those_sent(self, pair):
        """Counted since the interface was made, so without ARP, ND and MLD from the start."""
        gen, fw = pair["gen"], pair["fw"]
        gen.run("ping", "-n", "-c3", "-i0.1", fw.ipv4)
        gen.run("ping", "-n", "-c3", "-i0.1", fw.ipv6)
        received, sent = (fw.link()["stats64"][way]["packets"] for way in ("rx", "tx"))
        assert (received, sent) == (6, 6)

    def test_has_the_queues_and_mtu_asked_for(self, pair):
        for host in (pair["gen"], pair["fw"]):
            link = host.link()
            assert (link["num_rx_queues"], link["num_tx_queues"], link["mtu"]) == (2, 2, 3000)


class TestNothingIsLeftBehind:
    """In a network of the test's own, so that other users of the machine cannot interfere."""

    UNSHARED = "set -e; mount -t tmpfs none /run/netns; ip netns add other; " \
               "ip link add other type veth; set +e; "
    STATE = "ip netns; ip -o link | cut -d: -f2"

    @pytest.fixture(autouse=True)
    def a_folder_to_mount_on(self):
        os.makedirs("/run/netns", exist_ok=True)

    def in_own_network(self, script):
        """Runs a shell script; returns its exit code and its output."""
        done = subprocess.run(["unshare", "--net", "--mount", "sh", "-c", self.UNSHARED + script],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=60, env={**os.environ, "AFXFW_LAB_PREFIX": "t"})
        return done.returncode, done.stdout

    def before_and_after(self, script):
        """What there is before and after the script, and the script's own output between."""
        code, output = self.in_own_network(
            f"{self.STATE}; echo ----; {script}; echo ----; {self.STATE}")
        assert code == 0, output
        before, between, after = output.split("----\n")
        assert "other" in before
        return before, between, after

    @pytest.mark.parametrize("topology", ["bridge", "pair"])
    def test_by_up_and_down(self, topology):
        before, _, after = self.before_and_after(
            f"{LAB} up --topology {topology} && {LAB} status && {LAB} down")
        assert after == before

    def test_outside_the_namespaces_while_it_is_up(self):
        code, output = self.in_own_network(
            f"ip -o link | cut -d: -f2; {LAB} up >/dev/null; echo ----; ip -o link | cut -d: -f2")
        assert code == 0
        before, during = output.split("----\n")
        assert during == before

    def test_by_down_when_nothing_is_up(self):
        before, said, after = self.before_and_after(f"{LAB} down && {LAB} down")
        assert after == before
        assert said == "lab 't': down\n" * 2

    def test_by_an_up_that_fails_half_way(self):
        before, said, after = self.before_and_after(f"{LAB} up --queues 100000; [ $? -eq 1 ]")
        assert after == before
        assert "bringing the lab up failed" in said

    def test_by_down_after_an_up_that_was_killed(self):
        """What is there is some namespaces, some links, and a handle without a namespace."""
        before, said, after = self.before_and_after(
            "ip netns add t-sw; ip netns add t-fw; touch /run/netns/t-client; "
            "ip -n t-sw link add fw type veth peer name eth0 netns t-fw; "
            f"{LAB} up; {LAB} status; {LAB} down")
        assert after == before
        assert "already partly up" in said

    def test_by_programs_that_still_run(self):
        before, _, after = self.before_and_after(
            f"{LAB} up >/dev/null; {LAB} exec fw sleep 1000 >/dev/null 2>&1 & "
            "until [ -n \"$(ip netns pids t-fw 2>/dev/null)\" ]; do sleep 0.02; done; "
            f"{LAB} down; wait")
        assert after == before

    def test_by_an_up_that_is_interrupted(self, lab_prefix):
        prefix = lab_prefix()
        with subprocess.Popen([LAB, "up"], env={**os.environ, "AFXFW_LAB_PREFIX": prefix},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as up:
            wait_until(lambda: os.path.exists(f"/run/netns/{prefix}-fw"), "the first namespaces")
            up.send_signal(signal.SIGTERM)
            up.communicate(timeout=20)
        assert up.returncode != 0
        assert [name for name in os.listdir("/run/netns") if name.startswith(prefix)] == []

    @pytest.mark.parametrize("arguments, message", [
        (["up", "--topology", "ring"], "there is no topology 'ring'"),
        (["up", "--queues"], "--queues needs a value"),
        (["up", "--speed", "9"], "up has no option '--speed'"),
        (["exec", "fw"], "exec needs a host and a command"),
        (["exec", "fw", "true"], "is not up"),
    ])
    def test_by_a_mistaken_command(self, lab_prefix, arguments, message):
        lab = Lab(lab_prefix())
        done = lab.tool(*arguments)
        assert done.returncode == 1
        assert message in done.stderr
        assert lab.tool("status").stdout == f"lab '{lab.prefix}': down\n"


def test_two_labs_side_by_side(lab, lab_prefix):
    with Lab(lab_prefix(), "pair") as other:
        assert other["gen"].ping(other["fw"].ipv4)
        assert lab["client"].ping(lab["fw"].ipv4)
    assert lab["client"].ping(lab["fw"].ipv4)


def test_without_root_it_says_so(lab_prefix):
    done = subprocess.run(["setpriv", "--reuid=65534", LAB, "up"], capture_output=True, text=True,
                          env={**os.environ, "AFXFW_LAB_PREFIX": lab_prefix()}, timeout=20)
    assert done.returncode == 1
    assert "need root" in done.stderr
