#pragma once

#include <cstdint>
#include <string>

namespace afxfw {

/// What busy polling wants of an interface: that interrupts stay off while the
/// application polls.
struct NapiSettings {
  std::uint64_t defer_hard_irqs = 0;  ///< empty polls before interrupts come back
  std::uint64_t gro_flush_timeout_ns = 0;
};

/// Of `interface` in the caller's network namespace, whichever sysfs happens to
/// be mounted at /sys. Need CAP_SYS_ADMIN; writing needs CAP_NET_ADMIN too.
/// Throw Error.
[[nodiscard]] NapiSettings read_napi_settings(const std::string& interface);
void write_napi_settings(const std::string& interface, const NapiSettings& settings);

/// Applies settings for its lifetime, then puts the old ones back, also if the
/// interface has another name by then.
class NapiSettingsGuard {
 public:
  NapiSettingsGuard(const std::string& interface, const NapiSettings& settings);
  ~NapiSettingsGuard();
  NapiSettingsGuard(const NapiSettingsGuard&) = delete;
  NapiSettingsGuard& operator=(const NapiSettingsGuard&) = delete;

 private:
  unsigned ifindex_;
  NapiSettings saved_;
};

}  // namespace afxfw
