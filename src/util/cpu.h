#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace afxfw {

/// Parses a CPU list as taskset and the kernel write it: "2-9", "0,2,4-6".
/// Throws Error (kUsage) that names the offending part. option: for errors.
[[nodiscard]] std::vector<int> parse_cpu_list(std::string_view text,
                                              std::string_view option = "--cpus");

/// The CPUs that this process may run on, ascending.
[[nodiscard]] std::vector<int> allowed_cpus();

/// Pins the calling thread to one CPU. Throws Error when it may not run there.
void pin_this_thread(int cpu);

/// Lets the calling thread, and those that it starts, run on these CPUs only.
/// Whether the kernel agreed; if not, nothing has changed.
bool keep_this_thread_on(const std::vector<int>& cpus) noexcept;

/// Names the calling thread as ps and top show it; cut at 15 bytes.
void name_this_thread(const std::string& thread_name) noexcept;

/// Ends the calling thread's sleeps when they are to end, not when it suits the
/// kernel, which by default is up to 50 us later.
void be_woken_on_time() noexcept;

/// For the body of a loop that waits: leaves the core's resources to others.
inline void relax_cpu() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace afxfw
