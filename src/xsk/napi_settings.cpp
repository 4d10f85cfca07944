#include "xsk/napi_settings.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "util/error.h"
#include "util/log.h"

namespace afxfw {

namespace {

constexpr const char* kDeferHardIrqs = "napi_defer_hard_irqs";
constexpr const char* kGroFlushTimeout = "gro_flush_timeout";

/// A sysfs of our own network namespace, attached nowhere: the one at /sys may
/// have been mounted in another namespace, where the same name is another
/// interface.
Fd open_sysfs(const std::string& interface) {
  const std::string operation = "cannot open a sysfs for the settings of " + interface;
  const Fd context(fsopen("sysfs", FSOPEN_CLOEXEC));
  if (!context) throw errno_error(operation, errno);
  if (fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    throw errno_error(operation, errno);
  }
  const Fd root(fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
  if (!root) throw errno_error(operation, errno);
  Fd directory(openat(root.get(), ("class/net/" + interface).c_str(), O_DIRECTORY | O_CLOEXEC));
  if (!directory) throw errno_error(operation, errno);
  return directory;
}

}  // namespace

NapiSettings::NapiSettings(const std::string& interface, std::uint32_t defer_hard_irqs,
                           std::uint64_t gro_flush_timeout_ns)
    : interface_(interface),
      directory_(open_sysfs(interface)),
      saved_defer_hard_irqs_(read(kDeferHardIrqs)),
      saved_gro_flush_timeout_(read(kGroFlushTimeout)) {
  write(kDeferHardIrqs, std::to_string(defer_hard_irqs));
  try {
    write(kGroFlushTimeout, std::to_string(gro_flush_timeout_ns));
  } catch (const Error&) {
    write(kDeferHardIrqs, saved_defer_hard_irqs_);
    throw;
  }
}

NapiSettings::~NapiSettings() {
  try {
    write(kDeferHardIrqs, saved_defer_hard_irqs_);
    write(kGroFlushTimeout, saved_gro_flush_timeout_);
  } catch (const Error& error) {
    log_debug("{}", error.what());  // the interface has gone, and its settings with it
  }
}

std::string NapiSettings::read(const char* setting) const {
  const Fd file(openat(directory_.get(), setting, O_RDONLY | O_CLOEXEC));
  std::array<char, 32> text{};
  const ssize_t length = file ? ::read(file.get(), text.data(), text.size()) : -1;
  if (length <= 0) {
    throw errno_error(fmt::format("cannot read {} of {}", setting, interface_), errno);
  }
  return {text.data(), static_cast<std::size_t>(length)};
}

void NapiSettings::write(const char* setting, const std::string& value) const {
  const Fd file(openat(directory_.get(), setting, O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), value.data(), value.size()) < 0) {
    throw errno_error(fmt::format("cannot set {} of {}", setting, interface_), errno);
  }
}

}  // namespace afxfw
