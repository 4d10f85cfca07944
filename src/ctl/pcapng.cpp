#include "ctl/pcapng.h"

#include <array>
#include <cstring>

namespace afxfw::pcapng {

namespace {

// Block types, and codes of their options, as the specification numbers them.
constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kInterfaceStatistics = 5;
constexpr std::uint32_t kEnhancedPacket = 6;

constexpr std::uint16_t kComment = 1;
constexpr std::uint16_t kSectionApplication = 4;
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::uint16_t kInterfaceDescriptionText = 3;
constexpr std::uint16_t kInterfaceTimeResolution = 9;
constexpr std::uint16_t kInterfaceFilter = 11;
constexpr std::uint16_t kPacketFlags = 2;
constexpr std::uint16_t kPacketQueue = 6;
constexpr std::uint16_t kStatisticsStart = 2;
constexpr std::uint16_t kStatisticsEnd = 3;
constexpr std::uint16_t kStatisticsReceived = 4;
constexpr std::uint16_t kStatisticsDropped = 5;
constexpr std::uint16_t kStatisticsFilterAccepted = 6;
constexpr std::uint16_t kStatisticsDelivered = 8;

constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
/// Of a section whose length is not told.
constexpr std::uint64_t kUnknownLength = ~std::uint64_t{0};
/// A power of ten: nanoseconds.
constexpr char kNanoseconds = 9;
/// In front of a filter: that it is text of libpcap's language.
constexpr char kFilterIsText = 0;
constexpr std::uint32_t kInbound = 1;

/// Its type, its length, and its length once more.
constexpr std::size_t kSmallestBlock = 12;

template <typename Number>
Number read(std::string_view bytes, std::size_t at) noexcept {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}

/// A block from its type to its second length, which the destructor fills in.
class Block {
 public:
  Block(std::string& output, std::uint32_t type) : output_(output), begin_(output.size()) {
    add(type);
    add(std::uint32_t{0});
  }
  ~Block() {
    const auto length = static_cast<std::uint32_t>(output_.size() - begin_ + sizeof(std::uint32_t));
    std::memcpy(output_.data() + begin_ + sizeof(std::uint32_t), &length, sizeof(length));
    add(length);
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  template <typename Number>
  void add(Number number) {
    output_.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }

  /// Times of blocks have their halves swapped, whatever the byte order.
  void add_time(std::uint64_t time_ns) {
    add(static_cast<std::uint32_t>(time_ns >> 32U));
    add(static_cast<std::uint32_t>(time_ns));
  }

  void add_padded(std::string_view bytes) {
    constexpr std::size_t kAlignment = 4;
    output_ += bytes;
    output_.append((kAlignment - bytes.size() % kAlignment) % kAlignment, '\0');
  }

  void add_option(std::uint16_t code, std::string_view value) {
    add(code);
    add(static_cast<std::uint16_t>(value.size()));
    add_padded(value);
    has_options_ = true;
  }

  template <typename Number>
  void add_number(std::uint16_t code, Number number) {
    add_option(code, {reinterpret_cast<const char*>(&number), sizeof(number)});
  }

  void add_time_option(std::uint16_t code, std::uint64_t time_ns) {
    const std::array<std::uint32_t, 2> halves = {static_cast<std::uint32_t>(time_ns >> 32U),
                                                 static_cast<std::uint32_t>(time_ns)};
    add_number(code, halves);
  }

  void add_text(std::uint16_t code, std::string_view text) {
    if (!text.empty()) add_option(code, text.substr(0, kMaxTextBytes));
  }

  void end_options() {
    if (has_options_) add(std::uint32_t{0});
  }

 private:
  std::string& output_;
  std::size_t begin_;
  bool has_options_ = false;
};

}  // namespace

void append(std::string& output, const Section& section) {
  Block block(output, kSectionHeader);
  block.add(kByteOrderMagic);
  block.add(std::uint16_t{1});  // version 1.0
  block.add(std::uint16_t{0});
  block.add(kUnknownLength);
  block.add_text(kComment, section.comment);
  block.add_text(kSectionApplication, section.application);
  block.end_options();
}

void append(std::string& output, const Interface& interface) {
  Block block(output, kInterfaceDescription);
  block.add(interface.link_type);
  block.add(std::uint16_t{0});
  block.add(interface.snap_length);
  block.add_text(kInterfaceName, interface.name);
  block.add_text(kInterfaceDescriptionText, interface.description);
  block.add_option(kInterfaceTimeResolution, {&kNanoseconds, 1});
  if (!interface.filter.empty()) {
    block.add_option(kInterfaceFilter, kFilterIsText + interface.filter.substr(0, kMaxTextBytes));
  }
  block.end_options();
}

void append(std::string& output, const Packet& packet) {
  Block block(output, kEnhancedPacket);
  block.add(packet.interface);
  block.add_time(packet.time_ns);
  block.add(static_cast<std::uint32_t>(packet.bytes.size()));
  block.add(packet.length_bytes);
  block.add_padded(packet.bytes);
  block.add_text(kComment, packet.comment);
  block.add_number(kPacketFlags, kInbound);
  block.add_number(kPacketQueue, packet.queue);
  block.end_options();
}

void append(std::string& output, const Statistics& statistics) {
  Block block(output, kInterfaceStatistics);
  block.add(statistics.interface);
  block.add_time(statistics.end_ns);
  block.add_time_option(kStatisticsStart, statistics.start_ns);
  block.add_time_option(kStatisticsEnd, statistics.end_ns);
  block.add_number(kStatisticsReceived, statistics.received);
  block.add_number(kStatisticsDropped, statistics.dropped);
  block.add_number(kStatisticsFilterAccepted, statistics.filter_accepted);
  block.add_number(kStatisticsDelivered, statistics.delivered);
  block.end_options();
}

std::size_t whole_blocks(std::string_view blocks, std::size_t bytes) noexcept {
  std::size_t done = 0;
  while (bytes - done >= kSmallestBlock) {
    const auto length = read<std::uint32_t>(blocks, done + sizeof(std::uint32_t));
    if (length > bytes - done) break;
    done += length;
  }
  return done;
}

std::vector<std::uint32_t> packet_interfaces(std::string_view blocks) {
  std::vector<std::uint32_t> interfaces;
  for (std::size_t at = 0; at < blocks.size();
       at += read<std::uint32_t>(blocks, at + sizeof(std::uint32_t))) {
    if (read<std::uint32_t>(blocks, at) != kEnhancedPacket) continue;
    interfaces.push_back(read<std::uint32_t>(blocks, at + 2 * sizeof(std::uint32_t)));
  }
  return interfaces;
}

}  // namespace afxfw::pcapng
