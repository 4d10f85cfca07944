#pragma once

#include <tl/expected.hpp>

#include <string>
#include <string_view>

#include "rules/nft_field.h"

namespace afxfw::nft {

/// Inclusive.
struct Interval {
  Value low = 0;
  Value high = 0;

  friend bool operator==(const Interval&, const Interval&) = default;
};

/// One value of a type as nftables writes it: an address, a number (decimal, or
/// hexadecimal after 0x), or one of the type's names. The error says what it
/// should have been.
[[nodiscard]] tl::expected<Value, std::string> parse_value(Type type, unsigned bits,
                                                           std::string_view text);

/// As nftables prints it: a name where the type has one for the value.
[[nodiscard]] std::string format_value(Type type, Value value);

/// A single value, a prefix where the type has them, or LOW-HIGH.
[[nodiscard]] std::string format_interval(Type type, unsigned bits, Interval interval);

/// Types whose values may be written VALUE/LENGTH.
[[nodiscard]] constexpr bool has_prefixes(Type type) noexcept {
  return type == Type::kIpv4Address || type == Type::kIpv6Address;
}

}  // namespace afxfw::nft
