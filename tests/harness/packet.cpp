#include "harness/packet.h"

#include <netinet/in.h>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <type_traits>

namespace afxfw::test {
namespace {

constexpr std::uint16_t kExperimentalEtherType = 0x88b5;
constexpr std::uint8_t kExperimentalProtocol = 253;

template <typename T>
bool is(const Layer* layer) {
  return layer != nullptr && std::holds_alternative<T>(layer->get());
}

template <typename T>
const T& as(const Layer& layer) {
  return std::get<T>(layer.get());
}

unsigned ether_type_of(const Layer* next) {
  if (is<Vlan>(next)) return as<Vlan>(*next).tag;
  if (is<Arp>(next)) return 0x0806;
  if (is<Ipv4>(next)) return 0x0800;
  if (is<Ipv6>(next)) return 0x86dd;
  return kExperimentalEtherType;
}

unsigned protocol_of(const Layer* next) {
  if (next == nullptr) return IPPROTO_NONE;
  if (is<Ipv4>(next)) return IPPROTO_IPIP;
  if (is<Ipv6>(next)) return IPPROTO_IPV6;
  if (is<HopByHop>(next)) return IPPROTO_HOPOPTS;
  if (is<DestinationOptions>(next)) return IPPROTO_DSTOPTS;
  if (is<Routing>(next)) return IPPROTO_ROUTING;
  if (is<FragmentHeader>(next)) return IPPROTO_FRAGMENT;
  if (is<Authentication>(next)) return IPPROTO_AH;
  if (is<Tcp>(next)) return IPPROTO_TCP;
  if (is<Udp>(next)) return IPPROTO_UDP;
  if (is<Icmp>(next)) return IPPROTO_ICMP;
  if (is<Icmpv6>(next)) return IPPROTO_ICMPV6;
  return kExperimentalProtocol;
}

/// Serialises one layer; what it encloses is done already.
struct Serializer {
  const Layer* next;  ///< the layer inside, or null
  const Layer* ip;    ///< the IP layer outside, or null
  const Bytes& inner;

  [[nodiscard]] unsigned next_protocol(std::optional<std::uint8_t> set) const {
    return set.value_or(static_cast<std::uint8_t>(protocol_of(next)));
  }

  /// Of an upper header with a zero checksum field, and what it encloses.
  [[nodiscard]] unsigned upper_checksum(const Writer& header, unsigned protocol) const {
    Writer all;
    const std::size_t length = header.size() + inner.size();
    if (is<Ipv4>(ip)) {
      const Ipv4& v4 = as<Ipv4>(*ip);
      all.raw(v4.source.bytes).raw(v4.destination.bytes);
    } else if (is<Ipv6>(ip)) {
      const Ipv6& v6 = as<Ipv6>(*ip);
      all.raw(v6.source.bytes).raw(v6.destination.bytes);
    }
    if (ip != nullptr) all.u32(static_cast<std::uint32_t>(length)).u32(protocol);
    return naive_checksum(all.raw(header.bytes()).raw(inner).bytes());
  }

  Bytes operator()(const Ethernet& l) const {
    Writer w;
    w.raw(l.destination.bytes).raw(l.source.bytes);
    return w.u16(l.type.value_or(static_cast<std::uint16_t>(ether_type_of(next)))).bytes();
  }

  Bytes operator()(const Vlan& l) const {
    Writer w;
    w.u16(static_cast<unsigned>(l.priority) << 13 | l.id);
    return w.u16(l.type.value_or(static_cast<std::uint16_t>(ether_type_of(next)))).bytes();
  }

  Bytes operator()(const Arp& l) const {
    Writer w;
    w.u16(1).u16(0x0800).u8(6).u8(4).u16(l.operation);
    w.raw(l.sender_mac.bytes).raw(l.sender.bytes);
    return w.raw(l.target_mac.bytes).raw(l.target.bytes).bytes();
  }

  Bytes operator()(const Ipv4& l) const {
    Writer options;
    options.raw(l.options).pad_to_multiple_of(4);
    const std::size_t header_length = 20 + options.size();
    const unsigned words = l.header_words.value_or(static_cast<std::uint8_t>(header_length / 4));
    Writer w;
    w.u8(static_cast<unsigned>(l.version) << 4 | words).u8(l.type_of_service);
    w.u16(l.total_length.value_or(static_cast<std::uint16_t>(header_length + inner.size())));
    w.u16(l.identification);
    w.u16(l.fragment_offset | (l.dont_fragment ? 0x4000 : 0) | (l.more_fragments ? 0x2000 : 0));
    w.u8(l.ttl).u8(l.protocol        ? *l.protocol
                   : next == nullptr ? kExperimentalProtocol
                                     : protocol_of(next));
    w.u16(l.checksum.value_or(0));
    w.raw(l.source.bytes).raw(l.destination.bytes).raw(options.bytes());
    if (!l.checksum) w.set_u16(10, naive_checksum(w.bytes()));
    return w.bytes();
  }

