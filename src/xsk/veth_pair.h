#pragma once

#include <cstdint>
#include <string>

#include "xsk/link.h"

namespace afxfw {

/// The way back into the kernel: a private pair of virtual interfaces. Workers
/// send accepted frames into one end; whatever comes out of the other is handed
/// to the ingress of the filtered interface (tc's mirred action), so that the
/// host sees it arrive there.
///
/// mirred rather than a BPF redirect: the kernel marks the packet as redirected,
/// and generic XDP leaves such packets alone. bpf_redirect to ingress would make
/// generic XDP see its own output again, for ever. The receiving end carries the
/// filtered interface's MAC address, since the packet type (host, multicast,
/// other host) is decided there and kept.
class VethPair {
 public:
  /// Creates the pair for `target` with one queue a worker. A leftover of an
  /// earlier run is removed first. Needs CAP_NET_ADMIN. Throws Error.
  VethPair(const Link& target, std::uint32_t queues);
  ~VethPair();
  VethPair(const VethPair&) = delete;
  VethPair& operator=(const VethPair&) = delete;

  /// The end that workers send into.
  [[nodiscard]] const std::string& transmit_end() const noexcept { return transmit_end_; }
  /// The end that stands in for the filtered interface.
  [[nodiscard]] const std::string& receive_end() const noexcept { return receive_end_; }

  /// Follows a change of the filtered interface's MAC address. Throws Error.
  void set_mac(const MacAddress& mac);

  /// Removes the pair of a killed run, if there is one. Returns whether.
  static bool remove_leftover(int target_ifindex);

 private:
  std::string transmit_end_;
  std::string receive_end_;
};

}  // namespace afxfw
