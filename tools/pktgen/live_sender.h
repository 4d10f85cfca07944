#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "pktgen/bpf/live_state.h"
#include "pktgen/sender.h"
#include "pktgen/traffic_plan.h"

namespace afxfw::pktgen {

/// The BPF programs that make and follow live frames, loaded for one run: a
/// sender for each CPU shares them. Needs Linux 5.18, and CAP_BPF,
/// CAP_NET_ADMIN and CAP_PERFMON.
class LivePrograms {
 public:
  /// plan: no capture. cpus: where senders will run. Throws Error when the kernel cannot do it.
  LivePrograms(const TrafficPlan& plan, std::uint32_t ifindex, const std::vector<int>& cpus);
  ~LivePrograms();
  LivePrograms(const LivePrograms&) = delete;
  LivePrograms& operator=(const LivePrograms&) = delete;

  [[nodiscard]] int xdp_fd() const noexcept;
  [[nodiscard]] int states_fd() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Sends live frames: the kernel runs the XDP program on each frame of a page
/// pool, and the program redirects it to the interface's driver.
class LiveSender : public Sender {
 public:
  struct Share {
    int cpu = 0;               ///< one of the CPUs that `programs` was made for
    std::uint64_t first = 0;   ///< index of the first packet
    std::uint64_t stride = 1;  ///< from one packet's index to the next
  };

  /// plan: of the programs; must outlive this. batch: frames the kernel makes before it lets the
  /// receiver run, 1 to 256.
  LiveSender(std::shared_ptr<LivePrograms> programs, const TrafficPlan& plan, const Share& share,
             std::uint32_t batch);

  SendResult send(std::uint64_t frames) override;

 private:
  /// Bytes of the packets that have been sent, of all calls.
  [[nodiscard]] std::uint64_t bytes_sent(const pktgen_live_state& state) const noexcept;

  std::shared_ptr<LivePrograms> programs_;
  const TrafficPlan& plan_;
  std::vector<std::byte> frame_;  ///< of the largest size
  std::uint32_t cpu_;
  std::uint32_t batch_;
};

}  // namespace afxfw::pktgen
