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
		action = bpf_redirect_map(&xsks, ctx->rx_queue_index, policy.fallback);
		if (action != XDP_REDIRECT)
			outcome = action == XDP_ABORTED ? AFXFW_ABORTED : AFXFW_FALLBACK;
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
