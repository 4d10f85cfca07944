#include "pktgen/common_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "pktgen/bpf/stamp.h"
#include "util/cpu.h"

namespace afxfw::pktgen {

std::string read_interface(const Values& values) {
  const auto interface = values.text("iface");
  if (!interface || interface->empty()) {
    fail("iface", "required; 'ip link' lists the interfaces");
  }
  return *interface;
}

LogLevel read_log_level(const Values& values) {
  return values.choice<LogLevel, 4>("log-level", {{{"debug", LogLevel::kDebug},
                                                   {"info", LogLevel::kInfo},
                                                   {"warn", LogLevel::kWarn},
                                                   {"error", LogLevel::kError}}});
}

std::uint32_t read_flow_count(const Values& values) {
  const std::uint64_t flows = *values.parsed("flows", parse_scaled);
  if (flows == 0 || flows > PKTGEN_STAMP_MAX_FLOWS) {
    fail("flows", fmt::format("{} is not within 1 to {}", flows, PKTGEN_STAMP_MAX_FLOWS));
  }
  return static_cast<std::uint32_t>(flows);
}

std::vector<int> read_cpus(const Values& values) {
  std::vector<int> cpus;
  if (const auto list = values.text("cpus")) {
    cpus = parse_cpu_list(*list);
    std::vector<int> sorted = cpus;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
      fail("cpus", "a CPU is named twice; each thread needs its own");
    }
  }
  const std::size_t threads = values.has("threads") ? values.get<unsigned>("threads")
                                                    : std::max<std::size_t>(1, cpus.size());
  if (threads == 0) fail("threads", "at least one is needed");
  if (cpus.empty()) cpus = allowed_cpus();
  if (threads > cpus.size()) {
    fail("threads",
         fmt::format("{} threads need as many CPUs, there are {}", threads, cpus.size()));
  }
  cpus.resize(threads);
  return cpus;
}

}  // namespace afxfw::pktgen
