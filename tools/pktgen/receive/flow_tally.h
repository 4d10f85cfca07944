#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>

namespace afxfw::pktgen {

/// What arrived of one flow, by the numbers that its packets carry: 0, 1, 2, ...
/// in the order they were sent. A packet is
///
/// - reordered if one with a higher number came before it (RFC 4737, section 3.3:
///   Type-P-Reordered), and it is no duplicate;
/// - a duplicate if one with its number came before it (RFC 5560);
/// - too late if its number is more than kWindow below the highest: whether it had
///   been there is not known any more. It stays among the lost ones;
/// - lost if it had not come by the end (RFC 7680, whose time limit is the
///   receiver's end), be it a gap or, if the number sent is known, at the end.
class FlowTally {
 public:
  /// Packets behind the highest number for which is known whether they came.
  static constexpr std::size_t kWindow = 1024;

  /// A packet's number modulo 2^32: a gap of 2^31 or more is taken for the past.
  void add(std::uint32_t sequence) noexcept;

  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  [[nodiscard]] std::uint64_t distinct() const noexcept { return distinct_; }
  [[nodiscard]] std::uint64_t reordered() const noexcept { return reordered_; }
  [[nodiscard]] std::uint64_t duplicated() const noexcept { return duplicated_; }
  [[nodiscard]] std::uint64_t too_late() const noexcept { return too_late_; }
  /// Of at least `sent` packets; of those up to the highest number, if it is 0.
  [[nodiscard]] std::uint64_t lost(std::uint64_t sent = 0) const noexcept;

 private:
  /// The number itself; below next_ if it is of the past.
  [[nodiscard]] std::uint64_t unwrap(std::uint32_t sequence) const noexcept;
  void advance_to(std::uint64_t number) noexcept;

  std::uint64_t next_ = 0;  ///< the highest number that came, plus one
  std::uint64_t received_ = 0;
  std::uint64_t distinct_ = 0;
  std::uint64_t reordered_ = 0;
  std::uint64_t duplicated_ = 0;
  std::uint64_t too_late_ = 0;
  std::bitset<kWindow> came_;  ///< by number modulo kWindow, of [next_ - kWindow, next_)
};

}  // namespace afxfw::pktgen
