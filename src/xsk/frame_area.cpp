#include "xsk/frame_area.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "util/error.h"

namespace afxfw {

namespace {
constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}
}  // namespace

std::string_view name(PageKind kind) noexcept {
  return kind == PageKind::kHugeTlb ? "2 MiB huge pages" : "ordinary pages";
}

FrameArea::FrameArea(std::uint32_t frame_count, std::uint32_t frame_size)
    : mapped_bytes_(round_up(std::size_t{frame_count} * frame_size, kHugePageBytes)),
      frame_count_(frame_count),
      frame_size_(frame_size) {
  constexpr int kProtection = PROT_READ | PROT_WRITE;
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
  void* mapping = mmap(nullptr, mapped_bytes_, kProtection, kFlags | MAP_HUGETLB, -1, 0);
  if (mapping != MAP_FAILED) {
    pages_ = PageKind::kHugeTlb;
  } else {
    mapping = mmap(nullptr, mapped_bytes_, kProtection, kFlags, -1, 0);
    if (mapping == MAP_FAILED) {
      throw errno_error(fmt::format("cannot map {} bytes of packet memory", mapped_bytes_), errno);
    }
    madvise(mapping, mapped_bytes_, MADV_HUGEPAGE);
  }
  base_ = static_cast<std::byte*>(mapping);
  std::memset(base_, 0, mapped_bytes_);
}

FrameArea::~FrameArea() { munmap(base_, mapped_bytes_); }

}  // namespace afxfw
