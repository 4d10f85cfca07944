#include "rules/nft_value.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <optional>
#include <span>

#include "net/prefix.h"

namespace afxfw::nft {
namespace {

struct Name {
  std::string_view name;
  std::uint16_t value;
};

// Where a value has several names, the first one is what is printed. All but the
// services are nftables' own; it takes those of protocols and services from
// /etc/protocols and /etc/services, where IANA's names stand.
constexpr Name kServices[] = {
    {"ftp-data", 20},     {"ftp", 21},     {"ssh", 22},      {"telnet", 23},
    {"smtp", 25},         {"domain", 53},  {"bootps", 67},   {"bootpc", 68},
    {"tftp", 69},         {"http", 80},    {"kerberos", 88}, {"pop3", 110},
    {"sunrpc", 111},      {"ntp", 123},    {"imap2", 143},   {"snmp", 161},
    {"bgp", 179},         {"ldap", 389},   {"https", 443},   {"microsoft-ds", 445},
    {"submission", 587},  {"ldaps", 636},  {"imaps", 993},   {"pop3s", 995},
    {"openvpn", 1194},    {"mysql", 3306}, {"sip", 5060},    {"xmpp-client", 5222},
    {"postgresql", 5432},
};
constexpr Name kProtocols[] = {
    {"icmp", 1},  {"igmp", 2},   {"tcp", 6},        {"udp", 17},      {"dccp", 33}, {"gre", 47},
    {"esp", 50},  {"ah", 51},    {"ipv6-icmp", 58}, {"icmpv6", 58},   {"ospf", 89}, {"ipip", 94},
    {"pim", 103}, {"vrrp", 112}, {"sctp", 132},     {"udplite", 136},
};
constexpr Name kEtherTypes[] = {
    {"ip", 0x0800},    {"arp", 0x0806},  {"ip6", 0x86dd},
    {"8021q", 0x8100}, {"vlan", 0x8100}, {"8021ad", 0x88a8},
};
constexpr Name kDscps[] = {
    {"cs0", 0x00},   {"cs1", 0x08},  {"cs2", 0x10},  {"cs3", 0x18},  {"cs4", 0x20},
    {"cs5", 0x28},   {"cs6", 0x30},  {"cs7", 0x38},  {"df", 0x00},   {"be", 0x00},
    {"lephb", 0x01}, {"af11", 0x0a}, {"af12", 0x0c}, {"af13", 0x0e}, {"af21", 0x12},
    {"af22", 0x14},  {"af23", 0x16}, {"af31", 0x1a}, {"af32", 0x1c}, {"af33", 0x1e},
    {"af41", 0x22},  {"af42", 0x24}, {"af43", 0x26}, {"va", 0x2c},   {"ef", 0x2e},
};
constexpr Name kTcpFlags[] = {
    {"fin", 0x01}, {"syn", 0x02}, {"rst", 0x04}, {"psh", 0x08},
    {"ack", 0x10}, {"urg", 0x20}, {"ecn", 0x40}, {"cwr", 0x80},
};
constexpr Name kIcmpTypes[] = {
    {"echo-reply", 0},           {"destination-unreachable", 3},
    {"source-quench", 4},        {"redirect", 5},
    {"echo-request", 8},         {"router-advertisement", 9},
    {"router-solicitation", 10}, {"time-exceeded", 11},
    {"parameter-problem", 12},   {"timestamp-request", 13},
    {"timestamp-reply", 14},     {"info-request", 15},
    {"info-reply", 16},          {"address-mask-request", 17},
    {"address-mask-reply", 18},
};
constexpr Name kIcmpCodes[] = {
    {"net-unreachable", 0},  {"host-unreachable", 1},  {"prot-unreachable", 2},
    {"port-unreachable", 3}, {"frag-needed", 4},       {"net-prohibited", 9},
    {"host-prohibited", 10}, {"admin-prohibited", 13},
};
constexpr Name kIcmpv6Types[] = {
    {"destination-unreachable", 1}, {"packet-too-big", 2},        {"time-exceeded", 3},
    {"parameter-problem", 4},       {"echo-request", 128},        {"echo-reply", 129},
    {"mld-listener-query", 130},    {"mld-listener-report", 131}, {"mld-listener-done", 132},
    {"nd-router-solicit", 133},     {"nd-router-advert", 134},    {"nd-neighbor-solicit", 135},
    {"nd-neighbor-advert", 136},    {"nd-redirect", 137},         {"router-renumbering", 138},
    {"ind-neighbor-solicit", 141},  {"ind-neighbor-advert", 142}, {"mld2-listener-report", 143},
};
constexpr Name kIcmpv6Codes[] = {
    {"no-route", 0},         {"admin-prohibited", 1}, {"addr-unreachable", 3},
    {"port-unreachable", 4}, {"policy-fail", 5},      {"reject-route", 6},
};

struct TypeNames {
  std::span<const Name> names;
  std::string_view what;  // what a value of the type is called
  bool print_names = true;
};

TypeNames names_of(Type type) noexcept {
  switch (type) {
    case Type::kService:
      return {kServices, "a port or service name", false};
    case Type::kInetProto:
      return {kProtocols, "a protocol"};
    case Type::kEtherType:
      return {kEtherTypes, "an EtherType"};
    case Type::kDscp:
      return {kDscps, "a DSCP"};
    case Type::kTcpFlags:
      return {kTcpFlags, "a TCP flag"};
    case Type::kIcmpType:
      return {kIcmpTypes, "an ICMP type"};
    case Type::kIcmpCode:
      return {kIcmpCodes, "an ICMP code"};
    case Type::kIcmpv6Type:
      return {kIcmpv6Types, "an ICMPv6 type"};
    case Type::kIcmpv6Code:
      return {kIcmpv6Codes, "an ICMPv6 code"};
    case Type::kIpv4Address:
      return {{}, "an IPv4 address"};
    case Type::kIpv6Address:
      return {{}, "an IPv6 address"};
    case Type::kEtherAddress:
      return {{}, "an Ethernet address such as 02:00:00:00:00:01"};
    case Type::kInteger:
      return {{}, "a number"};
  }
  return {};
}

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Value> parse_ether_address(std::string_view text) noexcept {
  constexpr int kOctets = 6;
  Value address = 0;
  const char* position = text.data();
  const char* const end = position + text.size();
  for (int octet = 0; octet < kOctets; ++octet) {
    if (octet > 0 && (position == end || *position++ != ':')) return std::nullopt;
    std::uint8_t value = 0;
    const auto [next, error] = std::from_chars(position, end, value, 16);
    if (error != std::errc{} || next - position > 2) return std::nullopt;
    address = address << 8 | value;
    position = next;
  }
  return position == end ? std::optional(address) : std::nullopt;
}

std::string format_tcp_flags(Value value) {
  std::string text;
  for (const Name& flag : kTcpFlags) {
    if ((value & flag.value) != 0)
      text += fmt::format("{}{}", text.empty() ? "" : " | ", flag.name);
  }
  return text.empty() ? "0x0" : text;
}

}  // namespace

tl::expected<Value, std::string> parse_value(Type type, unsigned bits, std::string_view text) {
  const TypeNames known = names_of(type);
  const auto refused = [&] { return tl::unexpected(fmt::format("expected {}", known.what)); };
  if (type == Type::kIpv4Address) {
    const auto address = parse_ipv4(text);
    if (!address) return refused();
    return *address;
  }
  if (type == Type::kIpv6Address) {
    const auto address = parse_ipv6(text);
    if (!address) return refused();
    return *address;
  }
  if (type == Type::kEtherAddress) {
    const auto address = parse_ether_address(text);
    if (!address) return refused();
    return *address;
  }
  for (const Name& name : known.names) {
    if (name.name == text) return name.value;
  }
  const auto number = parse_number(text);
  if (!number) return refused();
  if (*number > largest(bits)) {
    return tl::unexpected(fmt::format("expected {}, at most {}", known.what,
                                      static_cast<std::uint64_t>(largest(bits))));
  }
  return *number;
}

std::string format_value(Type type, Value value) {
  if (type == Type::kIpv4Address) return format_ipv4(static_cast<Ipv4Bits>(value));
  if (type == Type::kIpv6Address) return format_ipv6(value);
  const auto number = static_cast<std::uint64_t>(value);
  if (type == Type::kEtherAddress) {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", number >> 40,
                       number >> 32 & 255, number >> 24 & 255, number >> 16 & 255,
                       number >> 8 & 255, number & 255);
  }
  if (type == Type::kTcpFlags) return format_tcp_flags(value);
  const TypeNames known = names_of(type);
  if (known.print_names) {
    for (const Name& name : known.names) {
      if (name.value == number) return std::string(name.name);
    }
  }
  if (type == Type::kEtherType) return fmt::format("{:#06x}", number);
  if (type == Type::kDscp) return fmt::format("{:#04x}", number);
  return fmt::format("{}", number);
}

std::string format_interval(Type type, unsigned bits, Interval interval) {
  if (interval.low == interval.high) return format_value(type, interval.low);
  if (has_prefixes(type)) {
    const Value size_minus_one = interval.high - interval.low;
    const bool aligned = (interval.low & size_minus_one) == 0;
    if (aligned && (size_minus_one & (size_minus_one + 1)) == 0) {
      const auto high_half = static_cast<std::uint64_t>(size_minus_one >> 64);
      const auto low_half = static_cast<std::uint64_t>(size_minus_one);
      const int host_bits = std::popcount(high_half) + std::popcount(low_half);
      return fmt::format("{}/{}", format_value(type, interval.low), bits - host_bits);
    }
  }
  // nft takes "tcp-udp" for one name.
  const Type plain = names_of(type).names.empty() ? type : Type::kInteger;
  return fmt::format("{}-{}", format_value(plain, interval.low),
                     format_value(plain, interval.high));
}

}  // namespace afxfw::nft
