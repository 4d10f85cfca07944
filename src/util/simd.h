#pragma once

#ifdef __x86_64__
/// For functions that use the instructions of a level of Simd.
#define AFXFW_TARGET_AVX2 __attribute__((target("avx2,popcnt")))
#define AFXFW_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,popcnt")))
#endif

namespace afxfw {

/// Instruction sets that some code has versions for; each includes those before.
/// kAvx512 is F, BW and VL: what every server CPU with AVX-512 has had.
enum class Simd { kPortable, kAvx2, kAvx512 };

/// The widest that this CPU and kernel support.
[[nodiscard]] inline Simd widest_simd() noexcept {
#ifdef __x86_64__
  static const Simd kWidest = __builtin_cpu_supports("avx512f") != 0 &&
                                      __builtin_cpu_supports("avx512bw") != 0 &&
                                      __builtin_cpu_supports("avx512vl") != 0
                                  ? Simd::kAvx512
                              : __builtin_cpu_supports("avx2") != 0 ? Simd::kAvx2
                                                                    : Simd::kPortable;
  return kWidest;
#else
  return Simd::kPortable;
#endif
}

}  // namespace afxfw
