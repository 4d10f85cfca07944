#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace afxfw {

/// How many addresses a set is asked about at once at most.
inline constexpr std::size_t kAskedAtOnce = 64;

/// Which of them are members: bit i is address i's. The bits after the last address are 0.
using Members = std::uint64_t;

/// Whose bit is the lowest of any; there must be one. To go through all of them:
/// for (Members rest = members; rest != 0; rest &= rest - 1) use(first_of(rest));
[[nodiscard]] constexpr std::size_t first_of(Members members) noexcept {
  return static_cast<std::size_t>(std::countr_zero(members));
}

/// The bits of so many addresses, 1 to kAskedAtOnce.
[[nodiscard]] constexpr Members first_members(std::size_t count) noexcept {
  return ~Members{0} >> (kAskedAtOnce - count);
}

}  // namespace afxfw
