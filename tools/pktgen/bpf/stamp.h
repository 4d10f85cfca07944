/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What --stamp writes right after the L4 header, by which a receiver tells
 * loss, reordering, duplicates and latency. 18 bytes, which is what an IPv4
 * UDP packet in the smallest Ethernet frame has room for. Big endian:
 *
 *    0  magic       4  PKTGEN_STAMP_MAGIC
 *    4  run         1  the same in all packets of a run
 *    5  flow        3  number of the flow, from 0
 *    8  sequence    4  number of the packet within its flow, from 0, modulo 2^32
 *   12  time        6  CLOCK_MONOTONIC in ns, modulo 2^48 (78 hours)
 *
 * Plain C that clang's BPF target and C++20 both read.
 */
#pragma once

#include <linux/types.h>

#include "store.h"

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#endif

#define PKTGEN_STAMP_MAGIC 0x41665873U /* "AfXs" */
#define PKTGEN_STAMP_BYTES 18
#define PKTGEN_STAMP_MAX_FLOWS (1U << 24)
#define PKTGEN_STAMP_TIME_BITS 48

struct pktgen_stamp {
	__u32 run; /* 8 bits */
	__u32 flow;
	__u32 sequence;
	__u32 reserved;
	__u64 time_ns;
};

/* Writes the stamp to an address that is even within its packet. Returns its
 * sum as 16-bit words, for the L4 checksum. */
PKTGEN_INLINE __u64 pktgen_write_stamp(__u8 *at, const struct pktgen_stamp *stamp)
{
	__u32 flow = stamp->run << 24 | (stamp->flow & 0xffffff);
	__u32 time_high = stamp->time_ns >> 32 & 0xffff;
	__u32 time_low = stamp->time_ns;

	PKTGEN_STORE(__u32, at, PKTGEN_BE32(PKTGEN_STAMP_MAGIC));
	PKTGEN_STORE(__u32, at + 4, PKTGEN_BE32(flow));
	PKTGEN_STORE(__u32, at + 8, PKTGEN_BE32(stamp->sequence));
	PKTGEN_STORE(__u16, at + 12, PKTGEN_BE16(time_high));
	PKTGEN_STORE(__u32, at + 14, PKTGEN_BE32(time_low));
	return pktgen_sum32(PKTGEN_STAMP_MAGIC) + pktgen_sum32(flow) +
	       pktgen_sum32(stamp->sequence) + time_high + pktgen_sum32(time_low);
}

#ifdef __cplusplus
#pragma GCC diagnostic pop
#endif
