#pragma once

#include "pktgen/option_values.h"
#include "pktgen/options.h"

namespace afxfw::pktgen {

/// Of a command line with --receive. Throws Error (kUsage), also for options that
/// are for sending.
[[nodiscard]] ReceiveOptions read_receive_options(const Values& values);

}  // namespace afxfw::pktgen
