#include "pktgen/receive/packet_tap.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>

#include "util/error.h"

namespace afxfw::pktgen {

namespace {

// 64 MiB: at some 200 bytes a frame, 0.3 s of a million frames a second.
constexpr std::uint32_t kBlockBytes = 1U << 20;
constexpr std::uint32_t kBlocks = 64;
constexpr std::size_t kRingBytes = std::size_t{kBlockBytes} * kBlocks;
// A block that is not full is handed over after this time.
constexpr std::uint32_t kBlockTimeoutMs = 10;
constexpr std::uint32_t kFrameBytes = 2048;
constexpr std::uint32_t kVlanBytes = 4;

}  // namespace

PacketTap::PacketTap(const std::string& interface, int ifindex, std::uint16_t ether_type,
                     std::uint32_t head_bytes)
    : interface_(interface), socket_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
  if (!socket_) {
    throw errno_error(fmt::format("{}: cannot open a packet socket (CAP_NET_RAW)", interface),
                      errno);
  }
  set_up(ether_type, ifindex, head_bytes);
}

void PacketTap::set_up(std::uint16_t ether_type, int ifindex, std::uint32_t head_bytes) {
  const int version = TPACKET_V3;
  set_option(PACKET_VERSION, &version, sizeof(version), "choose TPACKET_V3");
  const int yes = 1;
  set_option(PACKET_IGNORE_OUTGOING, &yes, sizeof(yes), "leave outgoing packets out");

  // A classic BPF filter's result is how much to keep.
  sock_filter keep_head = BPF_STMT(BPF_RET | BPF_K, head_bytes);
  const sock_fprog filter = {1, &keep_head};
  if (setsockopt(socket_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) != 0) {
    throw errno_error(fmt::format("{}: cannot cut frames in a packet socket", interface_), errno);
  }

  tpacket_req3 request{};
  request.tp_block_size = kBlockBytes;
  request.tp_block_nr = kBlocks;
  request.tp_frame_size = kFrameBytes;
  request.tp_frame_nr = kBlockBytes / kFrameBytes * kBlocks;
  request.tp_retire_blk_tov = kBlockTimeoutMs;
  set_option(PACKET_RX_RING, &request, sizeof(request), "make a ring of 64 MiB");
  void* const ring =
      mmap(nullptr, kRingBytes, PROT_READ | PROT_WRITE, MAP_SHARED, socket_.get(), 0);
  if (ring == MAP_FAILED) {
    throw errno_error(fmt::format("{}: cannot map a packet socket's ring", interface_), errno);
  }
  ring_ = static_cast<std::byte*>(ring);

  // Only now does it receive: nothing from other interfaces gets in.
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ether_type);
  address.sll_ifindex = ifindex;
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int error = errno;
    munmap(ring_, kRingBytes);
    throw errno_error(fmt::format("{}: cannot receive from it", interface_), error);
  }
}

PacketTap::~PacketTap() { munmap(ring_, kRingBytes); }

void PacketTap::set_option(int option, const void* value, unsigned length, const char* what) {
  if (setsockopt(socket_.get(), SOL_PACKET, option, value, length) != 0) {
    throw errno_error(fmt::format("{}: a packet socket cannot {}", interface_, what), errno);
  }
}

const tpacket_block_desc* PacketTap::ready_block() const noexcept {
  auto* block = reinterpret_cast<tpacket_block_desc*>(ring_ + std::size_t{block_} * kBlockBytes);
  // Acquire: the frames were written before the status.
  const std::uint32_t status =
      std::atomic_ref(block->hdr.bh1.block_status).load(std::memory_order_acquire);
  return (status & TP_STATUS_USER) != 0 ? block : nullptr;
}

void PacketTap::release_block() noexcept {
  auto* block = reinterpret_cast<tpacket_block_desc*>(ring_ + std::size_t{block_} * kBlockBytes);
  // Release: the frames have been read before the kernel may write again.
  std::atomic_ref(block->hdr.bh1.block_status).store(TP_STATUS_KERNEL, std::memory_order_release);
  block_ = (block_ + 1) % kBlocks;
}

TappedFrame PacketTap::frame_of(const tpacket3_hdr& header) noexcept {
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  TappedFrame frame;
  frame.head = {reinterpret_cast<const std::byte*>(&header) + header.tp_mac, header.tp_snaplen};
  frame.frame_bytes = header.tp_len;
  if ((header.tp_status & TP_STATUS_VLAN_VALID) != 0) frame.frame_bytes += kVlanBytes;
  frame.arrival_ns = header.tp_sec * kNanosecondsPerSecond + header.tp_nsec;
  return frame;
}

std::uint64_t PacketTap::take_dropped() {
  tpacket_stats_v3 statistics{};
  socklen_t length = sizeof(statistics);
  if (getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &length) != 0) {
    throw errno_error(fmt::format("{}: cannot read a packet socket's counters", interface_), errno);
  }
  return statistics.tp_drops;
}

}  // namespace afxfw::pktgen
