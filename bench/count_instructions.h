#pragma once

#include <cstdint>
#include <functional>

namespace afxfw {

/// How many instructions `work` takes in user space, by running it step by step in a child process:
/// exact, and with all instructions of this CPU, but some 100,000 times slower. Needs ptrace.
/// Throws std::system_error.
[[nodiscard]] std::uint64_t count_instructions(const std::function<void()>& work);

}  // namespace afxfw
