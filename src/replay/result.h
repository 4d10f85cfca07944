#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "afxfw_abi.h"
#include "net/packet_view.h"
#include "replay/captured_packet.h"
#include "replay/judge.h"
#include "rules/evaluation.h"
#include "rules/rule_set.h"
#include "rules/verdict.h"

namespace afxfw {

/// From the first packet to the last, by their times, in whatever order.
struct TimeSpan {
  CaptureTime first;
  CaptureTime last;

  [[nodiscard]] double seconds() const noexcept;
};

/// One capture that was read.
struct FileResult {
  std::string name;
  std::string link_type;  ///< as describe_link_type() says it
  afxfw_counter all{};    ///< bytes: lengths on the wire, with the capture's link headers
  std::optional<TimeSpan> time;
  std::string damage;  ///< see CaptureReader::damage()
};

/// Counts of what was replayed. Each packet is in exactly one of accepted,
/// dropped and not_judged; unless not judged, in one of inline_outcomes.
struct ReplayResult {
  std::vector<FileResult> files;
  afxfw_counter all{};
  afxfw_counter accepted{};
  afxfw_counter dropped{};
  afxfw_counter not_judged{};
  std::uint64_t truncated = 0;  ///< cut by a snap length, judged or not

  std::array<afxfw_counter, AFXFW_OUTCOME_COUNT> inline_outcomes{};
  std::array<std::uint64_t, kMalformedNames.size()> malformed{};

  /// What the workers did with AFXFW_REDIRECT.
  afxfw_counter worker_accepted{};
  afxfw_counter worker_dropped{};
  std::array<std::uint64_t, kDropReasonCount> drop_reasons{};
  /// By index in RuleSet::rules(): what each rule decided, and what it counted.
  std::vector<afxfw_counter> rules;
  std::vector<std::optional<RuleCounter>> counters;
  /// By index in RuleSet::counted_elements().
  std::vector<RuleCounter> elements;

  bool interrupted = false;  ///< stopped before the end by who asked for it

  explicit ReplayResult(const RuleSet& rule_set) : rules(rule_set.rules().size()) {}

  void begin_file(std::string name, std::string link_type);
  /// A packet of the file that was begun last.
  void add(const CapturedPacket& packet, const PacketView& view, const Decision& decision);

  /// Once all packets are judged.
  void set_counters(const RuleSet& rule_set, const RuleCounters& counted);

  /// Over all files.
  [[nodiscard]] std::optional<TimeSpan> time() const;
  [[nodiscard]] bool complete() const noexcept;
};

}  // namespace afxfw
