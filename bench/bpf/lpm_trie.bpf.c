// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Look-ups in the kernel's LPM tries: each run asks for the next batch of
 * queries. The BPF_PROG_TEST_RUN of a program gives its time.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "lpm_trie.h"

/* User space sets max_entries. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct ipv4_key);
	__type(value, __u8);
} ipv4_trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct ipv6_key);
	__type(value, __u8);
} ipv6_trie SEC(".maps");

struct ipv4_key ipv4_queries[LPM_TRIE_QUERIES];
struct ipv6_key ipv6_queries[LPM_TRIE_QUERIES];
__u32 next_query;
__u64 found;

SEC("xdp")
int ask_ipv4(struct xdp_md *ctx)
{
	__u32 first = next_query;

	(void)ctx;
	for (__u32 i = 0; i < LPM_TRIE_BATCH; i++) {
		if (bpf_map_lookup_elem(&ipv4_trie, &ipv4_queries[(first + i) % LPM_TRIE_QUERIES]))
			found++;
	}
	next_query = first + LPM_TRIE_BATCH;
	return XDP_PASS;
}

SEC("xdp")
int ask_ipv6(struct xdp_md *ctx)
{
	__u32 first = next_query;

	(void)ctx;
	for (__u32 i = 0; i < LPM_TRIE_BATCH; i++) {
		if (bpf_map_lookup_elem(&ipv6_trie, &ipv6_queries[(first + i) % LPM_TRIE_QUERIES]))
			found++;
	}
	next_query = first + LPM_TRIE_BATCH;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
