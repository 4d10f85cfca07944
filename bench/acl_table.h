#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "rules/box.h"

namespace afxfw {

/// A table of DPDK's rte_acl with its quickest look-up, to compare with. Without DPDK
/// at build time there is none.
class AclTable {
 public:
  virtual ~AclTable() = default;
  AclTable() = default;
  AclTable(const AclTable&) = delete;
  AclTable& operator=(const AclTable&) = delete;

  /// Whether build() will make one. Sets DPDK up at the first call, without privilege,
  /// huge pages or devices.
  static bool available();

  /// boxes: of prefixes. max_bytes: rte_acl's max_size, 0 for its default. Null if it
  /// fails.
  static std::unique_ptr<AclTable> build(const std::vector<Box>& boxes, std::size_t max_bytes);

  /// Headers in the order and byte order that rte_acl reads.
  virtual void set_headers(std::span<const BoxKey> keys) = 0;
  /// Matches of the headers from `first` on; rules are one more than a box's, 0 is no match.
  virtual void classify(std::size_t first, std::span<std::uint32_t> rules) const = 0;
  /// What DPDK's allocator says that building took.
  [[nodiscard]] virtual std::size_t memory_bytes() const = 0;
};

}  // namespace afxfw
