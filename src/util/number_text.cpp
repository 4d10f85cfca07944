#include "util/number_text.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>

namespace afxfw {

std::string grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string plural(std::uint64_t number, std::string_view noun) {
  return fmt::format("{}{}", noun, number == 1 ? "" : "s");
}

std::string scaled(double rate) {
  constexpr std::array<const char*, 4> kUnits = {"", " k", " M", " G"};
  std::size_t unit = 0;
  while (rate >= 999.5 && unit + 1 < kUnits.size()) {
    rate /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{:.0f}", rate);
  return fmt::format("{:.{}f}{}", rate, rate < 9.995 ? 2 : rate < 99.95 ? 1 : 0, kUnits[unit]);
}

}  // namespace afxfw
