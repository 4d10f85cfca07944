#include "util/error.h"

#include <linux/capability.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <utility>

namespace afxfw {

namespace {

/// CAP_PERFMON: the verifier allows variable packet offsets only with it.
constexpr std::array<std::pair<int, const char*>, 5> kNeeded = {{{CAP_NET_ADMIN, "CAP_NET_ADMIN"},
                                                                 {CAP_NET_RAW, "CAP_NET_RAW"},
                                                                 {CAP_BPF, "CAP_BPF"},
                                                                 {CAP_PERFMON, "CAP_PERFMON"},
                                                                 {CAP_IPC_LOCK, "CAP_IPC_LOCK"}}};

/// The effective capabilities as proc(5) shows them; none if it doesn't.
std::uint64_t effective_capabilities() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != "CapEff:") continue;
    status >> word;
    return std::stoull(word, nullptr, 16);
  }
  return 0;
}

std::string missing_capabilities() {
  const std::uint64_t effective = effective_capabilities();
  std::string missing;
  for (const auto& [capability, capability_name] : kNeeded) {
    if ((effective >> capability & 1) != 0) continue;
    if (!missing.empty()) missing += ", ";
    missing += capability_name;
  }
  return missing;
}

}  // namespace

Error errno_error(const std::string& operation, int error_number, ExitCode code) {
  std::string text = operation + ": " + std::generic_category().message(error_number);
  if (error_number != EPERM && error_number != EACCES) return Error(text, code);
  const std::string missing = missing_capabilities();
  text += missing.empty() ? "; all needed capabilities are there, so that a container's or a "
                            "security module's policy must forbid it"
                          : "; run as root, or grant what is missing: " + missing;
  return Error(text, ExitCode::kPrivilege);
}

}  // namespace afxfw
