"""Nothing gets lost between the counters of afxfw's statistics."""

QUEUE_COUNTERS = ("received", "accepted", "dropped", "reinjected", "tx_full", "bytes")


def kernel_drops(queue):
    """Packets for this queue's socket that the kernel had no room for."""
    return queue["kernel"]["rx_dropped"] + queue["kernel"]["rx_ring_full"]


def check_accounting(stats):
    """What must hold for statistics at any moment."""
    for part in [*stats["queues"], stats["total"]]:
        assert part["received"] == part["accepted"] + part["dropped"], part
        assert part["reinjected"] + part["tx_full"] <= part["accepted"], part
    for queue in stats["queues"]:
        assert queue["frames_unaccounted"] == 0, queue
        assert queue["bad_descriptors"] == 0, queue
        assert queue["kernel"]["rx_invalid"] == queue["kernel"]["tx_invalid"] == 0, queue
    total = stats["total"]
    for counter in QUEUE_COUNTERS:
        assert total[counter] == sum(queue[counter] for queue in stats["queues"]), counter
    assert total["kernel_drops"] == sum(map(kernel_drops, stats["queues"]))
    assert total["dropped"] == sum(stats["drop_reasons"].values())
    assert stats["inline"]["redirect"] >= total["received"] + total["kernel_drops"]
    check_inline(stats)


def check_inline(stats):
    """The XDP program's counters, in their three arrangements."""
    xdp, actions = stats["inline"], stats["xdp_actions"]
    for unit, outcomes in (("packets", xdp), ("bytes", xdp["bytes"])):
        count = {action: actions[action][unit] for action in actions}
        assert count["REDIRECT"] == outcomes["redirect"]
        assert count["ABORTED"] == count["TX"] == 0
        assert (count["DROP"] + count["PASS"] == outcomes["drop"] + outcomes["malformed"] +
                outcomes["pass"] + outcomes["fallback"] + outcomes["fast_path"] +
                outcomes["push_down"])
    assert sum(stats["inline_drop_reasons"].values()) == xdp["drop"]
    assert stats["fast_path"]["hits"] == xdp["fast_path"]
    assert stats["fast_path"]["misses"] <= xdp["redirect"] + xdp["fallback"]


def check_final(stats, reinject=True):
    """What must hold for the totals at the end, when nothing is on its way any more."""
    check_accounting(stats)
    total = stats["total"]
    assert stats["inline"]["redirect"] == total["received"] + total["kernel_drops"]
    assert total["reinjected"] + total["tx_full"] == (total["accepted"] if reinject else 0)


def check_no_fallback(all_stats):
    """Every packet came by a worker, but for those of the start: the program is attached for a
    moment before its sockets are there."""
    assert all_stats[-1]["inline"]["fallback"] == all_stats[0]["inline"]["fallback"]
