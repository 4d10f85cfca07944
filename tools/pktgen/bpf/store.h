/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Big-endian fields of a packet and sums of them, in plain C that clang's BPF
 * target and C++20 both read.
 */
#pragma once

#include <linux/types.h>

#define PKTGEN_INLINE static inline __attribute__((always_inline))

/* Stores of any alignment. The BPF target would split a memcpy into bytes, and
 * the kernels this runs on allow an unaligned access to a packet; user space
 * must not rely on that. */
#ifdef __bpf__
#define PKTGEN_STORE(type, at, value) (*(type *)(at) = (value))
#define PKTGEN_COPY64(to, from) (*(__u64 *)(to) = *(const __u64 *)(from))
#else
#define PKTGEN_STORE(type, at, value)                                                              \
	do {                                                                                       \
		type pktgen_value = (value);                                                       \
		__builtin_memcpy((at), &pktgen_value, sizeof(pktgen_value));                       \
	} while (0)
#define PKTGEN_COPY64(to, from) __builtin_memcpy((to), (from), 8)
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PKTGEN_BE16(x) __builtin_bswap16(x)
#define PKTGEN_BE32(x) __builtin_bswap32(x)
#define PKTGEN_BE64(x) __builtin_bswap64(x)
#else
#define PKTGEN_BE16(x) (x)
#define PKTGEN_BE32(x) (x)
#define PKTGEN_BE64(x) (x)
#endif

/* The internet checksum (RFC 1071) as a sum of 16-bit words, folded at the end. */
PKTGEN_INLINE __u64 pktgen_sum64(__u64 x)
{
	return (x >> 48) + ((x >> 32) & 0xffff) + ((x >> 16) & 0xffff) + (x & 0xffff);
}

PKTGEN_INLINE __u64 pktgen_sum32(__u32 x)
{
	return (x >> 16) + (x & 0xffff);
}
