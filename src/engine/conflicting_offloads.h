#pragma once

#include <string>
#include <vector>

#include "engine/instance_lock.h"
#include "xsk/ethtool.h"
#include "xsk/xdp_program.h"

namespace afxfw {

/// How a turned-off offload is noted in the lock file, before its name.
inline constexpr const char* kNoteOffload = "offload";

/// The interface's offloads that change frames before XDP or AF_XDP sees them,
/// off for the lifetime of this and put back as they were at its end.
class ConflictingOffloads {
 public:
  /// Turns off those that are on, each noted in `lock` first, and logs that; a
  /// warning for one that the driver does not let go.
  ConflictingOffloads(const std::string& interface, XdpMode mode, InstanceLock& lock);

  /// Warns of those that somebody has turned on since, once each time.
  void check(const std::string& interface);

 private:
  struct Each {
    Offload offload;
    const char* consequence;
    bool on = false;  ///< when last looked at
  };

  void turn_off(const std::string& interface, Each& each, InstanceLock& lock);

  std::vector<Each> all_;
  std::vector<OffloadGuard> guards_;
};

}  // namespace afxfw
