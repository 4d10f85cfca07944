/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Parsers of the XDP program. Each takes a cursor, advances it past the header
 * and says what comes next, or returns MALFORMED. They follow the same rules as
 * src/net/packet_view.h, and tests/bpf compares the two.
 *
 * The verifier only accepts a read that was compared with the end of the frame;
 * the rules are about the IP packet's own length, which the frame may exceed
 * (Ethernet padding). Hence the pairs of checks that look redundant.
 *
 * Loading needs CAP_PERFMON: without it the verifier allows no variable offset
 * into a packet, so neither IPv4 options nor extension headers.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define MALFORMED (-1)

/* 802.1Q inside 802.1ad. A third tag is MALFORMED rather than "not IP": Linux
 * takes off any number of tags, so passing such a frame on unread would let a
 * dropped protocol through. */
#define MAX_VLAN_TAGS 2

/* RFC 8200 lists five kinds, of which one may come twice; eight leaves room.
 * Longer chains exist to hide the upper protocol. */
#define MAX_EXTENSION_HEADERS 8

#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV6_FRAGMENT_OFFSET 0xfff8
#define IPV6_MORE_FRAGMENTS 0x0001

/* The upper protocol of a later IPv6 fragment whose first piece began with a
 * further extension header: only the first fragment tells. */
#define PROTOCOL_UNKNOWN 256

/* An 8-byte first fragment of TCP stops short of the flags; the fragment at
 * offset 1 then supplies, or overwrites, them (RFC 1858, RFC 3128). */
#define TCP_OVERLAP_OFFSET 1

/* Bytes that the shortest neighbour discovery message has (RFC 4861, 6.1.1). */
#define NEIGHBOUR_MIN_LENGTH 8
#define NEIGHBOUR_HOP_LIMIT 255
#define ICMPV6_ROUTER_SOLICITATION 133
#define ICMPV6_REDIRECT 137

/* Tells the compiler that it knows nothing of the value any more, so that it
 * cannot drop a mask which the verifier needs: older kernels forget
 * the range of a register when its bytes are swapped. */
#define hide_range(value) asm volatile("" : "+r"(value))

struct cursor {
	void *position;
	void *end; /* of the frame */
};

enum fragment {
	FRAGMENT_NONE,	/* whole, or an IPv6 "atomic fragment" (RFC 6946) */
	FRAGMENT_FIRST, /* has the transport header */
	FRAGMENT_LATER,
};

/* What the network layer says of its payload, at which the cursor then is. */
struct ip_payload {
	__u32 length;	/* bytes, without Ethernet padding */
	__u32 protocol; /* upper protocol, or PROTOCOL_UNKNOWN */
	enum fragment fragment;
	__u8 fragment_header; /* 1: IPv6 with a fragment header, be it atomic */
	__u8 hop_limit;	      /* IPv6 only */
};

/* As in linux/if_ether.h, but not packed: the EtherType is one load. */
struct ethernet_header {
	__u8 destination[ETH_ALEN];
	__u8 source[ETH_ALEN];
	__be16 type;
};

struct vlan_tag {
	__be16 control;
	__be16 type; /* of what follows */
};

struct extension_header {
	__u8 next;
	__u8 length;
	__be16 fragment; /* fragment header only: offset and more-fragments flag */
	__be32 identification;
};

struct icmpv6_header {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be32 body;
};

static __always_inline __u32 read_be16(const __be16 *field)
{
	__u32 value = bpf_ntohs(*field);

	hide_range(value);
	return value & 0xffff;
}

static __always_inline int is_vlan(int type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

/* Ethernet and VLAN tags. Returns the EtherType (or 802.3 length) in network
 * byte order. */
static __always_inline int parse_ethernet(struct cursor *cursor)
{
	struct ethernet_header *ethernet = cursor->position;
	int type;

	if ((void *)(ethernet + 1) > cursor->end)
		return MALFORMED;
	cursor->position = ethernet + 1;
	type = ethernet->type;

#pragma unroll
	for (int depth = 0; depth < MAX_VLAN_TAGS; depth++) {
		struct vlan_tag *tag = cursor->position;

		if (!is_vlan(type))
			return type;
		if ((void *)(tag + 1) > cursor->end)
			return MALFORMED;
		cursor->position = tag + 1;
		type = tag->type;
	}
	return is_vlan(type) ? MALFORMED : type;
}

static __always_inline int is_fragment(const struct iphdr *ip)
{
	return ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET);
}

/* Nearly every frame: untagged IPv4 without options, not a fragment, and as long
 * as UDP takes at least. */
static __always_inline int is_plain_ipv4(void *frame, void *end)
{
	struct ethernet_header *ethernet = frame;
	struct iphdr *ip = (void *)(ethernet + 1);

	return (void *)(ip + 1) + sizeof(struct udphdr) <= end &&
	       ethernet->type == bpf_htons(ETH_P_IP) && *(__u8 *)ip == 0x45 && !is_fragment(ip);
}

/* IPv4 whose header is all there and has this length. */
static __always_inline int enter_ipv4(struct cursor *cursor, __u32 header_length,
				      struct ip_payload *payload)
{
	const struct iphdr *ip = cursor->position;
	__u32 total_length = read_be16(&ip->tot_len);

	if (unlikely(total_length < header_length || cursor->position + total_length > cursor->end))
		return MALFORMED;
	cursor->position += header_length;
	payload->length = total_length - header_length;
	payload->protocol = ip->protocol;
	return 0;
}

