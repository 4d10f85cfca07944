#pragma once

#include <string>

#include "util/fd.h"

namespace afxfw {

/// Held by the one afxfw that owns an interface of a network namespace: a file
/// in /run/afxfw, locked with flock, that names the owner's pid. The lock ends
/// with the process, however that ends.
class InstanceLock {
 public:
  /// Throws Error that names the holder when another process has it.
  explicit InstanceLock(const std::string& interface);
  ~InstanceLock();
  InstanceLock(const InstanceLock&) = delete;
  InstanceLock& operator=(const InstanceLock&) = delete;

 private:
  std::string path_;
  Fd file_;
};

}  // namespace afxfw
