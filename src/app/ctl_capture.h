#pragma once

#include <functional>

#include "ctl/capture.h"
#include "ctl/connection.h"
#include "util/error.h"

namespace afxfw {

/// `afxfwctl capture`, until SIGINT, SIGTERM or SIGHUP, of which a second one ends the
/// program at once. What came of it goes to standard error. connect: called when the
/// options are known to be right. Throws Error.
[[nodiscard]] ExitCode capture(const std::function<ControlConnection()>& connect,
                               const CaptureOptions& options);

}  // namespace afxfw
