#include "engine/live_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "util/error.h"
#include "util/log.h"

namespace afxfw {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Changes are merged when there are many, or when none has come for so long:
/// look-ups take longer until then.
constexpr seconds kQuietTime{5};

/// Of the elements that expire at once; more are one event.
constexpr std::size_t kToldOneByOne = 10;

LiveRules::Clock::time_point at_ms(std::uint64_t time_ms) {
  return LiveRules::Clock::time_point(milliseconds(time_ms));
}

}  // namespace

LiveRules::LiveRules(Options options, std::unique_ptr<const RuleSet> rules)
    : options_(std::move(options)),
      base_{options_.files, rules->parts(), Clock::now()},
      publisher_(options_.readers, std::move(rules)),
      state_(options_.state_file, options_.interface),
      task_("afxfw/rules") {
  changes_ = state_.load(now_ms());
  const bool sets_changed = !changes_.sets.empty();
  if (!sets_changed && !changes_.allow.present && !changes_.block.present) return;
  // Nobody reads yet, so it need not be in the background.
  RuleRebuild work;
  work.base = base_;
  work.changes = changes_;
  work.previous = current().copy();
  publisher_.publish(work.run());
}

std::uint64_t LiveRules::now_ms() const {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch()).count());
}

void LiveRules::report(const Event& event) const {
  if (options_.on_event) options_.on_event(event);
}

void LiveRules::publish(std::unique_ptr<const RuleSet> rules) {
  publisher_.publish(std::move(rules));
  if (options_.on_published) options_.on_published();
}

void LiveRules::publish_lists() {
  lists_replaced_ = true;
  publish(current().with_lists(current().generation() + 1,
                               changed(base_.parts.allow, changes_.allow),
                               changed(base_.parts.block, changes_.block)));
}

void LiveRules::reload(ReloadOptions options, ChangeDone done) {
  const auto refuse = [&](std::string why) {
    done(tl::unexpected(ChangeError{ChangeError::Kind::kBusy, std::move(why)}));
  };
  if (is_pending(Operation::Kind::kReload)) {
    return refuse("a reload is running; wait for its end and ask again");
  }
  if (fallback_ || is_pending(Operation::Kind::kGoBack)) {
    return refuse("the last reload waits for afxfwctl confirm; confirm it, or let it go back");
  }
  Operation operation{.kind = Operation::Kind::kReload};
  operation.by = options.by;
  operation.reload = std::move(options);
  operation.done = std::move(done);
  enqueue(std::move(operation));
}

tl::expected<void, ChangeError> LiveRules::confirm(const std::string& by) {
  if (!fallback_ || is_pending(Operation::Kind::kGoBack)) {
    return tl::unexpected(ChangeError{ChangeError::Kind::kInvalid,
                                      fallback_
                                          ? "too late: the reload is going back already"
                                          : "there is nothing to confirm: no reload waits for it"});
  }
  fallback_.reset();
  record_.goes_back_at.reset();
  report({"confirm", fmt::format("the reload was confirmed by {}", by), {{"by", by}}});
  return {};
}

void LiveRules::finish_change(ChangeOutcome outcome, const ChangeDone& done) {
  state_.save(changes_, now_ms(), [outcome = std::move(outcome), done](const std::string& failure) {
    if (failure.empty()) return done(outcome);
    done(tl::unexpected(
        ChangeError{ChangeError::Kind::kFailed,
                    fmt::format("this is in force, but a restart would forget it: {}", failure)}));
  });
}

void LiveRules::housekeep() {
  publisher_.reclaim();
  expire(now_ms());
  if (fallback_ && Clock::now() >= goes_back_at_ && !is_pending(Operation::Kind::kGoBack)) {
    enqueue({.kind = Operation::Kind::kGoBack});
  }
  merge_if_due();
}

void LiveRules::report_expired(const char* list, const std::vector<Prefix>& prefixes) const {
  if (prefixes.size() > kToldOneByOne) {
    return report(
        {"expired",
         fmt::format("{} elements left the {}: their time is over", prefixes.size(), list),
         {{"set", list}}});
  }
  for (const Prefix& prefix : prefixes) {
    report({"expired",
            fmt::format("{} left the {}: its time is over", to_string(prefix), list),
            {{"set", list}, {"element", to_string(prefix)}}});
  }
}

void LiveRules::expire(std::uint64_t now) {
  const std::vector<Prefix> allowed = changes_.allow.changes.expire(now);
  const std::vector<Prefix> blocked = changes_.block.changes.expire(now);
  const bool lists = !allowed.empty() || !blocked.empty();
  if (lists) publish_lists();
  report_expired("allowlist", allowed);
  report_expired("blocklist", blocked);
  const auto age = std::chrono::duration_cast<seconds>(Clock::now() - base_.loaded_at);
  const auto table_expiry = current().next_expiry_s();
  const auto set_expired = [now](const auto& each) {
    const auto expiry = each.second.next_expiry_ms();
    return expiry && *expiry <= now;
  };
  const bool due = (table_expiry && *table_expiry <= static_cast<std::uint64_t>(age.count())) ||
                   std::any_of(changes_.sets.begin(), changes_.sets.end(), set_expired);
  if (due && !is_pending(Operation::Kind::kRefresh)) {
    enqueue({.kind = Operation::Kind::kRefresh,
             .event = {"expired", "elements of the rules' sets are over"}});
  }
}

void LiveRules::merge_if_due() {
  const auto runs = [](const AddressTables* tables) {
    return tables == nullptr ? 0 : tables->overlay_size();
  };
  const std::size_t waiting = runs(current().allowlist()) + runs(current().blocklist());
  const bool quiet = Clock::now() - last_list_change_ >= kQuietTime;
  if (waiting == 0 || (waiting < kMergeRuns && !quiet) || running_) return;
  enqueue({.kind = Operation::Kind::kMerge});
}

std::optional<LiveRules::Clock::time_point> LiveRules::next_deadline() const {
  std::optional<Clock::time_point> next;
  const auto consider = [&next](Clock::time_point time) {
    if (!next || time < *next) next = time;
  };
  if (const auto expiry = changes_.next_expiry_ms()) consider(at_ms(*expiry));
  if (const auto expiry = current().next_expiry_s()) consider(base_.loaded_at + seconds(*expiry));
  if (fallback_) consider(goes_back_at_);
  return next;
}

std::vector<SetSize> LiveRules::sets() const {
  std::vector<SetSize> sizes;
  const auto add_list = [&](const char* name, const AddressTables* tables,
                            const RunTimeList& changes) {
    if (tables == nullptr) return;
    sizes.push_back({name, "ipv4_addr, ipv6_addr", tables->ipv4.ranges() + tables->ipv6.ranges(),
                     changes.added(), changes.entries().size() - changes.added()});
  };
  add_list("allowlist", current().allowlist(), changes_.allow.changes);
  add_list("blocklist", current().blocklist(), changes_.block.changes);
  if (current().table() == nullptr) return sizes;
  for (const nft::Set& set : current().table()->table.sets) {
    SetSize size{set.name, type_text(set), set.elements.size()};
    const auto more = current().table()->set_prefixes.find(set.name);
    if (more != current().table()->set_prefixes.end()) size.elements += more->second.size();
    const auto found = changes_.sets.find(set.name);
    if (found != changes_.sets.end() && found->second.type() == size.type) {
      for (const auto& [key, entry] : found->second.entries()) {
        ++(entry.added ? size.added : size.removed);
      }
    }
    sizes.push_back(std::move(size));
  }
  return sizes;
}

}  // namespace afxfw
