#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pktgen/option_values.h"
#include "util/log.h"

namespace afxfw::pktgen {

// Options that sending and receiving both have. All throw Error (kUsage).
[[nodiscard]] std::string read_interface(const Values& values);
[[nodiscard]] LogLevel read_log_level(const Values& values);
[[nodiscard]] std::uint32_t read_flow_count(const Values& values);
/// As many as there are threads.
[[nodiscard]] std::vector<int> read_cpus(const Values& values);

}  // namespace afxfw::pktgen
