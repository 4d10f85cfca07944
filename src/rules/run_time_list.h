#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "net/prefix.h"
#include "rules/address_overlay.h"

namespace afxfw {

/// How long something added at run time stays, and why it is there. Times are
/// milliseconds by a clock of the caller's that never goes back.
struct RunTimeNote {
  std::optional<std::uint64_t> timeout_s{};   ///< as it was asked for
  std::optional<std::uint64_t> expires_ms{};  ///< when it is over; with a timeout only
  std::string comment{};

  friend bool operator==(const RunTimeNote&, const RunTimeNote&) = default;
};

/// What was added to a list and removed from it while it was in use, on top of what
/// its files say. Later changes win over earlier ones, prefix in prefix.
class RunTimeList {
 public:
  struct Entry {
    PrefixChange::Kind kind = PrefixChange::Kind::kAdd;
    RunTimeNote note{};
    std::uint64_t sequence = 0;  ///< grows with each change
  };

  /// Replaces what was said about this prefix and, unless it expires, about all in it.
  void add(const Prefix& prefix, RunTimeNote note);
  /// Replaces what was said about this prefix and all in it.
  void remove(const Prefix& prefix);
  /// Takes back what was said about exactly this prefix.
  void forget(const Prefix& prefix);
  void clear();

  /// Drops what is over by now_ms, and returns it.
  std::vector<Prefix> expire(std::uint64_t now_ms);
  /// When the next entry is over.
  [[nodiscard]] std::optional<std::uint64_t> next_expiry_ms() const noexcept;

  /// Whether an entry is about all addresses of the prefix and more.
  [[nodiscard]] bool is_within_another(const Prefix& prefix) const;

  /// In the order in which they were made.
  [[nodiscard]] std::vector<PrefixChange> changes() const;

  /// IPv4 first, by address, then by length.
  struct Order {
    bool operator()(const Prefix& a, const Prefix& b) const noexcept;
  };
  [[nodiscard]] const std::map<Prefix, Entry, Order>& entries() const noexcept { return entries_; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// How many were added and not removed again.
  [[nodiscard]] std::size_t added() const noexcept { return added_; }

 private:
  void put(const Prefix& prefix, PrefixChange::Kind kind, RunTimeNote note);
  void forget_inside(const Prefix& prefix);
  std::map<Prefix, Entry, Order>::iterator erase(std::map<Prefix, Entry, Order>::iterator entry);
  [[nodiscard]] std::size_t& with_length(const Prefix& prefix) noexcept {
    return lengths_[prefix.family() == Family::kIpv4 ? 0 : 1][prefix.length()];
  }

  struct ExpiryOrder {
    bool operator()(const std::pair<std::uint64_t, Prefix>& a,
                    const std::pair<std::uint64_t, Prefix>& b) const noexcept {
      return a.first != b.first ? a.first < b.first : Order()(a.second, b.second);
    }
  };

  std::map<Prefix, Entry, Order> entries_;
  std::set<std::pair<std::uint64_t, Prefix>, ExpiryOrder> expiries_;
  // How many entries have a length, by family: look-ups skip those that none has.
  std::array<std::array<std::size_t, 129>, 2> lengths_{};
  std::size_t added_ = 0;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace afxfw
