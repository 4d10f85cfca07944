#pragma once

#include <cstdint>
#include <string>

#include "util/fd.h"

namespace afxfw {

/// What busy polling wants of the interface: interrupts stay off while the
/// application polls. Set for the object's lifetime, then put back.
class NapiSettings {
 public:
  /// Writes napi_defer_hard_irqs and gro_flush_timeout of `interface` in the
  /// caller's network namespace, whichever sysfs happens to be mounted. Needs
  /// CAP_NET_ADMIN, and CAP_SYS_ADMIN for a sysfs of its own. Throws Error.
  NapiSettings(const std::string& interface, std::uint32_t defer_hard_irqs,
               std::uint64_t gro_flush_timeout_ns);
  ~NapiSettings();
  NapiSettings(const NapiSettings&) = delete;
  NapiSettings& operator=(const NapiSettings&) = delete;

 private:
  [[nodiscard]] std::string read(const char* setting) const;
  void write(const char* setting, const std::string& value) const;

  std::string interface_;
  Fd directory_;  // class/net/INTERFACE
  std::string saved_defer_hard_irqs_;
  std::string saved_gro_flush_timeout_;
};

}  // namespace afxfw
