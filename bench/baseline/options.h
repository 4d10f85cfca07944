#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace afxfw::bench {

enum class Mode { kDrop, kRead, kVeth, kTap, kXdpDrop, kXdpTrie };

struct Options {
  Mode mode = Mode::kDrop;
  std::string mode_name;
  std::string interface;
  std::uint32_t queue_id = 0;
  int cpu = 0;
  std::uint32_t batch = 0;
  std::string blocklist;        ///< a plain list, for kXdpTrie
  bool pass_allowed = false;    ///< what kXdpTrie does with the rest
  double duration_s = 0;        ///< 0: until a signal
  double stats_interval_s = 0;  ///< 0: only at the end
};

/// nullopt: help was asked for. Throws Error (kUsage).
[[nodiscard]] std::optional<Options> parse_options(int argc, const char* const* argv);

[[nodiscard]] std::string help_text();

}  // namespace afxfw::bench
