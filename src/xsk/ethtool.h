#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace afxfw {

/// Queues in use; 0 when the driver does not say.
struct Channels {
  std::uint32_t rx = 0;
  std::uint32_t tx = 0;
  bool combined = false;  ///< a channel serves both directions
};

[[nodiscard]] Channels query_channels(const std::string& interface);

/// The driver's name as `ethtool -i` prints it, "" when it does not say.
[[nodiscard]] std::string query_driver(const std::string& interface);

/// Offloads that change frames before XDP or AF_XDP sees them.
enum class Offload {
  kGro,     ///< generic receive offload: merged frames reach generic XDP
  kLro,     ///< large receive offload: frames merged by the NIC
  kRxVlan,  ///< the VLAN tag is cut out of the frame
};

/// As `ethtool -K` takes it.
[[nodiscard]] const char* ethtool_name(Offload offload) noexcept;

/// False also when the driver does not have it.
[[nodiscard]] bool offload_enabled(const std::string& interface, Offload offload);

/// Returns whether it is as wanted now.
bool set_offload(const std::string& interface, Offload offload, bool on);

/// Turns an offload off for its lifetime and back on at the end, also if the
/// interface has another name by then.
class OffloadGuard {
 public:
  /// nullopt when the driver does not let it be changed.
  static std::optional<OffloadGuard> turn_off(const std::string& interface, Offload offload);
  ~OffloadGuard();
  OffloadGuard(OffloadGuard&& other) noexcept;
  OffloadGuard& operator=(OffloadGuard&&) = delete;
  OffloadGuard(const OffloadGuard&) = delete;
  OffloadGuard& operator=(const OffloadGuard&) = delete;

 private:
  OffloadGuard(unsigned ifindex, Offload offload);
  unsigned ifindex_;  ///< 0: moved from
  Offload offload_;
};

}  // namespace afxfw
