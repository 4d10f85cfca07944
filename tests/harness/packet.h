#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/bytes.h"

/// Packets by name, for every test:
///
///   Packet p = Ethernet{} / Vlan{.id = 5} / Ipv4{.source = "198.51.100.7"} /
///              Tcp{.destination_port = 443} / Payload(100);
///   Bytes frame = p.bytes();
///
/// What follows from the other layers (EtherTypes, protocols, lengths,
/// checksums) is filled in when it is left unset, so a test says only what it is
/// about, and a packet is made wrong by setting one field. Everything is in host
/// byte order. The code here is independent of src/net on purpose.
namespace afxfw::test {

struct Ethernet {
  MacAddress source = "02:00:00:00:00:01";
  MacAddress destination = "02:00:00:00:00:02";
  std::optional<std::uint16_t> type{};  ///< unset, before a Payload: 0x88b5 (experiments)
};

struct Vlan {
  std::uint16_t id = 1;
  std::uint8_t priority = 0;
  std::uint16_t tag = 0x8100;  ///< or 0x88a8; the EtherType that announces this tag
  std::optional<std::uint16_t> type{};
};

struct Arp {
  std::uint16_t operation = 1;
  MacAddress sender_mac = "02:00:00:00:00:01";
  Ipv4Address sender = "198.51.100.1";
  MacAddress target_mac = "00:00:00:00:00:00";
  Ipv4Address target = "192.0.2.1";
};

struct Ipv4 {
  Ipv4Address source = "198.51.100.1";
  Ipv4Address destination = "192.0.2.1";
  std::uint8_t version = 4;
  std::optional<std::uint8_t> header_words{};  ///< IHL
  std::uint8_t type_of_service = 0;
  std::optional<std::uint16_t> total_length{};
  std::uint16_t identification = 1;
  bool dont_fragment = false;
  bool more_fragments = false;
  std::uint16_t fragment_offset = 0;  ///< in units of 8 bytes
  std::uint8_t ttl = 64;
  std::optional<std::uint8_t> protocol{};  ///< unset, before a Payload: 253 (experiments)
  std::optional<std::uint16_t> checksum{};
  Bytes options{};  ///< padded to 4 bytes
};

struct Ipv6 {
  Ipv6Address source = "2001:db8::1";
  Ipv6Address destination = "2001:db8:1::1";
  std::uint8_t version = 6;
  std::uint8_t traffic_class = 0;
  std::uint32_t flow_label = 0;
  std::optional<std::uint16_t> payload_length{};
  std::optional<std::uint8_t> next_header{};  ///< unset, at the end: 59 (none)
  std::uint8_t hop_limit = 64;
};

/// IPv6 extension headers. `options`: what follows the first two bytes, padded
/// with zeros to the header's unit. `length`: the length field, as on the wire.
struct HopByHop {
  Bytes options{};
  std::optional<std::uint8_t> length{};
  std::optional<std::uint8_t> next_header{};
};

struct DestinationOptions {
  Bytes options{};
  std::optional<std::uint8_t> length{};
  std::optional<std::uint8_t> next_header{};
};

struct Routing {
  std::uint8_t type = 4;
  std::uint8_t segments_left = 0;
  Bytes data{};
  std::optional<std::uint8_t> length{};
  std::optional<std::uint8_t> next_header{};
};

struct FragmentHeader {
  std::uint16_t offset = 0;  ///< in units of 8 bytes
  bool more_fragments = false;
  std::uint32_t identification = 1;
  std::uint8_t reserved = 0;
  std::optional<std::uint8_t> next_header{};
};

/// RFC 4302; also after IPv4.
struct Authentication {
  std::uint32_t security_parameters = 1;
  std::uint32_t sequence = 1;
  Bytes check_value = Bytes(12);
  std::optional<std::uint8_t> length{};
  std::optional<std::uint8_t> next_header{};
};

struct Tcp {
  std::uint16_t source_port = 40000;
  std::uint16_t destination_port = 8080;
  std::uint32_t sequence = 1;
  std::uint32_t acknowledgement = 0;
  std::optional<std::uint8_t> header_words{};  ///< data offset
  std::uint8_t flags = 0x02;                   ///< SYN
  std::uint16_t window = 65535;
  std::optional<std::uint16_t> checksum{};
  std::uint16_t urgent = 0;
  Bytes options{};  ///< padded to 4 bytes
};

struct Udp {
  std::uint16_t source_port = 40000;
  std::uint16_t destination_port = 53;
  std::optional<std::uint16_t> length{};
  std::optional<std::uint16_t> checksum{};
};

struct Icmp {
  std::uint8_t type = 8;  ///< echo request
  std::uint8_t code = 0;
  std::optional<std::uint16_t> checksum{};
  std::uint32_t rest = 0x00010001;
};

struct Icmpv6 {
  std::uint8_t type = 128;  ///< echo request
  std::uint8_t code = 0;
  std::optional<std::uint16_t> checksum{};
  std::uint32_t rest = 0x00010001;
};

/// Raw bytes, in any place.
struct Payload {
  explicit Payload(std::size_t size);  ///< 0, 1, 2, ...
  explicit Payload(Bytes content) : bytes(std::move(content)) {}
  explicit Payload(std::string_view text);

  Bytes bytes;
};

using AnyLayer =
    std::variant<Ethernet, Vlan, Arp, Ipv4, Ipv6, HopByHop, DestinationOptions, Routing,
                 FragmentHeader, Authentication, Tcp, Udp, Icmp, Icmpv6, Payload>;

/// One of them. All out of line, for the compilers' sake.
class Layer {
 public:
  template <typename T>
  requires std::constructible_from<AnyLayer, const T&> Layer(const T& layer);
  Layer(const Layer&);
  Layer(Layer&&) noexcept;
  Layer& operator=(const Layer&);
  Layer& operator=(Layer&&) noexcept;
  ~Layer();

  [[nodiscard]] const AnyLayer& get() const noexcept { return layer_; }

 private:
  AnyLayer layer_;
};

/// Layers, outermost first, in any order and depth.
class Packet {
 public:
  Packet();
  explicit Packet(Layer first);
  Packet(const Packet&);
  Packet(Packet&&) noexcept;
  Packet& operator=(const Packet&);
  Packet& operator=(Packet&&) noexcept;
  ~Packet();

  Packet& operator/=(Layer next);

  /// As on the wire, without Ethernet's padding and FCS.
  [[nodiscard]] Bytes bytes() const;

  [[nodiscard]] const std::vector<Layer>& layers() const noexcept { return layers_; }

 private:
  std::vector<Layer> layers_;
};

[[nodiscard]] Packet operator/(const Layer& outer, const Layer& inner);
[[nodiscard]] Packet operator/(Packet packet, const Layer& next);

/// The fragments of a packet, in order, each with up to `size` bytes (a multiple
/// of 8) of what follows the IP header, or, in IPv6, the hop-by-hop and routing
/// headers. Throws std::invalid_argument if it has no IP layer.
[[nodiscard]] std::vector<Packet> fragments(const Packet& packet, std::size_t size);

}  // namespace afxfw::test
