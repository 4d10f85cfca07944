#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct bpf_program;

namespace afxfw {

/// A filter in libpcap's language (pcap-filter(7)) for Ethernet frames.
class PacketFilter {
 public:
  /// Throws Error (kUsage) with what libpcap says is wrong. Host names in it are looked
  /// up, which may take a while.
  explicit PacketFilter(const std::string& expression);

  /// length_bytes: of the whole frame, of which `bytes` is the beginning.
  [[nodiscard]] bool matches(std::string_view bytes, std::uint32_t length_bytes) const noexcept;

 private:
  struct Free {
    void operator()(bpf_program* program) const noexcept;
  };
  std::unique_ptr<bpf_program, Free> program_;
};

}  // namespace afxfw
