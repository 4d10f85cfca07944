#pragma once

#include <cstddef>
#include <vector>

namespace afxfw {

/// Zeroed by the kernel or not, as malloc gives it; aligned to a cache line. From 1 MiB
/// on, it begins at a huge page and asks for such pages where the kernel has them
/// (/sys/kernel/mm/transparent_hugepage/enabled is madvise or always): look-ups all over
/// a table of many MiB otherwise wait for address translations as long as for the table.
/// Throws std::bad_alloc. Syscalls: madvise, and what malloc issues.
[[nodiscard]] void* allocate_table(std::size_t bytes);
void free_table(void* table) noexcept;

/// For the arrays of large look-up tables.
template <typename Value>
struct HugePageAllocator {
  using value_type = Value;  // NOLINT(readability-identifier-naming): the standard's

  HugePageAllocator() = default;
  // As the standard asks for.
  template <typename Other>
  // NOLINTNEXTLINE(google-explicit-constructor)
  HugePageAllocator(const HugePageAllocator<Other>&) noexcept {}

  [[nodiscard]] Value* allocate(std::size_t count) {
    return static_cast<Value*>(allocate_table(count * sizeof(Value)));
  }
  void deallocate(Value* values, std::size_t) noexcept { free_table(values); }

  friend bool operator==(const HugePageAllocator&, const HugePageAllocator&) noexcept {
    return true;
  }
};

template <typename Value>
using TableVector = std::vector<Value, HugePageAllocator<Value>>;

}  // namespace afxfw
