#include "net/prefix.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>

namespace afxfw {
namespace {

constexpr std::string_view kNotAnAddress = "not an IPv4 or IPv6 address";

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// By hand rather than with inet_pton: lists are mostly IPv4, this is several
// times faster, and it can say what is wrong where.
tl::expected<Ipv4Bits, PrefixError> read_ipv4(std::string_view text) noexcept {
  Ipv4Bits address = 0;
  std::size_t at = 0;
  for (int octet = 0; octet < 4; ++octet) {
    if (octet > 0) {
      if (at == text.size()) {
        return tl::unexpected(PrefixError{at, "an IPv4 address has four octets"});
      }
      if (text[at] != '.') return tl::unexpected(PrefixError{at, kNotAnAddress});
      ++at;
    }
    const std::size_t start = at;
    std::uint32_t value = 0;
    while (at < text.size() && is_digit(text[at])) {
      value = value * 10 + static_cast<std::uint32_t>(text[at] - '0');
      ++at;
      if (value > 255) return tl::unexpected(PrefixError{start, "octet over 255"});
    }
    if (at == start) return tl::unexpected(PrefixError{at, kNotAnAddress});
    if (at - start > 1 && text[start] == '0') {
      return tl::unexpected(
          PrefixError{start, "octet with a leading zero (some would read it as octal)"});
    }
    address = address << 8 | value;
  }
  if (at < text.size()) {
    if (text[at] == '-') {
      return tl::unexpected(PrefixError{at, "address ranges are not read; write prefixes"});
    }
    if (text[at] == '.') {
      return tl::unexpected(PrefixError{at, "an IPv4 address has four octets"});
    }
    return tl::unexpected(PrefixError{at, "unexpected text after the address"});
  }
  return address;
}

tl::expected<Ipv6Bits, PrefixError> read_ipv6(std::string_view text) noexcept {
  if (const std::size_t zone = text.find('%'); zone != std::string_view::npos) {
    return tl::unexpected(PrefixError{zone, "a zone has no meaning in a source address"});
  }
  // inet_pton wants a terminating zero, and would stop at one inside.
  std::array<char, INET6_ADDRSTRLEN> buffer = {};
  in6_addr network_order = {};
  if (text.size() >= buffer.size() || text.find('\0') != std::string_view::npos) {
    return tl::unexpected(PrefixError{0, "not an IPv6 address"});
  }
  std::copy(text.begin(), text.end(), buffer.begin());
  buffer[text.size()] = '\0';
  if (::inet_pton(AF_INET6, buffer.data(), &network_order) != 1) {
    return tl::unexpected(PrefixError{0, "not an IPv6 address"});
  }
  Ipv6Bits address = 0;
  for (const std::uint8_t byte : network_order.s6_addr) address = address << 8 | byte;
  return address;
}

// at: offset of the length in the whole text, for the error.
tl::expected<unsigned, PrefixError> read_length(std::string_view text, std::size_t at,
                                                Family family) noexcept {
  if (text.empty()) return tl::unexpected(PrefixError{at, "no prefix length after '/'"});
  unsigned length = 0;
  for (const char c : text) {
    if (c == '.' || c == ':') {
      return tl::unexpected(PrefixError{at, "write a prefix length, not a netmask"});
    }
    if (!is_digit(c)) return tl::unexpected(PrefixError{at, "prefix length is not a number"});
    length = std::min(length * 10 + static_cast<unsigned>(c - '0'), 1000U);
  }
  if (text.size() > 1 && text[0] == '0') {
    return tl::unexpected(PrefixError{at, "prefix length with a leading zero"});
  }
  if (length > address_bits(family)) {
    return tl::unexpected(PrefixError{
        at, family == Family::kIpv4 ? "prefix length over 32" : "prefix length over 128"});
  }
  return length;
}

}  // namespace

tl::expected<ParsedPrefix, PrefixError> parse_prefix(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  const std::string_view address_text = text.substr(0, slash);
  // Whichever comes first, so that 192.0.2.1:80 is an IPv4 address with something
  // after it and ::ffff:192.0.2.1 is IPv6.
  const auto separator = std::find_if(address_text.begin(), address_text.end(),
                                      [](char c) { return c == '.' || c == ':'; });
  const bool is_ipv6 = separator != address_text.end() && *separator == ':';
  const Family family = is_ipv6 ? Family::kIpv6 : Family::kIpv4;

  Ipv6Bits address = 0;
  if (family == Family::kIpv4) {
    // Only what begins like an address gets a detailed complaint: for a host
    // name "not an address" is the whole truth.
    if (address_text.empty() || !is_digit(address_text[0])) {
      return tl::unexpected(PrefixError{0, kNotAnAddress});
    }
    const auto ipv4 = read_ipv4(address_text);
    if (!ipv4) return tl::unexpected(ipv4.error());
    address = *ipv4;
  } else {
    const auto ipv6 = read_ipv6(address_text);
    if (!ipv6) return tl::unexpected(ipv6.error());
    address = *ipv6;
  }

  unsigned length = address_bits(family);
  if (slash != std::string_view::npos) {
    const auto parsed = read_length(text.substr(slash + 1), slash + 1, family);
    if (!parsed) return tl::unexpected(parsed.error());
    length = *parsed;
  }
  const Prefix prefix = family == Family::kIpv4
                            ? Prefix::ipv4(static_cast<Ipv4Bits>(address), length)
                            : Prefix::ipv6(address, length);
  return ParsedPrefix{prefix, prefix.first() != address};
}

std::optional<Ipv4Bits> parse_ipv4(std::string_view text) noexcept {
  const auto address = read_ipv4(text);
  return address ? std::optional(*address) : std::nullopt;
}

std::optional<Ipv6Bits> parse_ipv6(std::string_view text) noexcept {
  const auto address = read_ipv6(text);
  return address ? std::optional(*address) : std::nullopt;
}

std::string format_ipv4(Ipv4Bits address) {
  const in_addr network_order = {htonl(address)};
  std::array<char, INET_ADDRSTRLEN> buffer = {};
  return ::inet_ntop(AF_INET, &network_order, buffer.data(), buffer.size());
}

std::string format_ipv6(Ipv6Bits address) {
  in6_addr network_order = {};
  for (std::size_t i = 16; i-- > 0; address >>= 8) {
    network_order.s6_addr[i] = static_cast<std::uint8_t>(address);
  }
  std::array<char, INET6_ADDRSTRLEN> buffer = {};
  return ::inet_ntop(AF_INET6, &network_order, buffer.data(), buffer.size());
}

std::string to_string(const Prefix& prefix) {
  std::string text = prefix.family() == Family::kIpv4
                         ? format_ipv4(static_cast<Ipv4Bits>(prefix.first()))
                         : format_ipv6(prefix.first());
  if (prefix.length() < address_bits(prefix.family())) {
    text += '/' + std::to_string(prefix.length());
  }
  return text;
}

}  // namespace afxfw
