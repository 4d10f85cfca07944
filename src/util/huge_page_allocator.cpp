#include "util/huge_page_allocator.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "util/cache_line.h"

namespace afxfw {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
// At least half of a huge page is used.
constexpr std::size_t kLeastBytes = kHugePage / 2;

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

void* allocate_table(std::size_t bytes) {
  const bool huge = bytes >= kLeastBytes;
  const std::size_t unit = huge ? kHugePage : kCacheLine;
  const std::size_t rounded = round_up(bytes, unit);
  void* table = std::aligned_alloc(unit, rounded);
  if (table == nullptr) throw std::bad_alloc();
  // A kernel that has none says so; small pages then do.
  if (huge) madvise(table, rounded, MADV_HUGEPAGE);
  return table;
}

void free_table(void* table) noexcept { std::free(table); }

}  // namespace afxfw
