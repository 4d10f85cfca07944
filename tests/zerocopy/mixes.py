"""Frames of every fate, for each queue a different number of them."""

from harness.frames import Flow, send, tcp, udp

BLOCKED = "198.51.100.7"  # must be on the blocklist
BASE_PORT = 1024  # of queue 0: the low bits of a source port are the queue (Wire.steer)


class Mix:
    """Frames for one queue. The default inline policy drops some of them."""

    def __init__(self, wire, queue):
        port = BASE_PORT + queue
        flow = Flow(wire, wire.guest)
        blocked = Flow(wire, wire.guest, source=BLOCKED)
        self.dropped_inline = ([flow.frame(udp(port, 53)) for _ in range(10 + queue)] +
                               [flow.frame(tcp(port, 80)) for _ in range(5 + queue)])
        self.blocked = [blocked.frame(tcp(port, 443)) for _ in range(20 + 2 * queue)]
        self.accepted = [flow.frame(tcp(port, 443, data=bytes([queue, number] * 50)))
                         for number in range(30 + 3 * queue)]
        self.frames = self.dropped_inline + self.blocked + self.accepted
        self.for_the_worker = self.blocked + self.accepted


def send_mixes(wire, queues):
    """Sends one for each queue; returns them."""
    mixes = [Mix(wire, queue) for queue in range(queues)]
    for mix in mixes:
        send(wire, mix.frames)
    return mixes


def frame_for(wire, queue):
    """One frame that is accepted."""
    return Flow(wire, wire.guest).frame(tcp(BASE_PORT + queue, 443))
