#pragma once

#include <tl/expected.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/address.h"

namespace afxfw {

enum class Family : std::uint8_t { kIpv4, kIpv6 };

[[nodiscard]] constexpr unsigned address_bits(Family family) noexcept {
  return family == Family::kIpv4 ? 32 : 128;
}

/// A network: an address whose bits after the first `length` are zero, or one
/// host with the full length.
class Prefix {
 public:
  /// length: 0 to 32. Host bits are cleared.
  [[nodiscard]] static constexpr Prefix ipv4(Ipv4Bits address, unsigned length) noexcept {
    return Prefix(Family::kIpv4, address, length);
  }
  /// length: 0 to 128. Host bits are cleared.
  [[nodiscard]] static constexpr Prefix ipv6(Ipv6Bits address, unsigned length) noexcept {
    return Prefix(Family::kIpv6, address, length);
  }

  [[nodiscard]] constexpr Family family() const noexcept { return family_; }
  [[nodiscard]] constexpr unsigned length() const noexcept { return length_; }

  /// First and last address; of an IPv4 prefix in the low 32 bits.
  [[nodiscard]] constexpr Ipv6Bits first() const noexcept { return first_; }
  [[nodiscard]] constexpr Ipv6Bits last() const noexcept {
    return first_ | host_mask(family_, length_);
  }

  friend constexpr bool operator==(const Prefix& a, const Prefix& b) noexcept {
    return a.first_ == b.first_ && a.length_ == b.length_ && a.family_ == b.family_;
  }

 private:
  constexpr Prefix(Family family, Ipv6Bits address, unsigned length) noexcept
      : first_(address & ~host_mask(family, length)),
        length_(static_cast<std::uint8_t>(length)),
        family_(family) {
    assert(length <= address_bits(family));
  }

  // Shifting by the full width is undefined, hence the case of no host bits.
  static constexpr Ipv6Bits host_mask(Family family, unsigned length) noexcept {
    const unsigned host_bits = address_bits(family) - length;
    return host_bits == 0 ? Ipv6Bits{0} : ~Ipv6Bits{0} >> (128 - host_bits);
  }

  Ipv6Bits first_;
  std::uint8_t length_;
  Family family_;
};

/// Why a text is no prefix. what: static storage.
struct PrefixError {
  std::size_t offset = 0;  ///< in bytes from the start of the text
  std::string_view what;
};

struct ParsedPrefix {
  Prefix prefix;
  /// The text had bits set after its prefix length (198.51.100.7/24): it was
  /// taken as the network (198.51.100.0/24), as nft does, never as the host.
  bool host_bits_set = false;
};

/// "ADDRESS" or "ADDRESS/LENGTH" with nothing around it. Addresses as inet_pton
/// takes them: four decimal octets without leading zeros, or the text forms of
/// RFC 4291 section 2.2; the length in decimal without leading zeros.
[[nodiscard]] tl::expected<ParsedPrefix, PrefixError> parse_prefix(std::string_view text) noexcept;

/// The address alone; nothing if inet_pton would refuse it.
[[nodiscard]] std::optional<Ipv4Bits> parse_ipv4(std::string_view text) noexcept;
[[nodiscard]] std::optional<Ipv6Bits> parse_ipv6(std::string_view text) noexcept;

/// As inet_ntop writes it (IPv6: RFC 5952).
[[nodiscard]] std::string format_ipv4(Ipv4Bits address);
[[nodiscard]] std::string format_ipv6(Ipv6Bits address);

/// "198.51.100.0/24"; a single host without its length, as nft prints it.
[[nodiscard]] std::string to_string(const Prefix& prefix);

}  // namespace afxfw
