#include "replay/result.h"

#include <algorithm>
#include <utility>

namespace afxfw {
namespace {

void count(afxfw_counter& counter, std::uint64_t bytes) noexcept {
  ++counter.packets;
  counter.bytes += bytes;
}

void widen(std::optional<TimeSpan>& span, const TimeSpan& more) noexcept {
  span = span ? TimeSpan{std::min(span->first, more.first), std::max(span->last, more.last)} : more;
}

}  // namespace

double TimeSpan::seconds() const noexcept {
  // As numbers with a point before they are subtracted: those of a damaged
  // capture need not fit otherwise.
  constexpr double kNanoseconds = 1e9;
  return static_cast<double>(last.seconds) - static_cast<double>(first.seconds) +
         (last.nanoseconds - first.nanoseconds) / kNanoseconds;
}

void ReplayResult::begin_file(std::string name, std::string link_type) {
  FileResult& file = files.emplace_back();
  file.name = std::move(name);
  file.link_type = std::move(link_type);
}

void ReplayResult::add(const CapturedPacket& packet, const PacketView& view,
                       const Decision& decision) {
  const std::uint64_t bytes = packet.length_bytes;
  FileResult& file = files.back();
  count(file.all, bytes);
  widen(file.time, {packet.time, packet.time});
  count(all, bytes);
  if (packet.truncated()) ++truncated;
  if (decision.kind == Decision::Kind::kNotJudged) return count(not_judged, bytes);

  const bool accept = decision.kind == Decision::Kind::kAccepted;
  count(accept ? accepted : dropped, bytes);
  count(inline_outcomes[decision.outcome], bytes);
  if (decision.outcome == AFXFW_DROP_MALFORMED) {
    ++malformed[static_cast<std::size_t>(view.reason)];
  }
  if (!decision.by_worker()) return;
  count(accept ? worker_accepted : worker_dropped, bytes);
  if (!accept) ++drop_reasons[static_cast<std::size_t>(decision.verdict.reason)];
  if (decision.verdict.rule != Verdict::kNoRule) count(rules[decision.verdict.rule], bytes);
}

void ReplayResult::set_counters(const RuleSet& rule_set, const RuleCounters& counted) {
  counters.clear();
  for (const Rule& rule : rule_set.rules()) {
    std::optional<RuleCounter>& counter = counters.emplace_back();
    if (rule.slot == kNoSlot) continue;
    counter = rule.initial;
    *counter += counted.read(rule.slot);
  }
  elements.clear();
  for (const CountedElement& element : rule_set.counted_elements()) {
    elements.push_back(counted.read(element.slot));
  }
}

std::optional<TimeSpan> ReplayResult::time() const {
  std::optional<TimeSpan> span;
  for (const FileResult& file : files) {
    if (file.time) widen(span, *file.time);
  }
  return span;
}

bool ReplayResult::complete() const noexcept {
  return !interrupted && std::all_of(files.begin(), files.end(),
                                     [](const FileResult& file) { return file.damage.empty(); });
}

}  // namespace afxfw
