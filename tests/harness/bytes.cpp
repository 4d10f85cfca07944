#include "harness/bytes.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <stdexcept>

namespace afxfw::test {

Bytes hex(std::string_view text) {
  Bytes bytes;
  std::string digits;
  for (char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) {
      throw std::invalid_argument("not hexadecimal: " + std::string(text));
    }
    digits += c;
  }
  if (digits.size() % 2 != 0) throw std::invalid_argument("half a byte: " + std::string(text));
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

Bytes padded(Bytes frame) {
  frame.resize(std::max<std::size_t>(frame.size(), 60));
  return frame;
}

std::uint16_t naive_checksum(std::span<const std::byte> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const auto high = std::to_integer<std::uint32_t>(bytes[i]);
    const auto low = i + 1 < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i + 1]) : 0;
    sum += high << 8 | low;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

MacAddress::MacAddress(const char* text) : bytes{} {
  std::array<unsigned, 6> part{};
  if (std::sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &part[0], &part[1], &part[2], &part[3], &part[4],
                  &part[5]) != 6) {
    throw std::invalid_argument(std::string("not a MAC address: ") + text);
  }
  std::transform(part.begin(), part.end(), bytes.begin(),
                 [](unsigned byte) { return static_cast<std::byte>(byte); });
}

Ipv4Address::Ipv4Address(const char* text) : bytes{} {
  if (inet_pton(AF_INET, text, bytes.data()) != 1) {
    throw std::invalid_argument(std::string("not an IPv4 address: ") + text);
  }
}

Ipv6Address::Ipv6Address(const char* text) : bytes{} {
  if (inet_pton(AF_INET6, text, bytes.data()) != 1) {
    throw std::invalid_argument(std::string("not an IPv6 address: ") + text);
  }
}

Writer& Writer::u8(unsigned value) {
  bytes_.push_back(static_cast<std::byte>(value & 0xff));
  return *this;
}

Writer& Writer::raw(std::span<const std::byte> more) {
  bytes_.insert(bytes_.end(), more.begin(), more.end());
  return *this;
}

Writer& Writer::pad_to_multiple_of(std::size_t unit) {
  while (bytes_.size() % unit != 0) u8(0);
  return *this;
}

void Writer::set_u16(std::size_t offset, unsigned value) {
  bytes_.at(offset) = static_cast<std::byte>(value >> 8 & 0xff);
  bytes_.at(offset + 1) = static_cast<std::byte>(value & 0xff);
}

}  // namespace afxfw::test
