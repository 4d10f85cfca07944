// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A blocklist as one writes it for XDP alone, in C or Aya: one look-up of the
 * source address in an LPM trie, per-CPU counters, XDP_DROP.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "xdp_trie.h"

/* User space sets this and max_entries of the tries before it loads the program. */
const volatile __u32 allowed_action = XDP_PASS;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct trie_ipv4_key);
	__type(value, __u8);
} ipv4_trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct trie_ipv6_key);
	__type(value, __u8);
} ipv6_trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TRIE_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline int count(__u32 counter, int action)
{
	__u64 *packets = bpf_map_lookup_elem(&counters, &counter);

	if (packets)
		(*packets)++;
	return action;
}

static __always_inline int decide(const void *found)
{
	if (found)
		return count(TRIE_BLOCKED, XDP_DROP);
	return count(TRIE_ALLOWED, allowed_action);
}

SEC("xdp")
int xdp_trie(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = (void *)(long)ctx->data;

	if ((void *)(ethernet + 1) > end)
		return count(TRIE_OTHER, XDP_PASS);
	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(ethernet + 1);
		struct trie_ipv4_key key = {.prefix_length = 32};

		if ((void *)(ip + 1) > end)
			return count(TRIE_OTHER, XDP_PASS);
		__builtin_memcpy(key.address, &ip->saddr, sizeof(key.address));
		return decide(bpf_map_lookup_elem(&ipv4_trie, &key));
	}
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(ethernet + 1);
		struct trie_ipv6_key key = {.prefix_length = 128};

		if ((void *)(ip + 1) > end)
			return count(TRIE_OTHER, XDP_PASS);
		__builtin_memcpy(key.address, &ip->saddr, sizeof(key.address));
		return decide(bpf_map_lookup_elem(&ipv6_trie, &key));
	}
	return count(TRIE_OTHER, XDP_PASS);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
