#include "xsk/xdp_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "afxfw.skel.h"
#include "util/error.h"
#include "util/log.h"
#include "xsk/bpf_log.h"

namespace afxfw {

namespace {

xdp_attach_mode libxdp_mode(XdpMode mode) {
  return mode == XdpMode::kNative ? XDP_MODE_NATIVE : XDP_MODE_SKB;
}

std::uint32_t netlink_flags(XdpMode mode) {
  return mode == XdpMode::kNative ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
}

bool is_ours(const xdp_program* program) {
  const char* program_name = xdp_program__name(program);
  return program_name != nullptr && std::string_view(program_name) == AFXFW_PROGRAM_NAME;
}

struct MultiprogDeleter {
  void operator()(xdp_multiprog* programs) const noexcept { xdp_multiprog__close(programs); }
};
using Multiprog = std::unique_ptr<xdp_multiprog, MultiprogDeleter>;

/// What is attached to the interface, null when nothing is.
Multiprog attached_programs(int ifindex) {
  xdp_multiprog* programs = xdp_multiprog__get_from_ifindex(ifindex);
  return Multiprog(libxdp_get_error(programs) == 0 ? programs : nullptr);
}

/// A program of ours that an earlier run left on an interface.
struct Leftover {
  Multiprog programs;  // owns `program`
  xdp_program* program = nullptr;
  XdpMode mode = XdpMode::kNative;
  bool in_dispatcher = false;
};

std::optional<Leftover> find_leftover(int ifindex) {
  Leftover found{.programs = attached_programs(ifindex)};
  if (found.programs == nullptr) return std::nullopt;
  xdp_multiprog* const programs = found.programs.get();
  found.mode =
      xdp_multiprog__attach_mode(programs) == XDP_MODE_SKB ? XdpMode::kGeneric : XdpMode::kNative;
  found.in_dispatcher = !xdp_multiprog__is_legacy(programs);
  if (!found.in_dispatcher) {
    xdp_program* const only = xdp_multiprog__main_prog(programs);
    if (only != nullptr && is_ours(only)) found.program = only;
  } else {
    for (xdp_program* each = xdp_multiprog__next_prog(nullptr, programs); each != nullptr;
         each = xdp_multiprog__next_prog(each, programs)) {
      if (is_ours(each)) found.program = each;
    }
  }
  if (found.program == nullptr) return std::nullopt;
  return found;
}

void detach(const Leftover& leftover, const std::string& interface, int ifindex) {
  const int result = xdp_program__detach(leftover.program, ifindex, libxdp_mode(leftover.mode), 0);
  if (result != 0) {
    throw errno_error("cannot detach the XDP program that an earlier afxfw left on " + interface,
                      -result);
  }
}

/// Refuses to go on when a single program that is not ours holds the interface.
void require_room(const std::string& interface, int ifindex) {
  const Multiprog programs = attached_programs(ifindex);
  if (programs == nullptr || !xdp_multiprog__is_legacy(programs.get())) return;
  const xdp_program* const program = xdp_multiprog__main_prog(programs.get());
  throw Error(
      fmt::format("{} already has the XDP program '{}' (id {}), which cannot be shared; "
                  "remove it with: ip link set dev {} xdp off",
                  interface, xdp_program__name(program), xdp_program__id(program), interface),
      ExitCode::kUnsupported);
}

/// What attaching says when the driver refuses native mode, as a sentence.
std::string explain_refusal(int error_number, const std::string& kernel_message) {
  if (!kernel_message.empty()) return kernel_message;
  switch (error_number) {
    case EOPNOTSUPP:
      return "the driver has no native XDP";
    case EINVAL:
      return "the driver refused (EINVAL): often too many queues in use, an MTU above one page, or "
             "LRO; see ethtool -l and -k";
    case ENOMEM:
      return "the driver has too little memory or too few queues for XDP";
    default:
      return std::strerror(error_number);
  }
}

/// Until no CPU is in the middle of a packet that it met before the call.
/// Drivers run XDP and hand over to sockets within one RCU read-side section,
/// and MEMBARRIER_CMD_GLOBAL waits for a grace period (membarrier(2)). A kernel
/// with nohz_full CPUs refuses it; a grace period takes some milliseconds.
void wait_for_other_cpus() noexcept {
  constexpr std::chrono::milliseconds kLongGracePeriod{50};
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0) {
    std::this_thread::sleep_for(kLongGracePeriod);
  }
}

}  // namespace

