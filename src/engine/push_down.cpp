#include "engine/push_down.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "util/error.h"
#include "util/log.h"
#include "xsk/xdp_program.h"

namespace afxfw {
namespace {

/// Whether the rules drop all that a source sends because of its address.
bool is_blocked(const RuleSet& rules, const PushedSource& source) {
  if (source.version == 4) {
    const auto address = static_cast<Ipv4Bits>(source.address);
    return rules.find_in_lists(std::span(&address, 1)).blocked != 0;
  }
  return rules.find_in_lists(std::span(&source.address, 1)).blocked != 0;
}

PushedKey key_of(const PushedSource& source) noexcept {
  PushedKey key{.version = source.version};
  const unsigned bytes = source.version == 4 ? 4 : 16;
  for (unsigned i = 0; i < bytes; ++i) {
    key.bytes[i] = static_cast<std::uint8_t>(source.address >> (8 * (bytes - 1 - i)));
  }
  return key;
}

}  // namespace

std::vector<PushedSource> PushedChoice::look(Clock::time_point now,
                                             const std::map<PushedSource, std::uint64_t>& dropped) {
  const double seconds = std::chrono::duration<double>(now - last_look_).count();
  last_look_ = now;
  std::vector<PushedSource> quiet;
  for (auto& [source, state] : sources_) {
    const auto found = dropped.find(source);
    const std::uint64_t packets = found == dropped.end() ? state.packets : found->second;
    state.rate = seconds > 0 ? static_cast<double>(packets - state.packets) / seconds : 0;
    if (packets != state.packets) state.last_packet = now;
    state.packets = packets;
    if (now - state.last_packet >= kQuiet) quiet.push_back(source);
  }
  for (const PushedSource& source : quiet) sources_.erase(source);
  return quiet;
}

PushedChoice::Changes PushedChoice::update(Clock::time_point now,
                                           const std::map<PushedSource, std::uint64_t>& dropped,
                                           std::span<const HeavyHitter> hottest,
                                           const RuleSet& rules) {
  Changes changes;
  changes.remove = look(now, dropped);
  // Those whose place may be taken, coldest last. Only who was there before: the rate of others
  // is not known.
  std::vector<std::pair<double, PushedSource>> coldest;
  for (const auto& [source, state] : sources_) coldest.emplace_back(state.rate, source);
  std::sort(coldest.rbegin(), coldest.rend());
  for (const HeavyHitter& hitter : hottest) {
    const PushedSource source{hitter.source.address, hitter.source.version};
    if (hitter.source.reason != DropReason::kBlocklist || hitter.rate < kLeastRate ||
        sources_.contains(source) || !is_blocked(rules, source)) {
      continue;
    }
    if (sources_.size() >= most_) {
      if (coldest.empty()) break;
      if (hitter.rate < kHotterBy * coldest.back().first) continue;
      sources_.erase(coldest.back().second);
      changes.remove.push_back(coldest.back().second);
      coldest.pop_back();
    }
    sources_[source] = {.packets = 0, .rate = hitter.rate, .last_packet = now};
    changes.add.push_back(source);
  }
  return changes;
}

std::vector<PushedSource> PushedChoice::no_longer_blocked(const RuleSet& rules) {
  std::vector<PushedSource> gone;
  for (const auto& [source, state] : sources_) {
    if (!is_blocked(rules, source)) gone.push_back(source);
  }
  for (const PushedSource& source : gone) sources_.erase(source);
  return gone;
}

std::vector<PushedSource> PushedChoice::sources() const {
  std::vector<PushedSource> all;
  for (const auto& [source, state] : sources_) all.push_back(source);
  return all;
}

std::size_t PushedChoice::count(unsigned version) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(sources_.begin(), sources_.end(),
                    [version](const auto& each) { return each.first.version == version; }));
}

PushDown::PushDown(XdpProgram& program, std::size_t most)
    : program_(program), maps_(program.pushed()), choice_(most) {}

void PushDown::update(PushedChoice::Clock::time_point now, std::span<const HeavyHitter> hottest,
                      const RuleSet& rules) {
  std::map<PushedSource, std::uint64_t> dropped;
  for (const PushedSource& source : choice_.sources()) {
    if (const auto packets = maps_.packets(key_of(source))) dropped[source] = *packets;
  }
  const PushedChoice::Changes changes = choice_.update(now, dropped, hottest, rules);
  remove(changes.remove);
  for (const PushedSource& source : changes.add) {
    if (const int error = maps_.add(key_of(source)); error != 0) {
      // It goes on by way of the workers.
      log_debug("cannot push a source down to XDP: {}", std::strerror(error));
      choice_.forget(source);
    }
  }
  if (!changes.remove.empty() || !changes.add.empty()) publish_count();
}

void PushDown::follow(const RuleSet& rules) {
  const std::vector<PushedSource> gone = choice_.no_longer_blocked(rules);
  if (gone.empty()) return;
  remove(gone);
  publish_count();
}

void PushDown::remove(std::span<const PushedSource> sources) {
  for (const PushedSource& source : sources) {
    const int error = maps_.remove(key_of(source));
    if (error == 0 || error == ENOENT) continue;
    throw errno_error(
        "cannot take a source out of the XDP program's map, which goes on to drop it; restart "
        "afxfw",
        error);
  }
}

void PushDown::publish_count() {
  program_.set_pushed_count(static_cast<std::uint32_t>(choice_.count(4)),
                            static_cast<std::uint32_t>(choice_.count(6)));
}

}  // namespace afxfw
