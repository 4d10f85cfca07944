#pragma once

#include <cstddef>

namespace afxfw {

/// DPDK as a library, to compare with: without privilege, huge pages of hugetlbfs, or
/// devices.
class Dpdk {
 public:
  /// Whether there is one, and it could be set up. Done at the first call.
  static bool ready();

  /// For rte_malloc and tables: a heap on transparent huge pages, where the kernel has
  /// them, as DPDK's tables would be on huge pages.
  static int huge_page_socket();
  /// Allocated of that heap.
  static std::size_t allocated_bytes();
};

}  // namespace afxfw
