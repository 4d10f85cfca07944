#pragma once

#include <string>

#include "util/fd.h"
#include "xsk/link.h"

namespace afxfw {

/// An XDP program that passes every packet to the host's stack, for an interface
/// that is only sent to. Drivers send without copies only where an XDP program
/// is attached (Intel's), or turn off only then the offloads by which a received
/// packet is unfinished or does not fit a frame (virtio_net). Attached natively,
/// until this goes or the process ends, however it does.
class PassProgram {
 public:
  /// Needs CAP_NET_ADMIN and CAP_BPF. Never throws for the driver's refusal: see
  /// refusal(). A program that somebody else has attached natively does as well.
  explicit PassProgram(const Link& link);

  /// Why there is none on the interface, "" if there is.
  [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }

 private:
  Fd attachment_;  // a BPF link
  std::string refusal_;
};

}  // namespace afxfw
