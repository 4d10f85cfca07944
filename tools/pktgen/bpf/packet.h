/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packet number INDEX of a run: a pure function of struct pktgen_packet, which
 * holds the seed, and the index. The BPF program, the AF_XDP sender and the
 * tests all call these functions, so that all three mean the same packet.
 *
 * Plain C that clang's BPF target and C++20 both read. Numbers in the structs
 * are in host byte order. An IPv4 address is the low 32 bits of an address.
 */
#pragma once

#include <linux/types.h>

#include "stamp.h"
#include "store.h"

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#endif

enum pktgen_order {
	/* Every combination once before any comes again: the source address
	 * changes with each packet; when its range is used up it starts anew and
	 * the destination address takes a step, then the source port, then the
	 * destination port. Bits above an address's low 64 stay as in its base. */
	PKTGEN_SEQUENTIAL = 0,
	/* Uniform within the ranges, from the seed. */
	PKTGEN_RANDOM = 1,
};

enum pktgen_l4 {
	PKTGEN_L4_NONE = 0, /* a later fragment: data follows the IP header */
	PKTGEN_L4_UDP = 1,
	PKTGEN_L4_TCP = 2,
	PKTGEN_L4_ICMP = 3, /* ICMP or ICMPv6 echo request */
};

struct pktgen_address {
	__u64 high;
	__u64 low;
};

struct pktgen_addresses {
	struct pktgen_address base;
	struct pktgen_address mask; /* the bits that vary; zero in base */
	__u32 low_bits;		    /* how many bits of mask.low are set, from bit 0 up */
	__u32 reserved;
};

struct pktgen_ports {
	__u32 first;
	__u32 count; /* at least 1; first + count <= 65536 */
};

/* Ethernet, VLAN, IPv6, fragment and TCP headers together are 86 bytes. */
#define PKTGEN_MAX_HEADER 96

struct pktgen_packet {
	__u64 seed;
	struct pktgen_addresses source;
	struct pktgen_addresses destination;
	struct pktgen_ports source_port; /* for ICMP: the echo identifier */
	struct pktgen_ports destination_port;
	__u32 order;	   /* enum pktgen_order */
	__u32 l4;	   /* enum pktgen_l4 */
	__u32 ip_version;  /* 4 or 6 */
	__u32 is_fragment; /* IPv6: a fragment header follows the IPv6 header */
	__u32 ip_offset;   /* bytes from the frame's start */
	__u32 l4_offset;
	__u32 header_length; /* bytes of header[] in use; even, at least 34 */
	__u32 ip_sum;	     /* of the IPv4 header in header[], as 16-bit words */
	__u32 l4_sum;	     /* of the L4 header in header[] and of the pseudo header
			      * without its addresses */
	__u32 flows;	     /* packet INDEX belongs to flow INDEX modulo this; 0: no flows */
	__u64 flow_step;     /* from one flow's place in the sequential walk to the
			      * next one's; a random order takes one within the step */
	__u32 stamped;	     /* a stamp follows the headers */
	__u32 run;	     /* in the stamp; 8 bits */
	__u32 written;	     /* bytes that pktgen_write_headers writes */
	__u32 reserved;
	__u8 header[PKTGEN_MAX_HEADER]; /* all headers, what varies set to zero */
};

/* What differs from packet to packet. */
struct pktgen_fields {
	struct pktgen_address source;
	struct pktgen_address destination;
	__u16 source_port;	   /* ICMP: the echo identifier */
	__u16 destination_port;	   /* ICMP: the sequence number, INDEX modulo 2^16 */
	__u32 identification;	   /* of the IP datagram: INDEX modulo 2^32; IPv4: modulo 2^16 */
	struct pktgen_stamp stamp; /* its time_ns is the caller's to set */
};

/* A run's packets may have several sizes, in turn. */
#define PKTGEN_SIZES 3
#define PKTGEN_PATTERN 12

/* Packet INDEX has the size at this place, modulo PKTGEN_PATTERN, of the pattern.
 * Each flow goes through all of it, and the flows are spread over it. */
PKTGEN_INLINE __u64 pktgen_pattern_place(const struct pktgen_packet *packet, __u64 index)
{
	if (packet->flows == 0)
		return index;
	return index % packet->flows + index / packet->flows;
}

/* The finaliser of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom
 * Number Generators, 2014): every input bit changes each output bit with
 * probability 1/2. */
