#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace afxfw {

/// How the kernel backs a FrameArea; reported in status, never assumed.
enum class PageKind { kHugeTlb, kOrdinary };

[[nodiscard]] std::string_view name(PageKind kind) noexcept;

/// The packet memory of one worker: `frame_count` frames of `frame_size` bytes,
/// addressed by offset. Owns the mapping; pinned, since the kernel keeps it.
///
/// Uses 2 MiB huge pages when the system has enough free ones, ordinary pages
/// (with a hint for transparent huge pages) otherwise. The constructor touches
/// every page, so the calling thread decides the NUMA node: call it on the
/// pinned worker thread.
class FrameArea {
 public:
  /// frame_size: 2048 or 4096 bytes (AF_XDP's aligned chunks). Throws Error.
  FrameArea(std::uint32_t frame_count, std::uint32_t frame_size);
  ~FrameArea();
  FrameArea(const FrameArea&) = delete;
  FrameArea& operator=(const FrameArea&) = delete;

  [[nodiscard]] std::byte* at(std::uint64_t address) const noexcept { return base_ + address; }
  [[nodiscard]] void* base() const noexcept { return base_; }
  [[nodiscard]] std::uint64_t size_bytes() const noexcept {
    return std::uint64_t{frame_count_} * frame_size_;
  }
  [[nodiscard]] std::uint32_t frame_count() const noexcept { return frame_count_; }
  [[nodiscard]] std::uint32_t frame_size() const noexcept { return frame_size_; }
  [[nodiscard]] PageKind pages() const noexcept { return pages_; }

 private:
  std::byte* base_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  std::uint32_t frame_count_;
  std::uint32_t frame_size_;
  PageKind pages_ = PageKind::kOrdinary;
};

}  // namespace afxfw
