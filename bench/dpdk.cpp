#include "dpdk.h"

#include <rte_eal.h>
#include <rte_malloc.h>
#include <sys/mman.h>

#include <array>
#include <cstdint>

namespace afxfw {
namespace {

constexpr const char* kHeap = "huge";
constexpr std::size_t kHugePage = std::size_t{2} << 20;
// Of address space; pages are there once touched. Tables of all sizes at once take
// about 4 GiB.
constexpr std::size_t kHeapBytes = std::size_t{16} << 30;

bool add_heap() {
  void* memory = mmap(nullptr, kHeapBytes + kHugePage, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  auto* start = static_cast<std::byte*>(memory);
  start += kHugePage - reinterpret_cast<std::uintptr_t>(start) % kHugePage;
  madvise(start, kHeapBytes, MADV_HUGEPAGE);
  return rte_malloc_heap_create(kHeap) == 0 &&
         rte_malloc_heap_memory_add(kHeap, start, kHeapBytes, nullptr, 0, kHugePage) == 0;
}

}  // namespace

bool Dpdk::ready() {
  static const bool kReady = [] {
    std::array<const char*, 9> arguments = {
        "bench",          "--no-huge", "--no-pci", "--no-shconf",
        "--no-telemetry", "-m",        "64",       "--force-max-simd-bitwidth=512",
        "--log-level=1"};
    return rte_eal_init(static_cast<int>(arguments.size()), const_cast<char**>(arguments.data())) >=
               0 &&
           add_heap();
  }();
  return kReady;
}

int Dpdk::huge_page_socket() { return rte_malloc_heap_get_socket(kHeap); }

std::size_t Dpdk::allocated_bytes() {
  rte_malloc_socket_stats stats = {};
  rte_malloc_get_socket_stats(huge_page_socket(), &stats);
  return stats.heap_allocsz_bytes;
}

}  // namespace afxfw