XdpProgram::XdpProgram(std::string interface, int ifindex, const afxfw_inline_policy& policy,
                       const XdpMemory& memory)
    : interface_(std::move(interface)), ifindex_(ifindex), skeleton_(afxfw_bpf__open()) {
  if (skeleton_ == nullptr) throw errno_error("cannot open the embedded XDP program", errno);
  afxfw_inline_policy full = policy;
  full.fast_path = memory.flows != 0 ? 1 : 0;
  full.push_down = memory.pushed != 0 ? 1 : 0;
  full.recall = full.fast_path | full.push_down;
  std::memcpy(const_cast<afxfw_inline_policy*>(&skeleton_->rodata->policy), &full, sizeof(full));
  // A map cannot have none; it takes no room for one.
  const std::uint32_t flows = std::max(memory.flows, 1U);
  bpf_map__set_max_entries(skeleton_->maps.ipv4_flows, flows);
  bpf_map__set_max_entries(skeleton_->maps.ipv6_flows, flows);
  const std::uint32_t pushed = std::max(memory.pushed, 1U);
  bpf_map__set_max_entries(skeleton_->maps.ipv4_pushed, pushed);
  bpf_map__set_max_entries(skeleton_->maps.ipv6_pushed, pushed);
}

XdpProgram::~XdpProgram() {
  detach();
  if (live_ != nullptr) munmap(live_, sizeof(afxfw_live));
  if (program_ != nullptr) xdp_program__close(program_);
  afxfw_bpf__destroy(skeleton_);
}

void XdpProgram::check(const afxfw_inline_policy& policy, const XdpMemory& memory) {
  XdpProgram program("", 0, policy, memory);
  const int result = afxfw_bpf__load(program.skeleton_);
  if (result != 0) throw errno_error("cannot load the XDP program", -result);
}

int XdpProgram::try_attach(XdpMode mode) {
  program_ = xdp_program__from_bpf_obj(skeleton_->obj, "xdp");
  if (const long error = libxdp_get_error(program_); error != 0) {
    program_ = nullptr;
    return static_cast<int>(-error);
  }
  const int result = xdp_program__attach(program_, ifindex_, libxdp_mode(mode), 0);
  if (result != 0) return -result;
  attached_ = true;
  mode_ = mode;
  const Multiprog programs = attached_programs(ifindex_);
  in_dispatcher_ = programs != nullptr && !xdp_multiprog__is_legacy(programs.get());
  return 0;
}

int XdpProgram::try_replace(XdpMode mode, int attached_program_fd) {
  if (const int result = afxfw_bpf__load(skeleton_); result != 0) return -result;
  const int program_fd = bpf_program__fd(skeleton_->progs.afxfw_xdp);
  bpf_xdp_attach_opts options{};
  options.sz = sizeof(options);
  options.old_prog_fd = attached_program_fd;
  const int result =
      bpf_xdp_attach(ifindex_, program_fd, netlink_flags(mode) | XDP_FLAGS_REPLACE, &options);
  if (result != 0) return -result;
  program_ = xdp_program__from_fd(program_fd);
  attached_ = true;
  mode_ = mode;
  return 0;
}

std::unique_ptr<XdpProgram> XdpProgram::attach(const std::string& interface, int ifindex,
                                               XdpModeRequest request,
                                               const afxfw_inline_policy& policy,
                                               const XdpMemory& memory) {
  std::vector<XdpMode> modes;
  if (request != XdpModeRequest::kGeneric) modes.push_back(XdpMode::kNative);
  if (request != XdpModeRequest::kNative) modes.push_back(XdpMode::kGeneric);

  auto leftover = find_leftover(ifindex);
  if (leftover) {
    log_info("{}: replacing the XDP program that an earlier afxfw left behind", interface);
    // Two modes exclude each other, so a program in the wrong one must go first.
    if (leftover->mode != modes.front()) {
      afxfw::detach(*leftover, interface, ifindex);
      leftover.reset();
    }
  }
  if (!leftover) require_room(interface, ifindex);

  std::string refusal;
  for (const XdpMode mode : modes) {
    // A refused attach leaves the object loaded in a way that cannot be
    // attached differently: begin anew.
    std::unique_ptr<XdpProgram> program(new XdpProgram(interface, ifindex, policy, memory));
    const BpfMessages messages;
    const bool replace = leftover && !leftover->in_dispatcher && mode == leftover->mode;
    const int error_number = replace
                                 ? program->try_replace(mode, xdp_program__fd(leftover->program))
                                 : program->try_attach(mode);
    if (error_number == 0) {
      if (leftover && leftover->in_dispatcher) afxfw::detach(*leftover, interface, ifindex);
      program->native_refusal_ = refusal;
      program->map_live();
      return program;
    }
    if (error_number == EPERM || error_number == EACCES) {
      throw errno_error("cannot attach the XDP program to " + interface, error_number);
    }
    const std::string reason = explain_refusal(error_number, messages.kernel_message());
    if (mode == modes.back()) {
      throw Error(fmt::format("cannot attach the XDP program to {} in {} mode: {}{}", interface,
                              afxfw::name(mode), reason,
                              request == XdpModeRequest::kNative ? "; try --mode auto" : ""),
                  ExitCode::kUnsupported);
    }
    refusal = reason;
  }
  throw Error("no XDP mode to try");
}