PKTGEN_INLINE __u64 pktgen_mix(__u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* 2^64 divided by the golden ratio: SplitMix64's step between states. */
#define PKTGEN_STEP 0x9e3779b97f4a7c15ULL

/* A port from 32 random bits, without a division. */
PKTGEN_INLINE __u16 pktgen_random_port(const struct pktgen_ports *ports, __u32 random)
{
	return ports->first + (((__u64)random * ports->count) >> 32);
}

PKTGEN_INLINE void pktgen_random_fields(const struct pktgen_packet *packet, __u64 index,
					struct pktgen_fields *fields)
{
	__u64 state = packet->seed + (index + 1) * PKTGEN_STEP;
	__u64 addresses = pktgen_mix(state);
	__u64 ports = pktgen_mix(addresses + PKTGEN_STEP);

	if (packet->ip_version == 4) {
		fields->source.low |= addresses & packet->source.mask.low;
		fields->destination.low |= (addresses >> 32) & packet->destination.mask.low;
	} else {
		__u64 more = pktgen_mix(ports + PKTGEN_STEP);
		__u64 most = pktgen_mix(more + PKTGEN_STEP);

		fields->source.low |= addresses & packet->source.mask.low;
		fields->destination.low |= more & packet->destination.mask.low;
		fields->source.high |= most & packet->source.mask.high;
		fields->destination.high |= pktgen_mix(most) & packet->destination.mask.high;
	}
	fields->source_port = pktgen_random_port(&packet->source_port, ports);
	fields->destination_port = pktgen_random_port(&packet->destination_port, ports >> 32);
}

/* Takes a step's share of an odometer: the digits below *rest are used up. */
PKTGEN_INLINE __u64 pktgen_walk_address(const struct pktgen_addresses *range, __u64 *rest)
{
	__u64 low = *rest & range->mask.low;

	*rest = range->low_bits < 64 ? *rest >> range->low_bits : 0;
	return low;
}

PKTGEN_INLINE __u16 pktgen_walk_port(const struct pktgen_ports *ports, __u64 *rest)
{
	__u16 port = ports->first + *rest % ports->count;

	*rest /= ports->count;
	return port;
}

/* The fields at a place of the walk through all combinations. */
PKTGEN_INLINE void pktgen_sequential_fields(const struct pktgen_packet *packet, __u64 place,
					    struct pktgen_fields *fields)
{
	__u64 rest = place;

	fields->source.low |= pktgen_walk_address(&packet->source, &rest);
	fields->destination.low |= pktgen_walk_address(&packet->destination, &rest);
	fields->source_port = pktgen_walk_port(&packet->source_port, &rest);
	fields->destination_port = pktgen_walk_port(&packet->destination_port, &rest);
}

/* Flows take turns. Each has a stretch of the walk of its own, so that no two
 * are the same combination, and the number within the flow follows from the
 * index without counting. */
PKTGEN_INLINE void pktgen_flow_fields(const struct pktgen_packet *packet, __u64 index,
				      struct pktgen_fields *fields)
{
	__u64 flow = index % packet->flows;
	__u64 place = flow;

	if (packet->order == PKTGEN_RANDOM)
		place = flow * packet->flow_step +
			pktgen_mix(packet->seed + (flow + 1) * PKTGEN_STEP) % packet->flow_step;
	pktgen_sequential_fields(packet, place, fields);
	fields->stamp.flow = flow;
	fields->stamp.sequence = index / packet->flows;
}

PKTGEN_INLINE void pktgen_packet_fields(const struct pktgen_packet *packet, __u64 index,
					struct pktgen_fields *fields)
{
	fields->source = packet->source.base;
	fields->destination = packet->destination.base;
	fields->stamp.run = packet->run;
	fields->stamp.flow = 0;
	fields->stamp.sequence = 0;
	fields->stamp.time_ns = 0;
	if (packet->flows != 0)
		pktgen_flow_fields(packet, index, fields);
	else if (packet->order == PKTGEN_RANDOM)
		pktgen_random_fields(packet, index, fields);
	else
		pktgen_sequential_fields(packet, index, fields);
	if (packet->l4 == PKTGEN_L4_ICMP)
		fields->destination_port = index;
	fields->identification = index;
}

PKTGEN_INLINE __u16 pktgen_checksum(__u64 sum)
{
	/* Less than 2^32 here, so that folding twice is enough. */
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return ~sum;
}

PKTGEN_INLINE void pktgen_write_l4(__u8 *l4, const struct pktgen_packet *packet,
				   const struct pktgen_fields *fields, __u64 address_sum,
				   __u64 stamp_sum)
{
	__u64 sum = packet->l4_sum + stamp_sum + fields->source_port + fields->destination_port;
	__u16 checksum;

	if (packet->l4 == PKTGEN_L4_ICMP) {
		/* Only ICMPv6 covers the addresses (RFC 4443). */
		if (packet->ip_version == 6)
			sum += address_sum;
		checksum = pktgen_checksum(sum);
		PKTGEN_STORE(__u16, l4 + 2, PKTGEN_BE16(checksum));
		PKTGEN_STORE(__u16, l4 + 4, PKTGEN_BE16(fields->source_port));
		PKTGEN_STORE(__u16, l4 + 6, PKTGEN_BE16(fields->destination_port));
		return;
	}

	checksum = pktgen_checksum(sum + address_sum);
	PKTGEN_STORE(__u16, l4, PKTGEN_BE16(fields->source_port));
	PKTGEN_STORE(__u16, l4 + 2, PKTGEN_BE16(fields->destination_port));
	if (packet->l4 == PKTGEN_L4_TCP) {
		PKTGEN_STORE(__u16, l4 + 16, PKTGEN_BE16(checksum));
	} else {
		/* Zero would mean "no checksum" (RFC 768). */
		if (checksum == 0)
			checksum = 0xffff;
		PKTGEN_STORE(__u16, l4 + 6, PKTGEN_BE16(checksum));
	}
}

/* Writes every header of the packet with these fields, and its stamp, into
 * FRAME, which holds at least packet->written bytes. Nothing of what FRAME held before is
 * used: a frame that the receiver changed and the kernel reuses comes out right. */
PKTGEN_INLINE void pktgen_write_headers(__u8 *frame, const struct pktgen_packet *packet,
					const struct pktgen_fields *fields)
{
	__u32 words = packet->header_length / 8;
	__u32 tail = packet->header_length - 8;
	__u8 *ip = frame + packet->ip_offset;
	__u64 source_sum, destination_sum, stamp_sum = 0;
	__u32 word;

	/* The limit is a constant for the compiler and the comparison one for the
	 * verifier, which removes the words that are not there. */
#pragma GCC unroll 12
	for (word = 0; word < PKTGEN_MAX_HEADER / 8; word++) {
		if (word >= words)
			break;
		PKTGEN_COPY64(frame + word * 8, packet->header + word * 8);
	}
	PKTGEN_COPY64(frame + tail, packet->header + tail);

	source_sum = pktgen_sum64(fields->source.low);
	destination_sum = pktgen_sum64(fields->destination.low);
	if (packet->ip_version == 4) {
		__u16 identification = fields->identification;
		__u32 source = fields->source.low;
		__u32 destination = fields->destination.low;
		__u16 checksum =
		    pktgen_checksum(packet->ip_sum + identification + source_sum + destination_sum);

		PKTGEN_STORE(__u16, ip + 4, PKTGEN_BE16(identification));
		PKTGEN_STORE(__u16, ip + 10, PKTGEN_BE16(checksum));
		PKTGEN_STORE(__u32, ip + 12, PKTGEN_BE32(source));
		PKTGEN_STORE(__u32, ip + 16, PKTGEN_BE32(destination));
	} else {
		source_sum += pktgen_sum64(fields->source.high);
		destination_sum += pktgen_sum64(fields->destination.high);
		PKTGEN_STORE(__u64, ip + 8, PKTGEN_BE64(fields->source.high));
		PKTGEN_STORE(__u64, ip + 16, PKTGEN_BE64(fields->source.low));
		PKTGEN_STORE(__u64, ip + 24, PKTGEN_BE64(fields->destination.high));
		PKTGEN_STORE(__u64, ip + 32, PKTGEN_BE64(fields->destination.low));
		if (packet->is_fragment)
			PKTGEN_STORE(__u32, ip + 44, PKTGEN_BE32(fields->identification));
	}

	if (packet->stamped)
		stamp_sum = pktgen_write_stamp(frame + packet->header_length, &fields->stamp);
	if (packet->l4 != PKTGEN_L4_NONE)
		pktgen_write_l4(frame + packet->l4_offset, packet, fields,
				source_sum + destination_sum, stamp_sum);
}

#ifdef __cplusplus
#pragma GCC diagnostic pop
#endif
