#pragma once

#ifdef __x86_64__
/// For functions that use the instructions of a level of Simd.
#define AFXFW_TARGET_AVX2 __attribute__((target("avx2,bmi,popcnt")))
#define AFXFW_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,bmi,popcnt")))
#endif

namespace afxfw {

/// Instruction sets that some code has versions for; each includes those before.
/// kAvx2 is with BMI, which every such CPU has; kAvx512 is F, BW and VL: what every server
/// CPU with AVX-512 has had.
enum class Simd { kPortable, kAvx2, kAvx512 };

/// The widest that this CPU and kernel support.
[[nodiscard]] inline Simd widest_simd() noexcept {
#ifdef __x86_64__
  static const Simd kWidest = [] {
    if (__builtin_cpu_supports("avx2") == 0 || __builtin_cpu_supports("bmi") == 0) {
      return Simd::kPortable;
    }
    const bool has_avx512 = __builtin_cpu_supports("avx512f") != 0 &&
                            __builtin_cpu_supports("avx512bw") != 0 &&
                            __builtin_cpu_supports("avx512vl") != 0;
    return has_avx512 ? Simd::kAvx512 : Simd::kAvx2;
  }();
  return kWidest;
#else
  return Simd::kPortable;
#endif
}

}  // namespace afxfw
