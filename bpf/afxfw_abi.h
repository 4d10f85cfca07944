/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the XDP program and user space share, and the only place where they do:
 * the inline policy (written once before the program is loaded) and the indices
 * of the per-CPU counters. Plain C that both clang's BPF target and C++20 read;
 * both sides assert the sizes below.
 */
#pragma once

#include <linux/types.h>

/* Name of the XDP program, by which a later start recognises a leftover. */
#define AFXFW_PROGRAM_NAME "afxfw_xdp"

#define AFXFW_PORT_WORDS 1024 /* 65,536 ports, one bit each, in 64-bit words */

/* What becomes of a packet whose queue has no socket: the low bits of
 * bpf_redirect_map's flags. The values are XDP_DROP and XDP_PASS. */
enum afxfw_fallback {
	AFXFW_FALLBACK_DROP = 1,
	AFXFW_FALLBACK_PASS = 2,
};

/* The inline policy. Lives in the object's .rodata, so the verifier sees
 * constants. Ports are in host byte order: bit (port & 63) of word (port >> 6). */
struct afxfw_inline_policy {
	__u8 drop_protocol[256];	       /* 1: drop this IP protocol whole */
	__u64 drop_tcp_port[AFXFW_PORT_WORDS]; /* destination ports */
	__u64 drop_udp_port[AFXFW_PORT_WORDS];
	__u32 fallback;	   /* enum afxfw_fallback */
	__u8 any_tcp_port; /* 1: drop_tcp_port has a bit set */
	__u8 any_udp_port;
	__u8 reserved[2];
};

/* What keeps a link alive goes to the worker instead of the kernel if rules name
 * it: bits of the one value of the array map "link_traffic". */
enum afxfw_link_traffic {
	AFXFW_LINK_NOT_IP = 1,	  /* ARP and all else that is not IP */
	AFXFW_LINK_NEIGHBOUR = 2, /* IPv6 neighbour discovery */
};

/* Outcomes of the XDP program; each packet is counted under exactly one. */
enum afxfw_outcome {
	AFXFW_PASS_NOT_IP = 0,	  /* ARP, LLDP, ..., unless rules name them: XDP_PASS */
	AFXFW_PASS_NEIGHBOUR = 1, /* neighbour discovery, the same: XDP_PASS */
	AFXFW_DROP_PROTOCOL = 2,  /* inline policy, whole protocol, fragments too: XDP_DROP */
	AFXFW_DROP_PORT = 3,	  /* inline policy, destination port: XDP_DROP */
	AFXFW_DROP_MALFORMED = 4, /* not a valid IP packet: XDP_DROP */
	AFXFW_REDIRECT = 5,	  /* handed to the queue's socket: XDP_REDIRECT */
	AFXFW_FALLBACK = 6,	  /* no socket on the queue: XDP_PASS or XDP_DROP, see fallback */
	AFXFW_ABORTED = 7,	  /* bpf_redirect_map() refused policy.fallback: XDP_ABORTED */
	AFXFW_OUTCOME_COUNT = 8,
};

/* Value of the per-CPU array map "counters", keyed by enum afxfw_outcome.
 * bytes: length of the Ethernet frame, without FCS. */
struct afxfw_counter {
	__u64 packets;
	__u64 bytes;
};

/* Number of entries of the XSKMAP "xsks": the highest queue id plus one. */
#define AFXFW_MAX_QUEUES 256

#ifdef __cplusplus
#define AFXFW_ABI_ASSERT static_assert
#else
#define AFXFW_ABI_ASSERT _Static_assert
#endif
AFXFW_ABI_ASSERT(sizeof(struct afxfw_inline_policy) == 256 + 2 * 8192 + 8, "inline policy layout");
AFXFW_ABI_ASSERT(sizeof(struct afxfw_counter) == 16, "counter layout");
