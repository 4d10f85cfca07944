/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the sender of live frames and its BPF programs share: an element of the
 * array map "states" for each CPU that a sending thread is pinned to. User space
 * writes an element only while no test run is under way on that CPU.
 */
#pragma once

#include <linux/types.h>

/* The kernel's TEST_XDP_MAX_BATCH: frames of one batch, hence the most that can
 * be on their way between the XDP program and the driver. A power of two. */
#define PKTGEN_MAX_BATCH 256

/* Frames refused and not yet offered again. New packets are only begun when
 * there are none, so there are never more than a batch. */
#define PKTGEN_RETRIES (2 * PKTGEN_MAX_BATCH)

struct pktgen_live_state {
	/* Packets of this CPU: first, first + stride, first + 2 * stride, ... */
	__u64 next_index;
	__u64 stride;
	/* The task that sends, as bpf_get_current_pid_tgid sees it; 0: whichever
	 * runs the XDP program next. Not getpid(): that may be another number in a
	 * pid namespace. */
	__u64 task;

	__u64 attempted;   /* packets made by the XDP program */
	__u64 sent;	   /* of these, accepted by the driver */
	__u64 refused;	   /* of these, refused by the driver or before it */
	__u64 begun_bytes; /* of the packets made at least once */
	__s64 error;	   /* the last refusal's errno, negative; 0: its queue was full */

	/* Indices of the packets handed to the kernel whose fate is not known yet,
	 * in the order they were handed over: entries [settled, pending). */
	__u64 pending;
	__u64 settled;
	/* Indices of refused packets: entries [retried, refused_end). */
	__u64 refused_end;
	__u64 retried;

	__u64 pending_index[PKTGEN_MAX_BATCH];
	__u64 refused_index[PKTGEN_RETRIES];
};
