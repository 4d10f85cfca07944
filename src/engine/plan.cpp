#include "engine/plan.h"

#include <fmt/format.h>
#include <linux/if_ether.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>

#include "util/cpu.h"
#include "util/error.h"

namespace afxfw {

namespace {

/// Kept free by the kernel in front of each received packet (XDP_PACKET_HEADROOM
/// of linux/bpf.h).
constexpr std::uint32_t kHeadroom = 256;
constexpr std::uint32_t kVlanTagBytes = 4;
constexpr std::uint32_t kLinkHeaderBytes = ETH_HLEN + 2 * kVlanTagBytes;
constexpr std::array<std::uint32_t, 2> kFrameSizes = {2048, 4096};

/// Drivers that hand over frames whose TCP or UDP checksum the sender left for
/// hardware to finish.
constexpr std::array<std::string_view, 3> kPartialChecksumDrivers = {"veth", "virtio_net", "tun"};

/// Drivers that tell their hardware the size of a zero-copy buffer in whole KiB,
/// rounded down. What is longer comes as several packets, each a piece of it
/// (seen with igb: BSIZEPKT of its SRRCTL register).
constexpr std::array<std::string_view, 3> kKibBufferDrivers = {"igb", "igc", "ixgbe"};
constexpr std::uint32_t kKib = 1024;

template <std::size_t kCount>
bool is_one_of(const std::array<std::string_view, kCount>& drivers, const Link& link) {
  return std::find(drivers.begin(), drivers.end(), link.driver) != drivers.end();
}

std::string channel_command(const Link& link, std::uint32_t queues) {
  return link.combined_channels
             ? fmt::format("ethtool -L {} combined {}", link.name, queues)
             : fmt::format("ethtool -L {} rx {} tx {}", link.name, queues, queues);
}

void require_usable(const Link& link) {
  if (link.kind == "bond" || link.kind == "team") {
    throw Error(fmt::format("{} is a {}, which shows one queue and has no zero-copy; run one afxfw "
                            "on each of its members instead",
                            link.name, link.kind),
                ExitCode::kUnsupported);
  }
  if (!link.ethernet) {
    throw Error(fmt::format("{} is not an Ethernet interface; afxfw parses Ethernet frames only",
                            link.name),
                ExitCode::kUnsupported);
  }
  if (!link.up) {
    throw Error(fmt::format("{} is down; run: ip link set {} up", link.name, link.name),
                ExitCode::kUnsupported);
  }
}

/// The MTU at which packets of the interface fit frames of this size.
std::uint32_t largest_mtu(const Link& link, ZeroCopy zero_copy, std::uint32_t frame_size) {
  std::uint32_t buffer = frame_size - kHeadroom;
  if (zero_copy != ZeroCopy::kOff && is_one_of(kKibBufferDrivers, link)) {
    buffer = buffer / kKib * kKib;
  }
  return buffer - kLinkHeaderBytes;
}

std::uint32_t choose_frame_size(const Link& link, ZeroCopy zero_copy) {
  for (const std::uint32_t size : kFrameSizes) {
    if (link.mtu <= largest_mtu(link, zero_copy, size)) return size;
  }
  const std::uint32_t largest = largest_mtu(link, zero_copy, kFrameSizes.back());
  throw Error(fmt::format("{} has an MTU of {} bytes, but a packet must fit one frame of AF_XDP, "
                          "which is {} bytes at most; run: ip link set {} mtu {}",
                          link.name, link.mtu, largest, link.name, largest),
              ExitCode::kUnsupported);
}

std::uint32_t choose_queues(const EngineOptions& options, const Link& link) {
  const std::uint32_t wanted = options.queues.value_or(link.rx_queues);
  if (wanted > link.rx_queues) {
    throw Error(fmt::format("{} has {} receive queue{}, not {}; use --queues {} or run: {}",
                            link.name, link.rx_queues, link.rx_queues == 1 ? "" : "s", wanted,
                            link.rx_queues, channel_command(link, wanted)),
                ExitCode::kUnsupported);
  }
  if (wanted > AFXFW_MAX_QUEUES) {
    throw Error(fmt::format("{} queues are more than the {} that afxfw supports; run: {}", wanted,
                            AFXFW_MAX_QUEUES, channel_command(link, AFXFW_MAX_QUEUES)),
                ExitCode::kUnsupported);
  }
  if (wanted < link.rx_queues && !options.allow_unfiltered_queues) {
    throw Error(fmt::format("{} has {} receive queues but --queues is {}: packets of the other {} "
                            "would not be filtered; run: {}   or use --queues {}, or "
                            "--allow-unfiltered-queues if that is what you want",
                            link.name, link.rx_queues, wanted, link.rx_queues - wanted,
                            channel_command(link, wanted), link.rx_queues),
                ExitCode::kUnsupported);
  }
  return wanted;
}

/// The last free frames are those that a full TX ring and a batch hold.
void require_enough_frames(const EngineOptions& options) {
  const std::uint32_t least = 2 * options.ring_size + options.batch;
  if (options.frames < least) {
    throw Error(fmt::format("--frames {} is too few for --ring-size {}: the fill ring of twice "
                            "that size and a batch need {}",
                            options.frames, options.ring_size, least),
                ExitCode::kUsage);
  }
}

Link require_device(const EngineOptions& options, const Link& link, std::uint32_t queues,
                    std::vector<std::string>& warnings) {
  Link device = require_link(options.reinject.device);
  if (device.ifindex == link.ifindex) {
    throw Error(fmt::format("--reinject dev:{} names the filtered interface itself; use --reinject "
                            "tx to send packets back out of it",
                            device.name),
                ExitCode::kUsage);
  }
  require_usable(device);
  if (device.tx_queues < queues) {
    throw Error(fmt::format("{} has {} transmit queue{}, but each of the {} workers needs its own; "
                            "run: {}",
                            device.name, device.tx_queues, device.tx_queues == 1 ? "" : "s", queues,
                            channel_command(device, queues)),
                ExitCode::kUnsupported);
  }
  if (device.mtu < link.mtu) {
    warnings.push_back(fmt::format("{} has an MTU of {}, {} one of {}: larger packets will be lost",
                                   device.name, device.mtu, link.name, link.mtu));
  }
  return device;
}

}  // namespace

Plan make_plan(const EngineOptions& options) {
  Plan plan;
  plan.link = require_link(options.interface);
  require_usable(plan.link);
  require_enough_frames(options);
  const std::uint32_t queues = choose_queues(options, plan.link);

  WorkerOptions worker;
  worker.interface = plan.link.name;
  worker.ring_sizes = {.rx = options.ring_size,
                       .tx = options.ring_size,
                       .fill = 2 * options.ring_size,
                       .completion = options.ring_size};
  worker.frames = options.frames;
  worker.frame_size = choose_frame_size(plan.link, options.zero_copy);
  worker.batch = options.batch;
  worker.zero_copy = options.zero_copy;
  worker.busy_poll = options.busy_poll;
  worker.coalesce = options.coalesce;
  worker.log_mode = options.log_packets;
  switch (options.reinject.kind) {
    case ReinjectOption::Kind::kStack:
      worker.reinject = ReinjectTarget::kInterface;
      break;
    case ReinjectOption::Kind::kNone:
      worker.reinject = ReinjectTarget::kNone;
      break;
    case ReinjectOption::Kind::kTx:
      worker.reinject = ReinjectTarget::kSameQueue;
      break;
    case ReinjectOption::Kind::kDevice:
      worker.reinject = ReinjectTarget::kInterface;
      plan.device = require_device(options, plan.link, queues, plan.warnings);
      worker.reinject_interface = plan.device->name;
      // Sending without copies, it receives into our frames, too.
      if (options.zero_copy != ZeroCopy::kOff &&
          plan.device->mtu <= largest_mtu(*plan.device, options.zero_copy, kFrameSizes.back())) {
        worker.reinject_zero_copy = ZeroCopy::kAuto;
        worker.frame_size =
            std::max(worker.frame_size, choose_frame_size(*plan.device, options.zero_copy));
      }
      break;
  }
  worker.finish_checksums =
      worker.reinject != ReinjectTarget::kNone && is_one_of(kPartialChecksumDrivers, plan.link);

  const std::vector<int> allowed = allowed_cpus();
  for (const int cpu : options.cpus) {
    if (std::find(allowed.begin(), allowed.end(), cpu) == allowed.end()) {
      throw Error(fmt::format("--cpus names CPU {}, where this process may not run; it may on: {}",
                              cpu, fmt::join(allowed, ",")),
                  ExitCode::kUsage);
    }
  }
  const std::vector<int>& cpus = options.cpus.empty() ? allowed : options.cpus;
  for (std::uint32_t queue = 0; queue < queues; ++queue) {
    worker.queue_id = queue;
    worker.reinject_queue = queue;
    worker.cpu = cpus[queue % cpus.size()];
    plan.workers.push_back(worker);
  }
  if (queues < plan.link.rx_queues) {
    plan.warnings.push_back(
        fmt::format("{} of {} receive queues of {} are not filtered: their packets follow "
                    "--on-failure",
                    plan.link.rx_queues - queues, plan.link.rx_queues, plan.link.name));
  }
  return plan;
}

}  // namespace afxfw
