#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "afxfw_abi.h"
#include "loading/rule_loader.h"
#include "worker/packet_record.h"
#include "xsk/xdp_program.h"
#include "xsk/xsk_socket.h"

namespace afxfw {

/// --reinject: where accepted packets go.
struct ReinjectOption {
  enum class Kind { kStack, kNone, kTx, kDevice };
  Kind kind = Kind::kStack;
  std::string device;  ///< for kDevice
};

/// Everything that Engine can be told.
struct EngineOptions {
  std::string interface = "eth0";
  std::optional<std::uint32_t> queues;  ///< nullopt: all that the interface has
  bool allow_unfiltered_queues = false;
  XdpModeRequest mode = XdpModeRequest::kAuto;
  ZeroCopy zero_copy = ZeroCopy::kAuto;
  afxfw_inline_policy inline_policy{};  ///< with its fallback

  RuleFiles rule_files;
  std::string state_file;  ///< what was changed at run time is kept there; "": nowhere

  ReinjectOption reinject;
  std::uint32_t fast_path_flows = 0;  ///< accepted flows that XDP passes, a family; 0: none
  std::uint32_t push_down = 0;        ///< blocked sources that XDP drops; 0: none
  std::vector<int> cpus;              ///< worker i runs on cpus[i % size]; empty: those allowed
  std::uint32_t batch = 64;
  std::uint32_t ring_size = 2048;  ///< RX and TX ring, entries; the fill ring has twice as many
  std::uint32_t frames = 8192;     ///< per queue
  bool busy_poll = false;
  std::chrono::microseconds coalesce{0};  ///< how long packets gather; 0: a worker spins

  PacketLogMode log_packets = PacketLogMode::kNone;
  std::uint32_t log_rate = 1000;  ///< lines a second at most; 0: no limit
};

}  // namespace afxfw
