#pragma once

#include <string>
#include <vector>

#include "util/fd.h"
#include "xsk/link.h"

namespace afxfw {

/// Held by the one afxfw that owns an interface, whatever the interface is called
/// by now: a file in /run/afxfw, locked with flock, that names the owner's pid.
/// The lock ends with the process, however that ends; the file then tells the
/// next owner what the last one had changed and did not live to put back.
/// Needs Linux 5.14 (SO_NETNS_COOKIE).
class InstanceLock {
 public:
  /// Throws Error that names the holder when another process has it.
  explicit InstanceLock(const Link& link);
  ~InstanceLock();
  InstanceLock(const InstanceLock&) = delete;
  InstanceLock& operator=(const InstanceLock&) = delete;

  /// Writes down a change that outlives the process, one line, before it is made.
  void note(const std::string& change);

  /// What a killed owner had noted.
  [[nodiscard]] const std::vector<std::string>& left_behind() const noexcept {
    return left_behind_;
  }

 private:
  std::string path_;
  Fd file_;
  std::vector<std::string> left_behind_;
};

}  // namespace afxfw
