#include "pktgen/live_sender.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "pktgen/bpf/live_state.h"
#include "pktgen/dispatcher_hold.h"
#include "pktgen_bpf.skel.h"
#include "util/error.h"
#include "util/log.h"

namespace afxfw::pktgen {

struct LivePrograms::Impl {
  struct SkeletonDeleter {
    void operator()(pktgen_bpf* opened) const noexcept { pktgen_bpf__destroy(opened); }
  };

  // The hold goes first: it refers to the skeleton's program.
  std::unique_ptr<pktgen_bpf, SkeletonDeleter> skeleton;
  std::optional<DispatcherHold> hold;
};

namespace {

void set_traffic(const pktgen_bpf& skeleton, const TrafficPlan& plan) {
  auto& data = *skeleton.rodata;
  for (std::size_t size = 0; size < plan.sizes.size(); ++size) {
    const FramePlan& of_size = plan.sizes[size];
    std::memcpy(&data.packets[size], &of_size.packet, sizeof(of_size.packet));
    data.frame_bytes[size] = static_cast<std::uint32_t>(of_size.frame.size());
  }
  data.largest = static_cast<std::uint32_t>(plan.sizes.size() - 1);
  data.mixed = plan.sizes.size() > 1 ? 1 : 0;
  std::copy(plan.pattern.begin(), plan.pattern.end(), data.pattern);
}

}  // namespace

LivePrograms::LivePrograms(const TrafficPlan& plan, std::uint32_t ifindex,
                           const std::vector<int>& cpus)
    : impl_(std::make_unique<Impl>()) {
  const auto check = [](int result, const char* operation) {
    if (result != 0) throw errno_error(operation, -result, ExitCode::kUnsupported);
  };
  impl_->skeleton.reset(pktgen_bpf__open());
  pktgen_bpf* const skeleton = impl_->skeleton.get();
  if (skeleton == nullptr) throw errno_error("cannot open the BPF programs", errno);
  set_traffic(*skeleton, plan);
  skeleton->rodata->ifindex = ifindex;
  const int highest = *std::max_element(cpus.begin(), cpus.end());
  check(bpf_map__set_max_entries(skeleton->maps.states, static_cast<std::uint32_t>(highest) + 1),
        "cannot size a BPF map");
  check(pktgen_bpf__load(skeleton), "cannot load the BPF programs for live frames");
  check(pktgen_bpf__attach(skeleton), "cannot follow live frames through tracepoints");
  try {
    impl_->hold.emplace(skeleton->progs.pktgen_xdp);
  } catch (const Error& error) {
    // Right all the same; each call takes some 20 ms longer.
    log_warn("{}; with --rate, frames come in bursts of some 25 ms", error.what());
  }
}

LivePrograms::~LivePrograms() = default;

int LivePrograms::xdp_fd() const noexcept {
  return bpf_program__fd(impl_->skeleton->progs.pktgen_xdp);
}

int LivePrograms::states_fd() const noexcept { return bpf_map__fd(impl_->skeleton->maps.states); }

namespace {

pktgen_live_state read_state(int map, std::uint32_t cpu) {
  pktgen_live_state state{};
  if (const int result = bpf_map_lookup_elem(map, &cpu, &state); result != 0) {
    throw errno_error("cannot read the state of live frames", -result);
  }
  return state;
}

void write_state(int map, std::uint32_t cpu, const pktgen_live_state& state) {
  if (const int result = bpf_map_update_elem(map, &cpu, &state, BPF_ANY); result != 0) {
    throw errno_error("cannot write the state of live frames", -result);
  }
}

}  // namespace

LiveSender::LiveSender(std::shared_ptr<LivePrograms> programs, const TrafficPlan& plan,
                       const Share& share, std::uint32_t batch)
    : programs_(std::move(programs)),
      plan_(plan),
      frame_(plan.sizes.back().frame),
      cpu_(static_cast<std::uint32_t>(share.cpu)),
      batch_(batch) {
  pktgen_live_state state{};
  state.next_index = share.first;
  state.stride = share.stride;
  write_state(programs_->states_fd(), cpu_, state);
}

SendResult LiveSender::send(std::uint64_t frames) {
  const int states = programs_->states_fd();
  pktgen_live_state before = read_state(states, cpu_);
  before.task = 0;
  write_state(states, cpu_, before);

  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.data_in = frame_.data();
  options.data_size_in = static_cast<std::uint32_t>(frame_.size());
  options.repeat =
      static_cast<int>(std::min<std::uint64_t>(frames, std::numeric_limits<int>::max()));
  options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
  options.batch_size = batch_;
  const int result = bpf_prog_test_run_opts(programs_->xdp_fd(), &options);
  if (result == -EINVAL) {
    throw Error(fmt::format("the kernel makes no live frames of {} bytes: they must fit a page "
                            "(some 3400 bytes) and need Linux 5.18",
                            frame_.size()),
                ExitCode::kUnsupported);
  }
  // EINTR: a signal cut it short, and the counts say where.
  if (result != 0 && result != -EINTR) {
    throw errno_error("cannot send live frames", -result, ExitCode::kUnsupported);
  }

  const pktgen_live_state after = read_state(states, cpu_);
  SendResult sent;
  sent.attempted = after.attempted - before.attempted;
  sent.sent = after.sent - before.sent;
  sent.refused = after.refused - before.refused;
  sent.error = static_cast<int>(-after.error);
  if (after.pending != after.settled) {
    throw Error(fmt::format("the kernel did not report what became of {} live frames",
                            after.pending - after.settled));
  }
  sent.bytes = bytes_sent(after) - bytes_sent(before);
  return sent;
}

std::uint64_t LiveSender::bytes_sent(const pktgen_live_state& state) const noexcept {
  std::uint64_t bytes = state.begun_bytes;
  for (std::uint64_t entry = state.retried; entry != state.refused_end; ++entry) {
    const std::uint64_t index = state.refused_index[entry % std::size(state.refused_index)];
    bytes -= plan_.sizes[size_of(plan_, index)].frame.size();
  }
  return bytes;
}

}  // namespace afxfw::pktgen
