#pragma once

#include <cstdint>

namespace afxfw {

/// Stands for no rule where boxes are looked up; no box has it.
inline constexpr std::uint32_t kNoBoxRule = 0xffff'ffff;

/// What a packet is classified by: a point in five dimensions, in host byte order. Without
/// default values, since whole arrays of them are made for each batch.
struct BoxKey {
  /// IPv4 addresses; for IPv6, ranks that keep the addresses' order.
  std::uint32_t source;
  std::uint32_t destination;
  std::uint16_t source_port;
  std::uint16_t destination_port;
  std::uint16_t protocol;
  std::uint16_t unused = 0;
};

/// The keys that a rule is for: a range in each dimension, both ends included.
struct Box {
  std::uint32_t source_low = 0;
  std::uint32_t source_high = 0xffff'ffff;
  std::uint32_t destination_low = 0;
  std::uint32_t destination_high = 0xffff'ffff;
  std::uint16_t source_port_low = 0;
  std::uint16_t source_port_high = 0xffff;
  std::uint16_t destination_port_low = 0;
  std::uint16_t destination_port_high = 0xffff;
  std::uint16_t protocol_low = 0;
  std::uint16_t protocol_high = 0xffff;
  std::uint32_t rule = 0;
};

/// A dimension's place in arrays.
enum BoxDimension : std::uint32_t {
  kSource,
  kDestination,
  kSourcePort,
  kDestinationPort,
  kProtocol,
  kBoxDimensions
};

}  // namespace afxfw
