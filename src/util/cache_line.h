#pragma once

#include <cstddef>

namespace afxfw {

/// Bytes between two writers. 64 on every x86-64 and on most arm64 cores;
/// std::hardware_destructive_interference_size varies with -mtune, which would
/// make the layout depend on compiler flags.
inline constexpr std::size_t kCacheLine = 64;

}  // namespace afxfw
