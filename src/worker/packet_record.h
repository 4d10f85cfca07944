#pragma once

#include <boost/lockfree/spsc_queue.hpp>

#include <array>
#include <cstdint>
#include <string_view>

#include "net/packet_view.h"
#include "rules/nft_ast.h"
#include "rules/verdict.h"

namespace afxfw {

/// Which packets are logged.
enum class PacketLogMode { kNone, kDrop, kAccept, kAll };

[[nodiscard]] bool wants_log(PacketLogMode mode, Action action) noexcept;

/// One line of the packet log, as it travels from a worker to the logger.
/// version 0: not a well-formed IP packet, so that there are no addresses.
struct PacketRecord {
  Ipv6Bits source = 0;  ///< an IPv4 address in the low 32 bits
  Ipv6Bits destination = 0;
  std::uint32_t length_bytes = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint16_t queue_id = 0;
  std::uint16_t protocol = 0;  ///< as PacketView::protocol
  std::uint8_t version = 0;
  bool has_ports = false;
  Action action = Action::kAccept;
  DropReason reason = DropReason::kNone;
  /// Of the rule that logs it, a string that ends with a zero; "": --log-packets does.
  std::array<char, nft::kMaxLogPrefix + 1> prefix{};
};

/// prefix: of the rule that logs it, as much of it as fits.
[[nodiscard]] PacketRecord make_record(const PacketView& view, const Verdict& verdict,
                                       std::uint32_t queue_id, std::string_view prefix) noexcept;

/// From one worker to the logger thread: lock-free, bounded, never waited for.
using PacketRecordQueue = boost::lockfree::spsc_queue<PacketRecord>;

/// Records a queue holds: at 1 M packets/s, what comes in the logger's 10 ms
/// between two visits is more than any --log-rate will print.
inline constexpr std::size_t kPacketRecordQueueSize = 4096;

}  // namespace afxfw
