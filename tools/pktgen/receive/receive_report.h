#pragma once

#include <string>

#include "pktgen/options.h"
#include "pktgen/receive/receive.h"

namespace afxfw::pktgen {

/// A few lines for people; with a newline at the end.
[[nodiscard]] std::string format_text(const ReceiveOptions& options, const ReceiveResult& result);

/// One JSON object on one line, with a newline at the end; afxfw-pktgen(8) says
/// what is in it.
[[nodiscard]] std::string format_json(const ReceiveOptions& options, const ReceiveResult& result);

}  // namespace afxfw::pktgen
