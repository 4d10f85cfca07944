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
	__u8 fast_path; /* 1: flows in the maps below pass in the kernel */
	__u8 push_down; /* 1: sources in the maps below are dropped at once */
	__u8 recall;	/* 1: one of these two */
	__u8 unused[7];
};

/* Keys of the fast path's maps: as they lie in a packet without IP options or
 * extension headers, so that the packet itself is the key. Without the protocol,
 * which is in the value. */
struct afxfw_ipv4_flow {
	__be32 source;
	__be32 destination;
	__be16 source_port;
	__be16 destination_port;
};

struct afxfw_ipv6_flow {
	__u8 source[16];
	__u8 destination[16];
	__be16 source_port;
	__be16 destination_port;
};

/* Their value: under which generation of the rules packets of the flow, of this
 * protocol, were accepted. One word, so that it changes at once. */
static inline __u64 afxfw_flow_value(__u64 generation, __u8 protocol)
{
	return generation << 8 | protocol;
}

/* Value of push-down's per-CPU maps, whose keys are source addresses. */
struct afxfw_pushed {
	__u64 packets; /* dropped since the source was put there */
};

/* What changes while packets flow; the one variable of .bss. */
struct afxfw_live {
	__u64 generation;  /* of the rules: flows of any other do not count; 0: none does */
	__u32 pushed_ipv4; /* how many sources push-down's maps hold */
	__u32 pushed_ipv6;
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
	AFXFW_PASS_FLOW = 8,	  /* of a flow that the rules had accepted: XDP_PASS */
	AFXFW_REDIRECT_NEW_FLOW = 9, /* of a flow that was looked up in vain: as AFXFW_REDIRECT */
	AFXFW_DROP_PUSHED_IPV4 = 10, /* from a source that was pushed down: XDP_DROP */
	AFXFW_DROP_PUSHED_IPV6 = 11,
	AFXFW_OUTCOME_COUNT = 12,
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
AFXFW_ABI_ASSERT(sizeof(struct afxfw_inline_policy) == 256 + 2 * 8192 + 16, "inline policy layout");
AFXFW_ABI_ASSERT(sizeof(struct afxfw_counter) == 16, "counter layout");
AFXFW_ABI_ASSERT(sizeof(struct afxfw_ipv4_flow) == 12, "IPv4 flow layout");
AFXFW_ABI_ASSERT(sizeof(struct afxfw_ipv6_flow) == 36, "IPv6 flow layout");
AFXFW_ABI_ASSERT(sizeof(struct afxfw_pushed) == 8, "pushed source layout");
AFXFW_ABI_ASSERT(sizeof(struct afxfw_live) == 16, "live values layout");
