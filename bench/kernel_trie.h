#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "bpf/lpm_trie.h"
#include "net/address.h"
#include "net/prefix.h"

struct lpm_trie_bpf;

namespace afxfw {

/// The kernel's LPM trie, asked by a BPF program in BPF_PROG_TEST_RUN. Needs CAP_BPF
/// and CAP_NET_ADMIN.
template <typename Bits>
class KernelTrie {
 public:
  /// Look-ups a run, and queries that it goes through in a cycle.
  static constexpr std::size_t kBatch = LPM_TRIE_BATCH;
  static constexpr std::size_t kQueries = LPM_TRIE_QUERIES;

  /// Throws std::system_error.
  static KernelTrie build(std::span<const Prefix> prefixes);

  KernelTrie(const KernelTrie&) = delete;
  KernelTrie& operator=(const KernelTrie&) = delete;
  KernelTrie(KernelTrie&&) noexcept;
  KernelTrie& operator=(KernelTrie&&) = delete;
  ~KernelTrie();

  /// The first kQueries of them.
  void set_queries(std::span<const Bits> queries);

  /// How many queries found a prefix, from the first on. Throws std::system_error.
  std::uint64_t run(std::uint32_t times);

 private:
  struct Deleter {
    void operator()(lpm_trie_bpf* skeleton) const noexcept;
  };

  explicit KernelTrie(lpm_trie_bpf* skeleton) noexcept;

  std::unique_ptr<lpm_trie_bpf, Deleter> skeleton_;
};

}  // namespace afxfw
