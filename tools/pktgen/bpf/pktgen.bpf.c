// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The sender of live frames (BPF_F_TEST_XDP_LIVE_FRAMES, kernel documentation
 * bpf/bpf_prog_run.rst): the kernel hands each frame of its pool to the XDP
 * program, which writes the next packet into it and redirects it to the
 * interface. Two tracing programs learn what became of it. The interface's own
 * counters would not do: many drivers don't count what they refuse, a refusal
 * before the driver is counted nowhere, and others send on the interface too.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "live_state.h"
#include "packet.h"

/* A live frame comes from its network namespace's loopback interface, which no
 * frame that a driver received does. */
#define LOOPBACK_IFINDEX 1

struct net_device {
	int ifindex;
} __attribute__((preserve_access_index));

/* Packets of each size, of which pattern[] says which is next, if mixed. A frame
 * of the pool has the largest one. */
const volatile struct pktgen_packet packets[PKTGEN_SIZES] = {};
const volatile __u32 frame_bytes[PKTGEN_SIZES] = {};
const volatile __u8 pattern[PKTGEN_PATTERN] = {};
const volatile __u32 mixed = 0;
const volatile __u32 largest = 0; /* which of them */
const volatile __u32 ifindex = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set before loading: highest CPU used, plus one */
	__type(key, __u32);
	__type(value, struct pktgen_live_state);
} states SEC(".maps");

static __always_inline struct pktgen_live_state *this_cpu_state(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&states, &cpu);
}

static __always_inline __u64 take_index(struct pktgen_live_state *state)
{
	__u64 index;

	if (state->retried != state->refused_end) {
		index = state->refused_index[state->retried % PKTGEN_RETRIES];
		state->retried++;
	} else {
		index = state->next_index;
		state->next_index += state->stride;
	}
	return index;
}

/* Notes that the packet which is next is under way. Returns its number. */
static __always_inline __u64 begin(struct pktgen_live_state *state)
{
	__u64 index;

	if (!state->task)
		state->task = bpf_get_current_pid_tgid();
	index = take_index(state);
	state->attempted++;
	state->pending_index[state->pending % PKTGEN_MAX_BATCH] = index;
	state->pending++;
	return index;
}

static __always_inline int send(struct xdp_md *ctx, const struct pktgen_packet *config, __u64 index)
{
	void *frame = (void *)(long)ctx->data;
	struct pktgen_fields fields;

	/* Hides that the object is a zero constant from the compiler, not from
	 * the verifier, for which its fields are known when it loads this. */
	barrier_var(config);
	if (frame + config->written > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	pktgen_packet_fields(config, index, &fields);
	if (config->stamped)
		fields.stamp.time_ns = bpf_ktime_get_ns();
	pktgen_write_headers(frame, config, &fields);
	return bpf_redirect(ifindex, 0);
}

static __always_inline int send_mixed(struct xdp_md *ctx, struct pktgen_live_state *state,
				      __u64 index, int is_new)
{
	const struct pktgen_packet *sizes = (const struct pktgen_packet *)packets;
	__u64 place = pktgen_pattern_place(sizes, index) % PKTGEN_PATTERN;
	__u32 size;

	/* Of a remainder, the verifier does not know that it is small. */
	barrier_var(place);
	if (place >= PKTGEN_PATTERN)
		return XDP_ABORTED;
	size = pattern[place];
	if (size >= PKTGEN_SIZES)
		return XDP_ABORTED;
	if (is_new)
		state->begun_bytes += frame_bytes[size];
	/* The kernel gives the frame its length again before it uses it again. */
	if (size != largest &&
	    bpf_xdp_adjust_tail(ctx, (int)frame_bytes[size] - (int)frame_bytes[largest]))
		return XDP_ABORTED;
	/* Each with an object that the verifier knows. */
	switch (size) {
	case 0:
		return send(ctx, sizes, index);
	case 1:
		return send(ctx, sizes + 1, index);
	default:
		return send(ctx, sizes + 2, index);
	}
}

SEC("xdp")
int pktgen_xdp(struct xdp_md *ctx)
{
	struct pktgen_live_state *state = this_cpu_state();
	__u64 next, index;

	if (!state)
		return XDP_ABORTED;
	next = state->next_index;
	index = begin(state);
	if (mixed)
		return send_mixed(ctx, state, index, state->next_index != next);
	if (state->next_index != next)
		state->begun_bytes += frame_bytes[0];
	return send(ctx, (const struct pktgen_packet *)packets, index);
}

/* The state of this CPU if the running task is its sender: another program may
 * send live frames, too, and the receiver's work runs in the sender's context. */
static __always_inline struct pktgen_live_state *sender_state(const struct net_device *from)
{
	struct pktgen_live_state *state = this_cpu_state();

	if (!state || from->ifindex != LOOPBACK_IFINDEX)
		return 0;
	return state->task == bpf_get_current_pid_tgid() ? state : 0;
}

static __always_inline void refuse(struct pktgen_live_state *state, __u64 index)
{
	state->refused_index[state->refused_end % PKTGEN_RETRIES] = index;
	state->refused_end++;
	state->refused++;
}

/* A bulk of frames was offered to the driver, which took the first SENT.
 * Arguments: from, to (struct net_device *), sent, drops, err (int). */
SEC("tp_btf/xdp_devmap_xmit")
int on_transmit(__u64 *args)
{
	struct pktgen_live_state *state = sender_state((const struct net_device *)args[0]);
	int sent = args[2];
	int drops = args[3];
	int i;

	if (!state)
		return 0;
	state->sent += sent;
	state->settled += sent;
	if (drops > 0)
		state->error = (int)args[4];
	for (i = 0; i < PKTGEN_MAX_BATCH && i < drops; i++) {
		refuse(state, state->pending_index[state->settled % PKTGEN_MAX_BATCH]);
		state->settled++;
	}
	return 0;
}

/* The frame made last was not even queued for the driver, e.g. because the
 * interface is down or cannot take redirected frames. Arguments: from (struct
 * net_device *), program, target, err (int), and more. */
SEC("tp_btf/xdp_redirect_err")
int on_redirect_error(__u64 *args)
{
	struct pktgen_live_state *state = sender_state((const struct net_device *)args[0]);

	if (!state || state->pending == state->settled)
		return 0;
	state->error = (int)args[3];
	state->pending--;
	refuse(state, state->pending_index[state->pending % PKTGEN_MAX_BATCH]);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
