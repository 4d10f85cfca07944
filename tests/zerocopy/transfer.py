"""TCP connections between host and guest, both directions at once, compared by checksum."""

import contextlib
import hashlib
import threading

FIRST_PORT = 7000
GUEST_BYTES = 150_000
HOST_BYTES = 150_000
TIMEOUT_S = 60


def exchange(guest, wire, queues):
    """A connection through each queue; each carries data both ways, whose checksums must agree.

    The source port says which queue the host's packets take (Wire.steer).
    """
    ports = range(FIRST_PORT, FIRST_PORT + queues)
    listed = guest.run(
        "cd /tmp; rm -f up.* down.* nc.pid.*\n" +
        "".join(f"head -c {GUEST_BYTES} /dev/urandom >down.{port}\n"
                f"nc -l -p {port} <down.{port} >up.{port} 2>/dev/null &\n"
                for port in ports) +
        "sha256sum down.*").stdout
    guest_sent = dict(reversed(line.split()) for line in listed.splitlines())
    for port in ports:
        wait_for_listener(guest, port)
    sent, received = {}, {}
    threads = [threading.Thread(target=_converse, args=(wire, port, sent, received))
               for port in ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * TIMEOUT_S)
    assert received == {port: guest_sent[f"down.{port}"] for port in ports}
    # Their last packets may still be on the way.
    listed = guest.run("cd /tmp\n"
                       "for i in $(seq 200); do pidof nc >/dev/null || break; usleep 50000; done\n"
                       "sha256sum up.*").stdout
    guest_received = dict(reversed(line.split()) for line in listed.splitlines())
    assert guest_received == {f"up.{port}": sent[port] for port in ports}


def wait_for_listener(guest, port):
    guest.run(f"for i in $(seq 200); do\n"
              f"  grep -q ':{port:04X} 0*:0000 0A' /proc/net/tcp* && exit\n"
              "  usleep 50000\n"
              "done\n"
              "exit 1")


def _converse(wire, port, sent, received):
    data = hashlib.shake_128(str(port).encode()).digest(HOST_BYTES)
    digest = hashlib.sha256()
    with contextlib.suppress(OSError), wire.socket(timeout_s=TIMEOUT_S) as connection:
        connection.bind((wire.ipv4, port))
        connection.connect((wire.guest.ipv4, port))
        sender = threading.Thread(target=_send, args=(connection, data))
        sender.start()
        while part := connection.recv(1 << 16):
            digest.update(part)
        sender.join()
    sent[port] = hashlib.sha256(data).hexdigest()
    received[port] = digest.hexdigest()


def _send(connection, data):
    with contextlib.suppress(OSError):
        connection.sendall(data)
        connection.shutdown(1)
