#include "pipeline/flow_candidates.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace afxfw {
namespace {

constexpr std::size_t kIpv4Source = 12;  // in its header; all of the key follows
constexpr std::size_t kIpv6Source = 8;
constexpr std::uint32_t kFewestSlots = 1024;
constexpr std::uint32_t kCountMask = FlowCandidates::kPacketsBetween - 1;

std::uint64_t mix(std::uint64_t hash, std::uint64_t more) noexcept {
  constexpr std::uint64_t kGoldenRatio = 0x9e37'79b9'7f4a'7c15;
  hash = (hash ^ more) * kGoldenRatio;
  return hash ^ hash >> 32;
}

template <typename Key>
std::uint64_t hash_of(const Key& key, std::uint64_t value) noexcept {
  std::array<std::uint32_t, sizeof(Key) / sizeof(std::uint32_t)> words;
  static_assert(sizeof(words) == sizeof(Key));
  std::memcpy(words.data(), &key, sizeof(Key));
  std::uint64_t hash = value;
  for (const std::uint32_t word : words) hash = mix(hash, word);
  return hash;
}

}  // namespace

bool is_plain_flow(const PacketView& view) noexcept {
  constexpr std::uint16_t kPlainIpv4L4 = 14 + 20;
  constexpr std::uint16_t kPlainIpv6L4 = 14 + 40;
  return view.ok() && view.has_ports && view.fragment == Fragment::kNone && view.vlan_depth == 0 &&
         view.l4_offset == (view.version == 4 ? kPlainIpv4L4 : kPlainIpv6L4);
}

FlowCandidates::FlowCandidates(std::uint32_t flows)
    : seen_(std::bit_ceil(std::max(flows, kFewestSlots))) {}

bool FlowCandidates::is_due(std::uint64_t hash) noexcept {
  std::uint32_t& slot = seen_[hash & (seen_.size() - 1)];
  const auto flow = static_cast<std::uint32_t>(hash >> 32) & ~kCountMask;
  const std::uint32_t before = (slot & ~kCountMask) == flow ? slot & kCountMask : 0;
  slot = flow | ((before + 1) & kCountMask);
  return before == 1;
}

void FlowCandidates::count(const PacketView& packet, std::uint64_t generation) noexcept {
  // What the value says is part of the hash: under new rules a flow is a new one.
  const std::uint64_t value =
      afxfw_flow_value(generation, static_cast<std::uint8_t>(packet.protocol));
  const std::byte* ip = packet.frame + packet.l3_offset;
  if (packet.version == 4) {
    AcceptedFlow<afxfw_ipv4_flow>& next = ipv4_[ipv4_count_];
    std::memcpy(&next.key, ip + kIpv4Source, sizeof(next.key));
    next.value = value;
    if (is_due(hash_of(next.key, value))) ++ipv4_count_;
  } else {
    AcceptedFlow<afxfw_ipv6_flow>& next = ipv6_[ipv6_count_];
    std::memcpy(&next.key, ip + kIpv6Source, sizeof(next.key));
    next.value = value;
    if (is_due(hash_of(next.key, value))) ++ipv6_count_;
  }
}

}  // namespace afxfw
