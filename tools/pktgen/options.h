#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/prefix.h"
#include "pktgen/parse.h"
#include "util/log.h"

namespace afxfw::pktgen {

/// How frames reach the driver.
enum class Method {
  kAuto,  ///< live frames where the interface takes them, else AF_XDP
  kLive,  ///< BPF live frames (BPF_F_TEST_XDP_LIVE_FRAMES)
  kXsk,   ///< AF_XDP transmit
};

enum class Protocol { kUdp, kTcp, kIcmp };

enum class Order { kSequential, kRandom };

enum class Fragment {
  kNone,
  kFirst,  ///< the first of two fragments: with the L4 header
  kLater,  ///< the second: as much data again, no L4 header
};

/// What to send, from which the packets follow together with the interface's
/// own MAC address.
struct TrafficOptions {
  MacAddress destination_mac{};
  std::optional<MacAddress> source_mac;  ///< none: the interface's
  std::optional<std::uint16_t> vlan_id;  ///< 802.1Q, 0 to 4094
  Prefix source = Prefix::ipv4(0, 0);
  Prefix destination = Prefix::ipv4(0, 0);  ///< of the same family
  Protocol protocol = Protocol::kUdp;
  PortRange source_port;  ///< for ICMP: the echo identifier
  PortRange destination_port;
  std::uint8_t tcp_flags = 0;
  Fragment fragment = Fragment::kNone;
  std::uint32_t frame_bytes = 0;  ///< Ethernet frame without FCS; 0: the smallest possible
  Order order = Order::kRandom;
  std::uint64_t seed = 0;
  std::uint32_t flows = 0;  ///< distinct 5-tuples that take turns; 0: each packet has its own
  bool stamped = false;     ///< flow, number and time in the payload (bpf/stamp.h); needs flows
  std::uint8_t run = 0;     ///< in the stamps
  bool imix = false;        ///< three sizes in turn; frame_bytes is 0 then
};

/// A file to be sent instead of generated packets.
struct CaptureOptions {
  std::string path;                           ///< pcap or pcapng; "-": standard input
  std::optional<MacAddress> destination_mac;  ///< instead of the file's
  std::optional<MacAddress> source_mac;
  double speed = 1;         ///< times the file's own; 0: as fast as possible
  std::uint64_t loops = 1;  ///< times through the file
};

struct Options {
  std::string interface;
  TrafficOptions traffic;
  std::optional<CaptureOptions> capture;  ///< instead of `traffic`
  std::optional<std::uint64_t> count;     ///< frames; none: no limit
  std::optional<std::chrono::nanoseconds> duration;
  std::optional<std::uint64_t> rate;  ///< frames a second over all threads; none: no limit
  std::uint32_t burst = 0;            ///< with a rate, frames at once; 0: chosen by it
  std::vector<int> cpus;              ///< a sending thread on each
  Method method = Method::kAuto;
  std::uint32_t batch = 0;  ///< frames a kernel batch (live) or a TX doorbell (xsk)
  bool json = false;
  LogLevel log_level = LogLevel::kWarn;  ///< the least that is printed, on stderr
};

/// What to take from an interface (--receive).
struct ReceiveOptions {
  std::string interface;
  std::optional<std::uint64_t> count;  ///< packets the sender sends; none: unknown
  std::optional<std::chrono::nanoseconds> duration;
  std::optional<std::chrono::nanoseconds> idle_timeout;  ///< after the latest packet
  std::optional<std::uint32_t> flows;                    ///< that the sender has; none: unknown
  std::uint32_t listed_flows = 0;                        ///< in the report, worst first
  std::optional<int> cpu;                                ///< to be pinned to
  bool json = false;
  LogLevel log_level = LogLevel::kWarn;
};

/// Options to send or to receive, or a text that was asked for (--help, --version).
struct CommandLine {
  std::optional<Options> options;
  std::optional<ReceiveOptions> receive;
  std::string text;
};

/// Throws Error (kUsage) that names the option and what is wrong with it.
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace afxfw::pktgen