  Bytes operator()(const Ipv6& l) const {
    Writer w;
    w.u32(static_cast<std::uint32_t>(l.version) << 28 |
          static_cast<std::uint32_t>(l.traffic_class) << 20 | l.flow_label);
    w.u16(l.payload_length.value_or(static_cast<std::uint16_t>(inner.size())));
    w.u8(next_protocol(l.next_header)).u8(l.hop_limit);
    return w.raw(l.source.bytes).raw(l.destination.bytes).bytes();
  }

  /// Length fields count whole units beyond the first eight bytes.
  [[nodiscard]] Bytes extension(const Writer& content, std::optional<std::uint8_t> set_length,
                                std::optional<std::uint8_t> set_next, std::size_t unit) const {
    Writer padding;
    padding.u16(0).raw(content.bytes()).pad_to_multiple_of(8);
    const std::size_t length = (padding.size() - 8) / unit;
    Writer w;
    w.u8(next_protocol(set_next)).u8(set_length.value_or(static_cast<std::uint8_t>(length)));
    return w.raw(std::span(padding.bytes()).subspan(2)).bytes();
  }
  Bytes operator()(const HopByHop& l) const {
    return extension(Writer().raw(l.options), l.length, l.next_header, 8);
  }
  Bytes operator()(const DestinationOptions& l) const {
    return extension(Writer().raw(l.options), l.length, l.next_header, 8);
  }
  Bytes operator()(const Routing& l) const {
    return extension(Writer().u8(l.type).u8(l.segments_left).raw(l.data), l.length, l.next_header,
                     8);
  }
  Bytes operator()(const Authentication& l) const {
    const Writer content =
        Writer().u16(0).u32(l.security_parameters).u32(l.sequence).raw(l.check_value);
    return extension(content, l.length, l.next_header, 4);
  }

  Bytes operator()(const FragmentHeader& l) const {
    Writer w;
    w.u8(next_protocol(l.next_header)).u8(l.reserved);
    w.u16(static_cast<unsigned>(l.offset) << 3 | (l.more_fragments ? 1 : 0));
    return w.u32(l.identification).bytes();
  }

  Bytes operator()(const Tcp& l) const {
    Writer options;
    options.raw(l.options).pad_to_multiple_of(4);
    const unsigned words =
        l.header_words.value_or(static_cast<std::uint8_t>((20 + options.size()) / 4));
    Writer w;
    w.u16(l.source_port).u16(l.destination_port).u32(l.sequence).u32(l.acknowledgement);
    w.u8(words << 4).u8(l.flags).u16(l.window).u16(l.checksum.value_or(0)).u16(l.urgent);
    w.raw(options.bytes());
    if (!l.checksum) w.set_u16(16, upper_checksum(w, IPPROTO_TCP));
    return w.bytes();
  }

  Bytes operator()(const Udp& l) const {
    Writer w;
    w.u16(l.source_port).u16(l.destination_port);
    w.u16(l.length.value_or(static_cast<std::uint16_t>(8 + inner.size())));
    w.u16(l.checksum.value_or(0));
    if (!l.checksum) {
      const unsigned checksum = upper_checksum(w, IPPROTO_UDP);
      w.set_u16(6, checksum == 0 ? 0xffff : checksum);
    }
    return w.bytes();
  }

  Bytes operator()(const Icmp& l) const {
    Writer w;
    w.u8(l.type).u8(l.code).u16(l.checksum.value_or(0)).u32(l.rest);
    if (!l.checksum) w.set_u16(2, naive_checksum(Writer().raw(w.bytes()).raw(inner).bytes()));
    return w.bytes();
  }

  Bytes operator()(const Icmpv6& l) const {
    Writer w;
    w.u8(l.type).u8(l.code).u16(l.checksum.value_or(0)).u32(l.rest);
    if (!l.checksum) w.set_u16(2, upper_checksum(w, IPPROTO_ICMPV6));
    return w.bytes();
  }