bool XdpProgram::detach_leftover(const std::string& interface, int ifindex) {
  const auto leftover = find_leftover(ifindex);
  if (!leftover) return false;
  afxfw::detach(*leftover, interface, ifindex);
  return true;
}

void XdpProgram::add_socket(std::uint32_t queue_id, int socket_fd) {
  const int map_fd = bpf_map__fd(skeleton_->maps.xsks);
  if (bpf_map_update_elem(map_fd, &queue_id, &socket_fd, BPF_ANY) != 0) {
    throw errno_error(fmt::format("cannot enter the socket of queue {} of {} into the XSKMAP",
                                  queue_id, interface_),
                      errno);
  }
}

void XdpProgram::set_link_traffic(std::uint32_t named) {
  const std::uint32_t key = 0;
  const int map_fd = bpf_map__fd(skeleton_->maps.link_traffic);
  if (bpf_map_update_elem(map_fd, &key, &named, BPF_ANY) != 0) {
    throw errno_error(fmt::format("cannot tell the XDP program on {} which of ARP and neighbour "
                                  "discovery the rules name",
                                  interface_),
                      errno);
  }
}

void XdpProgram::map_live() {
  void* const page = mmap(nullptr, sizeof(afxfw_live), PROT_READ | PROT_WRITE, MAP_SHARED,
                          bpf_map__fd(skeleton_->maps.bss), 0);
  if (page == MAP_FAILED) {
    throw errno_error(fmt::format("cannot map the variables of the XDP program on {}", interface_),
                      errno);
  }
  live_ = static_cast<afxfw_live*>(page);
}

void XdpProgram::set_generation(std::uint64_t generation) noexcept {
  // In one piece, and visible to all CPUs when it is done: seq_cst waits for that.
  std::atomic_ref(live_->generation).store(generation, std::memory_order_seq_cst);
}

FlowTable XdpProgram::flows() const noexcept {
  return {bpf_map__fd(skeleton_->maps.ipv4_flows), bpf_map__fd(skeleton_->maps.ipv6_flows)};
}

PushedMaps XdpProgram::pushed() const {
  return {bpf_map__fd(skeleton_->maps.ipv4_pushed), bpf_map__fd(skeleton_->maps.ipv6_pushed)};
}

void XdpProgram::set_pushed_count(std::uint32_t ipv4, std::uint32_t ipv6) noexcept {
  std::atomic_ref(live_->pushed_ipv4).store(ipv4, std::memory_order_seq_cst);
  std::atomic_ref(live_->pushed_ipv6).store(ipv6, std::memory_order_seq_cst);
}

InlineCounters XdpProgram::counters() const {
  InlineCounters sums{};
  const int map_fd = bpf_map__fd(skeleton_->maps.counters);
  std::vector<afxfw_counter> per_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  for (std::uint32_t outcome = 0; outcome < sums.size(); ++outcome) {
    if (bpf_map_lookup_elem(map_fd, &outcome, per_cpu.data()) != 0) continue;
    for (const afxfw_counter& counter : per_cpu) {
      sums[outcome].packets += counter.packets;
      sums[outcome].bytes += counter.bytes;
    }
  }
  return sums;
}

int XdpProgram::try_detach() noexcept {
  if (in_dispatcher_) return xdp_program__detach(program_, ifindex_, libxdp_mode(mode_), 0);
  // Without libxdp, which would look the program up by its id: only CAP_SYS_ADMIN may.
  bpf_xdp_attach_opts options{};
  options.sz = sizeof(options);
  options.old_prog_fd = xdp_program__fd(program_);
  return bpf_xdp_detach(ifindex_, netlink_flags(mode_) | XDP_FLAGS_REPLACE, &options);
}

void XdpProgram::detach() noexcept {
  if (!attached_) return;
  attached_ = false;
  if (const int result = try_detach();
      // EEXIST: somebody has put another one in its place, or none.
      result != 0 && result != -ENODEV && result != -ENOENT && result != -EEXIST) {
    log_error("{}: cannot detach the XDP program: {}; run: afxfw --detach --iface {}", interface_,
              std::strerror(-result), interface_);
  }
  wait_for_other_cpus();
}

}  // namespace afxfw
