#pragma once

#include <string>

#include "util/fd.h"
#include "xsk/link.h"

namespace afxfw::bench {

/// A TAP interface, up, with the MAC address of `link`, so that frames for it
/// are the host's own. It is gone when the descriptor is closed. Each frame
/// written arrives at the host's stack. Needs CAP_NET_ADMIN and /dev/net/tun.
/// Throws Error.
[[nodiscard]] Fd open_tap(const std::string& name, const Link& link);

}  // namespace afxfw::bench
