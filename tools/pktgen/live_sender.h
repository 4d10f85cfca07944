#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "pktgen/frame_plan.h"
#include "pktgen/sender.h"

namespace afxfw::pktgen {

/// The BPF programs that make and follow live frames, loaded for one run: a
/// sender for each CPU shares them. Needs Linux 5.18, and CAP_BPF,
/// CAP_NET_ADMIN and CAP_PERFMON.
class LivePrograms {
 public:
  /// cpus: where senders will run. Throws Error when the kernel cannot do it.
  LivePrograms(const FramePlan& plan, std::uint32_t ifindex, const std::vector<int>& cpus);
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

  /// batch: frames the kernel makes before it lets the receiver run, 1 to 256.
  LiveSender(std::shared_ptr<LivePrograms> programs, const FramePlan& plan, const Share& share,
             std::uint32_t batch);

  SendResult send(std::uint64_t frames) override;

 private:
  std::shared_ptr<LivePrograms> programs_;
  std::vector<std::byte> frame_;
  std::uint32_t cpu_;
  std::uint32_t batch_;
};

}  // namespace afxfw::pktgen
