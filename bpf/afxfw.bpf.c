// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The inline part of the firewall: drops the cheap cases, lets what is not IP
 * (and IPv6 neighbour discovery, without which the host drops off its network)
 * through to the kernel, and hands everything else to the AF_XDP socket of the
 * receive queue.
 *
 * Malformed IP is dropped before any policy is asked, so that what the policy
 * and the workers see is always well-formed.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <xdp/xdp_helpers.h>

#include "afxfw_abi.h"
#include "parsing.bpf.h"

/* A filter comes before programs that spread or count traffic (libxdp's default
 * is 50, lower runs earlier), and what it passes is theirs to see. */
struct {
	__uint(priority, 10);
	__uint(XDP_PASS, 1);
} XDP_RUN_CONFIG(afxfw_xdp);

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

/* Bits of enum afxfw_link_traffic. A map, because a reload changes it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} link_traffic SEC(".maps");

/* The fast path: flows that the rules accepted. User space sets max_entries. The
 * program only reads the values, so they need no copy for each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct afxfw_ipv4_flow);
	__type(value, __u64);
} ipv4_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct afxfw_ipv6_flow);
	__type(value, __u64);
} ipv6_flows SEC(".maps");

/* Push-down: sources of which the rules drop everything. The same. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1);
	__type(key, __be32);
	__type(value, struct afxfw_pushed);
} ipv4_pushed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 1);
	__type(key, struct in6_addr);
	__type(value, struct afxfw_pushed);
} ipv6_pushed SEC(".maps");

volatile struct afxfw_live live;

/* The verifier treats it as constants: a test that can't be true under the
 * policy costs nothing. */
const volatile struct afxfw_inline_policy policy = {
    .fallback = AFXFW_FALLBACK_PASS,
};

static __always_inline int has_port(const volatile __u64 *ports, __u32 port)
{
	return ports[port / 64] >> (port % 64) & 1;
}

static __always_inline enum afxfw_outcome classify_udp(const struct cursor *cursor,
						       const struct ip_payload *payload)
{
	int port = 0;

	if (likely(payload->fragment != FRAGMENT_LATER)) {
		port = parse_udp(cursor, payload);
		if (unlikely(port < 0))
			return AFXFW_DROP_MALFORMED;
	}
	if (policy.drop_protocol[IPPROTO_UDP])
		return AFXFW_DROP_PROTOCOL;
	if (policy.any_udp_port && payload->fragment != FRAGMENT_LATER &&
	    has_port(policy.drop_udp_port, port))
		return AFXFW_DROP_PORT;
	return AFXFW_REDIRECT;
}

static __always_inline enum afxfw_outcome classify_tcp(const struct cursor *cursor,
						       const struct ip_payload *payload)
{
	int port = 0;

	if (likely(payload->fragment != FRAGMENT_LATER)) {
		port = parse_tcp(cursor, payload);
		if (unlikely(port < 0))
			return AFXFW_DROP_MALFORMED;
	}
	if (policy.drop_protocol[IPPROTO_TCP])
		return AFXFW_DROP_PROTOCOL;
	if (policy.any_tcp_port && payload->fragment != FRAGMENT_LATER &&
	    has_port(policy.drop_tcp_port, port))
		return AFXFW_DROP_PORT;
	return AFXFW_REDIRECT;
}

/* AFXFW_REDIRECT stands for "to the socket, if there is one". */
static __always_inline enum afxfw_outcome classify_payload(const struct cursor *cursor,
							   const struct ip_payload *payload)
{
	switch (payload->protocol) {
	case IPPROTO_UDP:
		return classify_udp(cursor, payload);
	case IPPROTO_TCP:
		return classify_tcp(cursor, payload);
	case PROTOCOL_UNKNOWN:
		return AFXFW_REDIRECT;
	default:
		return policy.drop_protocol[(__u8)payload->protocol] ? AFXFW_DROP_PROTOCOL
								     : AFXFW_REDIRECT;
	}
}

