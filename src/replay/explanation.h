#pragma once

#include <string>

#include "replay/judge.h"
#include "replay/replay.h"

namespace afxfw {

/// For a person, a line without a newline: number, time (UTC), verdict, packet,
/// who decided and why.
///
///   12  2024-05-01 09:30:00.123456789  drop    tcp 198.51.100.7:4000 > 192.0.2.1:443  rule 3: …
[[nodiscard]] std::string explain(const JudgedPacket& packet, const Filter& filter);

/// The same as a line of JSON.
[[nodiscard]] std::string explain_json(const JudgedPacket& packet, const Filter& filter);

}  // namespace afxfw
