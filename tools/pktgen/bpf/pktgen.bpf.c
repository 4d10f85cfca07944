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

const volatile struct pktgen_packet packet = {};
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

SEC("xdp")
int pktgen_xdp(struct xdp_md *ctx)
{
	const struct pktgen_packet *config = (const struct pktgen_packet *)&packet;
	struct pktgen_live_state *state = this_cpu_state();
	void *frame = (void *)(long)ctx->data;
	struct pktgen_fields fields;
	__u64 index;

	/* Hides that the object is a zero constant from the compiler, not from
	 * the verifier, for which its fields are known when it loads this. */
	barrier_var(config);
	if (!state || frame + config->written > (void *)(long)ctx->data_end)
		return XDP_ABORTED;

	if (!state->task)
		state->task = bpf_get_current_pid_tgid();
	index = take_index(state);
	state->attempted++;
	state->pending_index[state->pending % PKTGEN_MAX_BATCH] = index;
	state->pending++;

	pktgen_packet_fields(config, index, &fields);
	if (config->stamped)
		fields.stamp.time_ns = bpf_ktime_get_ns();
	pktgen_write_headers(frame, config, &fields);
	return bpf_redirect(ifindex, 0);
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
