#include "xsk/napi_settings.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <net/if.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"

namespace afxfw {

namespace {

constexpr const char* kDeferHardIrqs = "napi_defer_hard_irqs";
constexpr const char* kGroFlushTimeout = "gro_flush_timeout";

/// A sysfs of our own network namespace, attached nowhere: the one at /sys may
/// have been mounted in another namespace, where the same name is another
/// interface.
/// Returns the interface's directory in it.
Fd open_directory(const std::string& interface) {
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

std::uint64_t read_number(const Fd& directory, const char* setting, const std::string& interface) {
  const Fd file(openat(directory.get(), setting, O_RDONLY | O_CLOEXEC));
  std::array<char, 32> text{};
  const ssize_t length = file ? read(file.get(), text.data(), text.size() - 1) : -1;
  if (length <= 0) {
    throw errno_error(fmt::format("cannot read {} of {}", setting, interface), errno);
  }
  return std::strtoull(text.data(), nullptr, 10);
}

void write_number(const Fd& directory, const char* setting, std::uint64_t value,
                  const std::string& interface) {
  const Fd file(openat(directory.get(), setting, O_WRONLY | O_CLOEXEC));
  const std::string text = std::to_string(value);
  if (!file || write(file.get(), text.data(), text.size()) < 0) {
    throw errno_error(fmt::format("cannot set {} of {} to {}", setting, interface, value), errno);
  }
}

}  // namespace

NapiSettings read_napi_settings(const std::string& interface) {
  const Fd directory = open_directory(interface);
  return {read_number(directory, kDeferHardIrqs, interface),
          read_number(directory, kGroFlushTimeout, interface)};
}

void write_napi_settings(const std::string& interface, const NapiSettings& settings) {
  const Fd directory = open_directory(interface);
  write_number(directory, kDeferHardIrqs, settings.defer_hard_irqs, interface);
  write_number(directory, kGroFlushTimeout, settings.gro_flush_timeout_ns, interface);
}

NapiSettingsGuard::NapiSettingsGuard(const std::string& interface, const NapiSettings& settings)
    : ifindex_(if_nametoindex(interface.c_str())), saved_(read_napi_settings(interface)) {
  write_napi_settings(interface, settings);
}

NapiSettingsGuard::~NapiSettingsGuard() {
  std::array<char, IF_NAMESIZE> interface {};
  if (if_indextoname(ifindex_, interface.data()) == nullptr) return;  // gone, with its settings
  try {
    write_napi_settings(interface.data(), saved_);
  } catch (const Error& error) {
    log_debug("{}", error.what());
  }
}

}  // namespace afxfw
