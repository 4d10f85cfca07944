#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace afxfw {

/// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);

/// "packet", or "packets" unless the number is 1.
[[nodiscard]] std::string plural(std::uint64_t number, std::string_view noun);

/// A rate with three digits and a unit: "1.23 M", "45.6 k", "789".
[[nodiscard]] std::string scaled(double rate);

}  // namespace afxfw