/* What is_plain_ipv4() says yes to: offsets are constants, and no loop. */
static __always_inline enum afxfw_outcome classify_plain(void *frame, void *end)
{
	struct cursor cursor = {.position = frame + sizeof(struct ethernet_header), .end = end};
	struct ip_payload payload = {.fragment = FRAGMENT_NONE};

	if (unlikely(enter_ipv4(&cursor, sizeof(struct iphdr), &payload) < 0))
		return AFXFW_DROP_MALFORMED;
	return classify_payload(&cursor, &payload);
}

static __always_inline enum afxfw_outcome classify_ipv4(struct cursor *cursor)
{
	struct ip_payload payload = {.fragment = FRAGMENT_NONE};

	if (parse_ipv4(cursor, &payload) < 0)
		return AFXFW_DROP_MALFORMED;
	return classify_payload(cursor, &payload);
}

static __always_inline enum afxfw_outcome classify_ipv6(struct cursor *cursor)
{
	struct ip_payload payload = {.fragment = FRAGMENT_NONE};

	if (parse_ipv6(cursor, &payload) < 0)
		return AFXFW_DROP_MALFORMED;
	if (is_neighbour_discovery(cursor, &payload))
		return AFXFW_PASS_NEIGHBOUR;
	return classify_payload(cursor, &payload);
}

/* Every frame, plain ones too. Out of line: its stack and registers would cost
 * the plain ones a third of their time. */
static __noinline enum afxfw_outcome classify_any(struct xdp_md *ctx)
{
	struct cursor cursor = {.position = (void *)(long)ctx->data,
				.end = (void *)(long)ctx->data_end};
	int type = parse_ethernet(&cursor);

	if (type == bpf_htons(ETH_P_IP))
		return classify_ipv4(&cursor);
	if (type == bpf_htons(ETH_P_IPV6))
		return classify_ipv6(&cursor);
	return type < 0 ? AFXFW_DROP_MALFORMED : AFXFW_PASS_NOT_IP;
}

static __always_inline int to_worker(enum afxfw_outcome outcome)
{
	__u32 bit = outcome == AFXFW_PASS_NOT_IP ? AFXFW_LINK_NOT_IP : AFXFW_LINK_NEIGHBOUR;
	__u32 key = 0;
	__u32 *named = bpf_map_lookup_elem(&link_traffic, &key);

	return named && (*named & bit);
}

/* A flow's entry and a pushed source hold for as long as there is someone to take
 * them back: once afxfw is killed, its packets follow the fallback as all do. */
static __always_inline int has_worker(struct xdp_md *ctx)
{
	__u32 queue = ctx->rx_queue_index;

	return bpf_map_lookup_elem(&xsks, &queue) != NULL;
}

static __always_inline int is_accepted(const __u64 *flow, __u8 protocol, struct xdp_md *ctx)
{
	return flow && *flow == afxfw_flow_value(live.generation, protocol) && has_worker(ctx);
}

static __always_inline int is_pushed(struct afxfw_pushed *source, struct xdp_md *ctx)
{
	if (!source || !has_worker(ctx))
		return 0;
	source->packets++;
	return 1;
}

/* What the rules have said about a packet's source or flow before, if anything:
 * AFXFW_REDIRECT or AFXFW_REDIRECT_NEW_FLOW if they are to be asked. */
static __always_inline enum afxfw_outcome recall_ipv4(struct xdp_md *ctx, const struct iphdr *ip,
						      int plain)
{
	if (policy.push_down && live.pushed_ipv4 &&
	    is_pushed(bpf_map_lookup_elem(&ipv4_pushed, &ip->saddr), ctx))
		return AFXFW_DROP_PUSHED_IPV4;
	if (!policy.fast_path || !plain ||
	    (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP))
		return AFXFW_REDIRECT;
	if (is_accepted(bpf_map_lookup_elem(&ipv4_flows, &ip->saddr), ip->protocol, ctx))
		return AFXFW_PASS_FLOW;
	return AFXFW_REDIRECT_NEW_FLOW;
}

