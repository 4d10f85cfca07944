#include "pktgen/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace afxfw::pktgen {

namespace {

/// The whole text as a number in the base, without sign or blanks.
template <typename T>
bool read_number(std::string_view text, T& value, int base = 10) {
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value, base);
  return error == std::errc{} && stopped == end;
}

constexpr std::array<std::pair<std::string_view, std::uint8_t>, 8> kTcpFlags = {{
    {"fin", 0x01},
    {"syn", 0x02},
    {"rst", 0x04},
    {"psh", 0x08},
    {"ack", 0x10},
    {"urg", 0x20},
    {"ecn", 0x40},
    {"cwr", 0x80},
}};

}  // namespace

Parsed<PortRange> parse_port_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  PortRange range;
  bool good = read_number(text.substr(0, dash), range.first);
  range.last = range.first;
  if (dash != std::string_view::npos) {
    good = good && read_number(text.substr(dash + 1), range.last);
  }
  if (!good) {
    return tl::unexpected(
        fmt::format("'{}' is not a port (0 to 65535) or a range such as 1024-65535", text));
  }
  if (range.last < range.first) {
    return tl::unexpected(fmt::format("the port range '{}' runs backwards", text));
  }
  return range;
}

Parsed<MacAddress> parse_mac(std::string_view text) {
  constexpr std::size_t kOctetChars = 3;  // two digits and what separates them
  MacAddress mac{};
  bool good = text.size() == mac.size() * kOctetChars - 1;
  for (std::size_t i = 0; good && i < mac.size(); ++i) {
    good = read_number(text.substr(i * kOctetChars, 2), mac[i], 16) &&
           (i + 1 == mac.size() || text[i * kOctetChars + 2] == ':');
  }
  if (!good) {
    return tl::unexpected(fmt::format("'{}' is not a MAC address such as 02:00:00:00:00:01", text));
  }
  return mac;
}

std::string format_mac(const MacAddress& mac) {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3],
                     mac[4], mac[5]);
}

Parsed<std::uint64_t> parse_scaled(std::string_view text) {
  std::uint64_t unit = 1;
  std::string_view digits = text;
  if (!text.empty()) {
    constexpr std::array<std::pair<char, std::uint64_t>, 3> kUnits = {
        {{'k', 1'000}, {'M', 1'000'000}, {'G', 1'000'000'000}}};
    for (const auto& [letter, factor] : kUnits) {
      if (text.back() == letter) unit = factor;
    }
    if (unit != 1) digits.remove_suffix(1);
  }
  std::uint64_t value = 0;
  if (!read_number(digits, value) || value > std::numeric_limits<std::uint64_t>::max() / unit) {
    return tl::unexpected(fmt::format("'{}' is not a number such as 1000, 500k or 2M", text));
  }
  return value * unit;
}

Parsed<std::uint8_t> parse_tcp_flags(std::string_view text) {
  if (text == "none") return std::uint8_t{0};
  unsigned flags = 0;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view flag = text.substr(begin, end - begin);
    const auto* const found = std::find_if(kTcpFlags.begin(), kTcpFlags.end(),
                                           [&](const auto& known) { return known.first == flag; });
    if (found == kTcpFlags.end()) {
      return tl::unexpected(fmt::format(
          "'{}' is not a TCP flag; there are fin, syn, rst, psh, ack, urg, ecn, cwr and none",
          flag));
    }
    flags |= found->second;
    begin = end + 1;
  }
  return static_cast<std::uint8_t>(flags);
}

}  // namespace afxfw::pktgen
