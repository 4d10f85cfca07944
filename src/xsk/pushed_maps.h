#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace afxfw {

/// A source address as a key of PushedMaps.
struct PushedKey {
  std::uint8_t version = 4;              ///< 4 or 6
  std::array<std::uint8_t, 16> bytes{};  ///< as in a packet; of IPv4, the first four
};

/// The XDP program's maps of sources that it drops. Does not own them: XdpProgram, which makes
/// it, outlives it. A system call each, bpf(2).
class PushedMaps {
 public:
  PushedMaps(int ipv4_map, int ipv6_map);

  /// Returns 0 or an errno.
  [[nodiscard]] int add(const PushedKey& source);
  [[nodiscard]] int remove(const PushedKey& source) noexcept;
  /// Packets dropped from it since it was added; nothing: it is not there.
  [[nodiscard]] std::optional<std::uint64_t> packets(const PushedKey& source);

 private:
  [[nodiscard]] int map_of(const PushedKey& source) const noexcept {
    return source.version == 4 ? ipv4_map_ : ipv6_map_;
  }

  int ipv4_map_;
  int ipv6_map_;
  std::vector<std::uint64_t> per_cpu_;  // one source's values
};

}  // namespace afxfw
