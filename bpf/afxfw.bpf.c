// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "afxfw_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, AFXFW_MAX_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
} xsks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, AFXFW_OUTCOME_COUNT);
	__type(key, __u32);
	__type(value, struct afxfw_counter);
} counters SEC(".maps");

const volatile struct afxfw_inline_policy policy = {
	.fallback = AFXFW_FALLBACK_PASS,
};

SEC("xdp")
int afxfw_xdp(struct xdp_md *ctx)
{
	return bpf_redirect_map(&xsks, ctx->rx_queue_index, policy.fallback);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
