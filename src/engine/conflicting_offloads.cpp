#include "engine/conflicting_offloads.h"

#include <fmt/format.h>

#include <utility>

#include "util/log.h"

namespace afxfw {

ConflictingOffloads::ConflictingOffloads(const std::string& interface, XdpMode mode,
                                         InstanceLock& lock)
    : all_{{Offload::kLro, "merged packets would not fit a frame"},
           {Offload::kRxVlan, "VLAN tags cut out of the frame would be lost"}} {
  if (mode == XdpMode::kGeneric) {
    all_.push_back({Offload::kGro, "generic XDP sees packets after they were merged"});
  }
  for (Each& each : all_) turn_off(interface, each, lock);
}

void ConflictingOffloads::turn_off(const std::string& interface, Each& each, InstanceLock& lock) {
  if (!offload_enabled(interface, each.offload)) return;
  const char* const offload = ethtool_name(each.offload);
  lock.note(fmt::format("{} {}", kNoteOffload, offload));
  if (auto guard = OffloadGuard::turn_off(interface, each.offload)) {
    guards_.push_back(std::move(*guard));
    log_info("{}: turned {} off until afxfw ends: {}", interface, offload, each.consequence);
    return;
  }
  each.on = true;
  log_warn(
      "{}: {} is on and the driver refuses to turn it off: {}; see whether this does: ethtool -K "
      "{} {} off",
      interface, offload, each.consequence, interface, offload);
}

void ConflictingOffloads::check(const std::string& interface) {
  for (Each& each : all_) {
    const bool on = offload_enabled(interface, each.offload);
    if (on && !each.on) {
      const char* const offload = ethtool_name(each.offload);
      log_warn("{}: {} was turned on while afxfw runs: {}; run: ethtool -K {} {} off", interface,
               offload, each.consequence, interface, offload);
    }
    each.on = on;
  }
}

}  // namespace afxfw
