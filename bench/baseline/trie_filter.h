#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "net/prefix.h"
#include "util/fd.h"

struct xdp_trie_bpf;

namespace afxfw::bench {

/// xdp_trie.bpf.c on an interface: drops what comes from one of the prefixes.
/// The kernel detaches it when the process ends, however it ends. Needs
/// CAP_NET_ADMIN and CAP_BPF.
class TrieFilter {
 public:
  /// Packets since the start; any thread.
  struct Counts {
    std::uint64_t other = 0;  ///< no IP: passed
    std::uint64_t blocked = 0;
    std::uint64_t allowed = 0;
  };

  /// pass_allowed: to the kernel's stack; otherwise they are dropped too, but
  /// counted as allowed. Throws Error.
  static TrieFilter attach(const std::string& interface, int ifindex,
                           std::span<const Prefix> prefixes, bool pass_allowed);

  TrieFilter(const TrieFilter&) = delete;
  TrieFilter& operator=(const TrieFilter&) = delete;
  TrieFilter(TrieFilter&&) noexcept;
  TrieFilter& operator=(TrieFilter&&) = delete;
  ~TrieFilter();

  /// Throws Error.
  [[nodiscard]] Counts counts() const;

 private:
  struct Deleter {
    void operator()(xdp_trie_bpf* skeleton) const noexcept;
  };

  explicit TrieFilter(xdp_trie_bpf* skeleton) noexcept;
  void enter(std::span<const Prefix> prefixes);

  std::unique_ptr<xdp_trie_bpf, Deleter> skeleton_;
  Fd link_;
};

}  // namespace afxfw::bench
