/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What lpm_trie.bpf.c shares with user space. */
#pragma once

#include <linux/types.h>

/* Look-ups a run, and queries that it goes through in a cycle: a power of two. */
#define LPM_TRIE_BATCH 64
#define LPM_TRIE_QUERIES 65536

/* As the kernel's map wants them; addresses in network byte order. */
struct ipv4_key {
	__u32 prefix_length;
	__u8 address[4];
};

struct ipv6_key {
	__u32 prefix_length;
	__u8 address[16];
};