static __always_inline enum afxfw_outcome recall_ipv6(struct xdp_md *ctx, const struct ipv6hdr *ip,
						      const void *end)
{
	if (policy.push_down && live.pushed_ipv6 &&
	    is_pushed(bpf_map_lookup_elem(&ipv6_pushed, &ip->saddr), ctx))
		return AFXFW_DROP_PUSHED_IPV6;
	if (!policy.fast_path || (void *)(ip + 1) + sizeof(struct udphdr) > end ||
	    (ip->nexthdr != IPPROTO_TCP && ip->nexthdr != IPPROTO_UDP))
		return AFXFW_REDIRECT;
	if (is_accepted(bpf_map_lookup_elem(&ipv6_flows, &ip->saddr), ip->nexthdr, ctx))
		return AFXFW_PASS_FLOW;
	return AFXFW_REDIRECT_NEW_FLOW;
}

static __always_inline enum afxfw_outcome recall(struct xdp_md *ctx, void *frame, void *end)
{
	struct ethernet_header *ethernet;
	struct ipv6hdr *ipv6;
	struct iphdr *ipv4;

	/* Lest offsets into the frame stay in registers from the parsing to here, which costs
	 * every packet even if nothing is remembered. */
	hide_range(frame);
	ethernet = frame;
	ipv6 = (void *)(ethernet + 1);
	ipv4 = (void *)(ethernet + 1);
	if (likely(is_plain_ipv4(frame, end)))
		return recall_ipv4(ctx, ipv4, 1);
	if ((void *)(ipv4 + 1) > end)
		return AFXFW_REDIRECT;
	if (ethernet->type == bpf_htons(ETH_P_IP))
		return recall_ipv4(ctx, ipv4, 0);
	if (ethernet->type == bpf_htons(ETH_P_IPV6) && (void *)(ipv6 + 1) <= end)
		return recall_ipv6(ctx, ipv6, end);
	return AFXFW_REDIRECT;
}

/* Returns the action; outcome may become that of a queue without a socket. */
static __always_inline int to_socket(struct xdp_md *ctx, enum afxfw_outcome *outcome)
{
	int action = bpf_redirect_map(&xsks, ctx->rx_queue_index, policy.fallback);

	if (action != XDP_REDIRECT)
		*outcome = action == XDP_ABORTED ? AFXFW_ABORTED : AFXFW_FALLBACK;
	return action;
}

/* What is for the workers, when something is remembered. Of tagged packets nothing is. */
static __always_inline int recall_or_redirect(struct xdp_md *ctx, void *frame, void *end,
					      enum afxfw_outcome *outcome)
{
	*outcome = recall(ctx, frame, end);
	switch (*outcome) {
	case AFXFW_PASS_FLOW:
		return XDP_PASS;
	case AFXFW_REDIRECT:
	case AFXFW_REDIRECT_NEW_FLOW:
		return to_socket(ctx, outcome);
	default:
		return XDP_DROP;
	}
}

SEC("xdp")
int afxfw_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	enum afxfw_outcome outcome;
	struct afxfw_counter *counter;
	int action = XDP_DROP;
	__u32 key;

	if (likely(is_plain_ipv4(data, data_end)))
		outcome = classify_plain(data, data_end);
	else
		outcome = classify_any(ctx);

	if (outcome == AFXFW_REDIRECT) {
		action = policy.recall ? recall_or_redirect(ctx, data, data_end, &outcome)
				       : to_socket(ctx, &outcome);
	} else if (outcome == AFXFW_PASS_NOT_IP || outcome == AFXFW_PASS_NEIGHBOUR) {
		action = XDP_PASS;
		/* Without a socket it passes, whatever the policy's fallback. */
		if (to_worker(outcome)) {
			action = bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_PASS);
			if (action == XDP_REDIRECT)
				outcome = AFXFW_REDIRECT;
		}
	}

	/* A preallocated array has every key below AFXFW_OUTCOME_COUNT: the verifier
	 * wants the test, but it cannot fail. */
	key = outcome;
	counter = bpf_map_lookup_elem(&counters, &key);
	if (unlikely(!counter))
		return XDP_ABORTED;
	counter->packets++;
	counter->bytes += data_end - data;
	return action;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
