/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What xdp_trie.bpf.c shares with user space. */
#pragma once

#include <linux/types.h>

/* As the kernel's LPM trie wants them; addresses in network byte order. */
struct trie_ipv4_key {
	__u32 prefix_length;
	__u8 address[4];
};

struct trie_ipv6_key {
	__u32 prefix_length;
	__u8 address[16];
};

/* Of the map `counters`. */
enum trie_counter {
	TRIE_OTHER, /* neither IPv4 nor IPv6, or cut short: passed */
	TRIE_BLOCKED,
	TRIE_ALLOWED,
	TRIE_COUNTERS,
};