static __always_inline int parse_ipv4(struct cursor *cursor, struct ip_payload *payload)
{
	const struct iphdr *ip = cursor->position;
	__u32 header_length, offset;

	if ((void *)(ip + 1) > cursor->end)
		return MALFORMED;
	header_length = ip->ihl * 4;
	if (ip->version != 4 || header_length < sizeof(*ip) ||
	    enter_ipv4(cursor, header_length, payload) < 0)
		return MALFORMED;
	if (!is_fragment(ip))
		return 0;

	offset = bpf_ntohs(ip->frag_off) & IPV4_FRAGMENT_OFFSET;
	payload->fragment = offset ? FRAGMENT_LATER : FRAGMENT_FIRST;
	if (offset == TCP_OVERLAP_OFFSET && payload->protocol == IPPROTO_TCP)
		return MALFORMED;
	return 0;
}

/* The bytes of an IPv6 extension header: (length field + extra) * unit, where the
 * fragment header has no length field; unit 0: not an extension header.
 *
 * A table rather than branches, because the verifier then sees one way through
 * an iteration of parse_ipv6() instead of three, so 8 of them and not 3^8. */
struct extension_size {
	__u8 unit;
	__u8 extra;
	__u8 length_mask;
};

static const volatile struct extension_size extension_sizes[256] = {
    [IPPROTO_HOPOPTS] = {.unit = 8, .extra = 1, .length_mask = 0xff},
    [IPPROTO_ROUTING] = {.unit = 8, .extra = 1, .length_mask = 0xff},
    [IPPROTO_FRAGMENT] = {.unit = 8, .extra = 1, .length_mask = 0},
    [IPPROTO_AH] = {.unit = 4, .extra = 2, .length_mask = 0xff},
    [IPPROTO_DSTOPTS] = {.unit = 8, .extra = 1, .length_mask = 0xff},
};

static __always_inline int is_extension(__u8 protocol)
{
	return extension_sizes[protocol].unit != 0;
}

/* At least 8 bytes, at most 2048: a mask says so to the verifier. */
static __always_inline __u32 extension_length(__u8 protocol, const struct extension_header *header)
{
	const volatile struct extension_size *size = &extension_sizes[protocol];

	return ((header->length & size->length_mask) + size->extra) * size->unit & 0xffc;
}

static __always_inline int parse_ipv6(struct cursor *cursor, struct ip_payload *payload)
{
	struct ipv6hdr *ip = cursor->position;
	__u8 next;

	if ((void *)(ip + 1) > cursor->end)
		return MALFORMED;
	payload->length = read_be16(&ip->payload_len);
	payload->hop_limit = ip->hop_limit;
	next = ip->nexthdr;
	cursor->position = ip + 1;
	if (ip->version != 6 || cursor->position + payload->length > cursor->end)
		return MALFORMED;

	for (int count = 0; is_extension(next); count++) {
		struct extension_header *header = cursor->position;
		__u8 kind = next;
		__u32 length;

		if (count == MAX_EXTENSION_HEADERS || (void *)(header + 1) > cursor->end)
			return MALFORMED;
		length = extension_length(kind, header);
		if (length > payload->length)
			return MALFORMED;
		cursor->position += length;
		payload->length -= length;
		next = header->next;
		if (kind == IPPROTO_FRAGMENT) {
			__u32 fragment = bpf_ntohs(header->fragment);

			payload->fragment_header = 1;
			if (fragment & IPV6_MORE_FRAGMENTS)
				payload->fragment = FRAGMENT_FIRST;
			if (fragment & IPV6_FRAGMENT_OFFSET) {
				/* What follows is the middle of something. */
				payload->fragment = FRAGMENT_LATER;
				payload->protocol = is_extension(next) ? PROTOCOL_UNKNOWN : next;
				if (next == IPPROTO_TCP && fragment / 8 == TCP_OVERLAP_OFFSET)
					return MALFORMED;
				return 0;
			}
		}
	}
	payload->protocol = next;
	return 0;
}

/* RFC 4861: hop limit 255 proves that no router forwarded the message; RFC
 * 6980: never fragmented. */
static __always_inline int is_neighbour_discovery(const struct cursor *cursor,
						  const struct ip_payload *payload)
{
	struct icmpv6_header *icmp = cursor->position;

	return payload->protocol == IPPROTO_ICMPV6 && !payload->fragment_header &&
	       payload->hop_limit == NEIGHBOUR_HOP_LIMIT &&
	       payload->length >= NEIGHBOUR_MIN_LENGTH && (void *)(icmp + 1) <= cursor->end &&
	       icmp->type >= ICMPV6_ROUTER_SOLICITATION && icmp->type <= ICMPV6_REDIRECT &&
	       icmp->code == 0;
}

/* UDP and TCP return the destination port in host byte order. Not for later
 * fragments. */
static __always_inline int parse_udp(const struct cursor *cursor, const struct ip_payload *payload)
{
	struct udphdr *udp = cursor->position;
	__u32 length;

	if (unlikely((void *)(udp + 1) > cursor->end))
		return MALFORMED;
	/* The length of a first fragment is that of the whole datagram. */
	length = payload->fragment == FRAGMENT_NONE ? bpf_ntohs(udp->len) : sizeof(*udp);
	if (unlikely(length < sizeof(*udp) || length > payload->length))
		return MALFORMED;
	return read_be16(&udp->dest);
}

static __always_inline int parse_tcp(const struct cursor *cursor, const struct ip_payload *payload)
{
	struct tcphdr *tcp = cursor->position;
	__u32 header_length;

	if (unlikely((void *)(tcp + 1) > cursor->end))
		return MALFORMED;
	header_length = tcp->doff * 4;
	if (unlikely(header_length < sizeof(*tcp) || header_length > payload->length))
		return MALFORMED;
	return read_be16(&tcp->dest);
}
