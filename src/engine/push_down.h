#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <tuple>
#include <vector>

#include "net/address.h"
#include "pipeline/source_ranking.h"
#include "rules/rule_set.h"
#include "xsk/pushed_maps.h"

namespace afxfw {

/// Whom XDP drops.
struct PushedSource {
  Ipv6Bits address = 0;      ///< an IPv4 address in the low 32 bits
  std::uint8_t version = 4;  ///< 4 or 6

  bool operator==(const PushedSource&) const = default;
  friend bool operator<(const PushedSource& one, const PushedSource& other) noexcept {
    return std::tie(one.version, one.address) < std::tie(other.version, other.address);
  }
};

/// Which sources XDP is to drop: the hottest of those that the blocklist has and the allowlist
/// has not, of which a worker would drop every packet as well. Decides only; PushDown does it.
///
/// A source comes in when a sketch has it; from then on no worker sees it, so that what it was
/// dropped in XDP keeps it in. It leaves when it is quiet, when a hotter one needs its place, or
/// at once when the rules do not drop it any more.
class PushedChoice {
 public:
  using Clock = std::chrono::steady_clock;
  /// Without a packet for so long, a source has to go: as long as the sketches look back.
  static constexpr std::chrono::seconds kQuiet{10};
  /// Packets a second, below which a source is not worth a place: a worker drops them with
  /// thousandths of its time.
  static constexpr double kLeastRate = 32;
  /// By so much a source has to be hotter than one whose place it takes, lest they take turns.
  static constexpr double kHotterBy = 2;

  struct Changes {
    std::vector<PushedSource> remove;
    std::vector<PushedSource> add;
  };

  /// most: sources at a time.
  explicit PushedChoice(std::size_t most) : most_(most) {}

  /// About each second. dropped: how many packets were dropped from each of sources() since it
  /// came in. hottest: what workers drop, hottest first, for whatever reason.
  [[nodiscard]] Changes update(Clock::time_point now,
                               const std::map<PushedSource, std::uint64_t>& dropped,
                               std::span<const HeavyHitter> hottest, const RuleSet& rules);
  /// After the rules have changed: who has to leave.
  [[nodiscard]] std::vector<PushedSource> no_longer_blocked(const RuleSet& rules);
  /// It could not be added.
  void forget(const PushedSource& source) { sources_.erase(source); }

  [[nodiscard]] std::vector<PushedSource> sources() const;
  [[nodiscard]] std::size_t count(unsigned version) const noexcept;

 private:
  struct State {
    std::uint64_t packets = 0;
    double rate = 0;  // packets a second, when last looked at
    Clock::time_point last_packet;
  };

  [[nodiscard]] std::vector<PushedSource> look(
      Clock::time_point now, const std::map<PushedSource, std::uint64_t>& dropped);

  std::size_t most_;
  Clock::time_point last_look_{};
  std::map<PushedSource, State> sources_;
};

class XdpProgram;

/// --push-down. On the engine's thread.
class PushDown {
 public:
  /// program: outlives it.
  PushDown(XdpProgram& program, std::size_t most);

  /// About each second; see PushedChoice. Throws Error.
  void update(PushedChoice::Clock::time_point now, std::span<const HeavyHitter> hottest,
              const RuleSet& rules);
  /// The rules have changed: when it returns, XDP drops nobody whom they do not block. Throws
  /// Error.
  void follow(const RuleSet& rules);

  [[nodiscard]] std::size_t sources() const noexcept { return choice_.count(4) + choice_.count(6); }

 private:
  void remove(std::span<const PushedSource> sources);
  void publish_count();

  XdpProgram& program_;
  PushedMaps maps_;
  PushedChoice choice_;
};

}  // namespace afxfw
