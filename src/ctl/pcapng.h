#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Blocks of a pcapng file (draft-ietf-opsawg-pcapng), appended to a buffer. A file
/// consists of a section, its interfaces, then packets and statistics. Numbers are in
/// this machine's byte order, which the section tells; times are in nanoseconds since
/// 1970, UTC. Pure.
namespace afxfw::pcapng {

/// What a comment, a name or another text may have; more is cut off.
inline constexpr std::size_t kMaxTextBytes = 1024;

struct Section {
  std::string application{};
  std::string comment{};
};
void append(std::string& output, const Section& section);

/// Where packets come from; the first one of a section is number 0.
struct Interface {
  std::uint16_t link_type = 1;  ///< LINKTYPE_ETHERNET
  std::uint32_t snap_length = 0;
  std::string name{};
  std::string description{};
  std::string filter{};  ///< libpcap's language; "": none
};
void append(std::string& output, const Interface& interface);

struct Packet {
  std::uint32_t interface = 0;
  std::uint64_t time_ns = 0;
  std::string_view bytes{};
  std::uint32_t length_bytes = 0;  ///< on the wire: more than bytes if a snap length cut it
  std::uint32_t queue = 0;         ///< that it was received on
  std::string_view comment{};      ///< "": none
};
/// An Enhanced Packet Block that says: inbound.
void append(std::string& output, const Packet& packet);

/// What a capture has done on an interface.
struct Statistics {
  std::uint32_t interface = 0;
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  std::uint64_t received = 0;         ///< packets that were to be captured
  std::uint64_t dropped = 0;          ///< of these, those that the capture lost
  std::uint64_t filter_accepted = 0;  ///< of the rest
  std::uint64_t delivered = 0;        ///< of these, written
};
void append(std::string& output, const Statistics& statistics);

/// How many bytes of the first `bytes` of blocks are whole blocks. blocks: of functions
/// above.
[[nodiscard]] std::size_t whole_blocks(std::string_view blocks, std::size_t bytes) noexcept;

/// The interfaces of the packets among whole blocks, in their order.
[[nodiscard]] std::vector<std::uint32_t> packet_interfaces(std::string_view blocks);

}  // namespace afxfw::pcapng