  Bytes operator()(const Payload& l) const { return l.bytes; }
};

/// The layers from `first` on; `ip`: the IP layer outside of them, or null.
Bytes serialize(std::span<const Layer> layers, const Layer* ip) {
  if (layers.empty()) return {};
  const Layer& outer = layers.front();
  const std::span<const Layer> rest = layers.subspan(1);
  const bool is_ip = is<Ipv4>(&outer) || is<Ipv6>(&outer);
  const Bytes inner = serialize(rest, is_ip ? &outer : ip);
  const Layer* next = rest.empty() ? nullptr : &rest.front();
  Bytes all = std::visit(Serializer{next, ip, inner}, outer.get());
  all.insert(all.end(), inner.begin(), inner.end());
  return all;
}

}  // namespace

Payload::Payload(std::size_t size) : bytes(size) {
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i & 0xff);
}

Payload::Payload(std::string_view text) : bytes(text.size()) {
  std::transform(text.begin(), text.end(), bytes.begin(),
                 [](char c) { return static_cast<std::byte>(c); });
}

template <typename T>
requires std::constructible_from<AnyLayer, const T&> Layer::Layer(const T& layer) : layer_(layer) {}

template Layer::Layer(const Ethernet&);
template Layer::Layer(const Vlan&);
template Layer::Layer(const Arp&);
template Layer::Layer(const Ipv4&);
template Layer::Layer(const Ipv6&);
template Layer::Layer(const HopByHop&);
template Layer::Layer(const DestinationOptions&);
template Layer::Layer(const Routing&);
template Layer::Layer(const FragmentHeader&);
template Layer::Layer(const Authentication&);
template Layer::Layer(const Tcp&);
template Layer::Layer(const Udp&);
template Layer::Layer(const Icmp&);
template Layer::Layer(const Icmpv6&);
template Layer::Layer(const Payload&);

Layer::Layer(const Layer&) = default;
Layer::Layer(Layer&&) noexcept = default;
Layer& Layer::operator=(const Layer&) = default;
Layer& Layer::operator=(Layer&&) noexcept = default;
Layer::~Layer() = default;

Packet::Packet() = default;
Packet::Packet(Layer first) { layers_.push_back(std::move(first)); }
Packet::Packet(const Packet&) = default;
Packet::Packet(Packet&&) noexcept = default;
Packet& Packet::operator=(const Packet&) = default;
Packet& Packet::operator=(Packet&&) noexcept = default;
Packet::~Packet() = default;

Packet& Packet::operator/=(Layer next) {
  layers_.push_back(std::move(next));
  return *this;
}

Packet operator/(const Layer& outer, const Layer& inner) {
  Packet packet(outer);
  packet /= inner;
  return packet;
}

Packet operator/(Packet packet, const Layer& next) {
  packet /= next;
  return packet;
}

Bytes Packet::bytes() const { return serialize(layers_, nullptr); }

std::vector<Packet> fragments(const Packet& packet, std::size_t size) {
  const std::vector<Layer>& layers = packet.layers();
  const auto ip = std::find_if(layers.begin(), layers.end(),
                               [](const Layer& l) { return is<Ipv4>(&l) || is<Ipv6>(&l); });
  if (ip == layers.end() || size == 0 || size % 8 != 0) {
    throw std::invalid_argument("fragments: no IP layer, or not a multiple of 8 bytes");
  }
  const bool v4 = is<Ipv4>(&*ip);
  auto cut = ip + 1;
  while (cut != layers.end() && (is<HopByHop>(&*cut) || is<Routing>(&*cut))) ++cut;
  const Layer* next = cut == layers.end() ? nullptr : &*cut;
  const auto protocol = static_cast<std::uint8_t>(protocol_of(next));
  const Bytes content = serialize({cut, layers.end()}, &*ip);

  std::vector<Packet> result;
  for (std::size_t offset = 0; offset < content.size(); offset += size) {
    const std::size_t end = std::min(offset + size, content.size());
    const auto units = static_cast<std::uint16_t>(offset / 8);
    const bool more = end < content.size();
    Packet piece;
    for (auto layer = layers.begin(); layer != cut; ++layer) {
      if (v4 && layer == ip) {
        Ipv4 header = as<Ipv4>(*ip);
        header.protocol = protocol;
        header.more_fragments = more;
        header.fragment_offset = units;
        piece /= header;
      } else {
        piece /= *layer;
      }
    }
    if (!v4) {
      piece /= FragmentHeader{.offset = units, .more_fragments = more, .next_header = protocol};
    }
    piece /= Payload(Bytes(content.begin() + static_cast<std::ptrdiff_t>(offset),
                           content.begin() + static_cast<std::ptrdiff_t>(end)));
    result.push_back(std::move(piece));
  }
  return result;
}

}  // namespace afxfw::test
