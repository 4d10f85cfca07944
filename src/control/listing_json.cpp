#include "control/listing_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "rules/nft_listing.h"
#include "rules/rule_compiler.h"

namespace afxfw {

namespace {

/// Of the elements of a set, what one answer holds.
constexpr std::size_t kPage = 10'000;
constexpr std::uint64_t kMsPerSecond = 1000;

std::uint64_t now_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        LiveRules::Clock::now().time_since_epoch())
                                        .count());
}

Json flags_json(const nft::Set& set) {
  Json flags = Json::array();
  if (set.constant) flags.push_back("constant");
  if (set.intervals) flags.push_back("interval");
  if (set.timeouts) flags.push_back("timeout");
  return flags;
}

Json size_json(const SetSize& size) {
  return {{"name", size.name},
          {"type", size.type},
          {"elements", size.elements},
          {"run_time", {{"added", size.added}, {"removed", size.removed}}}};
}

const RunTimeSet* changes_of(const LiveRules& rules, const nft::Set& set) {
  const auto found = rules.run_time_changes().sets.find(set.name);
  if (found == rules.run_time_changes().sets.end()) return nullptr;
  return found->second.type() == type_text(set) ? &found->second : nullptr;
}

void add_note(const RunTimeNote& note, Json& json) {
  if (note.timeout_s) json["timeout_s"] = *note.timeout_s;
  if (note.expires_ms) {
    const std::uint64_t now = now_ms();
    const std::uint64_t left = *note.expires_ms > now ? *note.expires_ms - now : 0;
    json["expires_s"] = (left + kMsPerSecond - 1) / kMsPerSecond;
  }
  if (!note.comment.empty()) json["comment"] = note.comment;
}

/// Takes what is on the page, and counts the rest.
class Page {
 public:
  explicit Page(std::uint64_t offset) : offset_(offset) {}

  template <typename Make>
  void add(Make make) {
    if (total_ >= offset_ && elements_.size() < kPage) elements_.push_back(make());
    ++total_;
  }

  void finish(Json& json) {
    const std::uint64_t next = offset_ + elements_.size();
    json["total"] = total_;
    json["elements"] = std::move(elements_);
    if (next < total_) json["next_offset"] = next;
  }

 private:
  std::uint64_t offset_;
  std::uint64_t total_ = 0;
  Json elements_ = Json::array();
};

/// What was added at run time, then what the files say, in runs of addresses.
Json list_elements(const AddressTables* files, const ChangedList& list, std::uint64_t offset) {
  Json json = Json::object();
  Page page(offset);
  Json removed = Json::array();
  for (const auto& [prefix, entry] : list.changes.entries()) {
    if (entry.kind == PrefixChange::Kind::kRemove) {
      if (offset == 0) removed.push_back(to_string(prefix));
      continue;
    }
    page.add([&prefix = prefix, &note = entry.note] {
      Json element = {{"element", to_string(prefix)}, {"run_time", true}};
      add_note(note, element);
      return element;
    });
  }
  if (files != nullptr && !list.flushed) {
    const auto add_runs = [&](const auto& edges, nft::Type type, unsigned bits) {
      for (std::size_t i = 0; i < edges.size(); i += 2) {
        const nft::Value high =
            i + 1 < edges.size() ? nft::Value{edges[i + 1]} - 1 : nft::largest(bits);
        page.add([&] {
          return Json{{"element", nft::format_interval(type, bits, {edges[i], high})}};
        });
      }
    };
    add_runs(files->ipv4.edges(), nft::Type::kIpv4Address, 32);
    add_runs(files->ipv6.edges(), nft::Type::kIpv6Address, 128);
  }
  page.finish(json);
  json["removed"] = std::move(removed);
  return json;
}

/// Elements of one of the rules' sets, as they are shown.
class SetLister {
 public:
  SetLister(const LiveRules& rules, const nft::Set& set)
      : set_(set), changes_(changes_of(rules, set)), age_s_(age_of(rules)) {
    if (set.counters) counters_ = rules.publisher().element_counts(set.name);
  }

  [[nodiscard]] Json shown(const std::string& text) const {
    Json json = {{"element", text}};
    if (set_.counters) {
      const auto found = counters_.find(text);
      const RuleCounter counter = found == counters_.end() ? RuleCounter{} : found->second;
      json["packets"] = counter.packets;
      json["bytes"] = counter.bytes;
    }
    return json;
  }

  [[nodiscard]] Json shown(const nft::Element& element) const {
    Json json = shown(nft::to_text(set_, element));
    if (const RunTimeNote* note = run_time_note(element)) {
      json["run_time"] = true;
      add_note(*note, json);
      return json;
    }
    if (const std::uint64_t end_s = end_of(element); end_s != kNever) {
      json["timeout_s"] = element.timeout_s.value_or(end_s);
      json["expires_s"] = end_s - age_s_;
    }
    if (!element.comment.empty()) json["comment"] = element.comment;
    return json;
  }

  [[nodiscard]] bool is_over(const nft::Element& element) const {
    return run_time_note(element) == nullptr && end_of(element) <= age_s_;
  }

 private:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  static std::uint64_t age_of(const LiveRules& rules) {
    const auto age = LiveRules::Clock::now() - rules.base().loaded_at;
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(age).count());
  }

  /// In seconds since the rules were read.
  [[nodiscard]] std::uint64_t end_of(const nft::Element& element) const {
    return set_.timeouts ? expiry_s(set_, element).value_or(kNever) : kNever;
  }

  [[nodiscard]] const RunTimeNote* run_time_note(const nft::Element& element) const {
    if (changes_ == nullptr) return nullptr;
    const auto found = changes_->entries().find(element.key);
    return found == changes_->entries().end() ? nullptr : &found->second.note;
  }

  const nft::Set& set_;
  const RunTimeSet* changes_;  // null: there are none
  std::uint64_t age_s_;
  std::map<std::string, RuleCounter> counters_;
};

Json set_elements(const LiveRules& rules, const nft::Set& set, std::uint64_t offset) {
  const SetLister lister(rules, set);
  Page page(offset);
  for (const nft::Element& element : set.elements) {
    if (lister.is_over(element)) continue;
    page.add([&] { return lister.shown(element); });
  }
  const RuleTable& table = *rules.current().table();
  const auto more = table.set_prefixes.find(set.name);
  if (more != table.set_prefixes.end()) {
    for (const Prefix& prefix : more->second) {
      page.add([&] { return lister.shown(to_string(prefix)); });
    }
  }
  Json json = {{"flags", flags_json(set)}};
  page.finish(json);
  return json;
}

}  // namespace

Json sets_json(const std::vector<SetSize>& sizes) {
  Json sets = Json::array();
  for (const SetSize& size : sizes) sets.push_back(size_json(size));
  return sets;
}

tl::expected<Json, std::string> set_json(const LiveRules& rules, const std::string& name,
                                         std::uint64_t offset) {
  const RuleSet::Parts& files = rules.base().parts;
  const RunTimeChanges& changes = rules.run_time_changes();
  const std::vector<SetSize> sizes = rules.sets();
  const auto size = std::find_if(sizes.begin(), sizes.end(),
                                 [&](const SetSize& each) { return each.name == name; });
  if (size == sizes.end()) {
    return tl::unexpected(
        fmt::format("there is no set '{}'; afxfwctl list sets shows those there are", name));
  }
  Json json = size_json(*size);
  if (name == "allowlist") {
    json.update(list_elements(files.allow.get(), changes.allow, offset));
  } else if (name == "blocklist") {
    json.update(list_elements(files.block.get(), changes.block, offset));
  } else {
    json.update(set_elements(rules, *rules.current().table()->table.find_set(name), offset));
  }
  return json;
}

Json load_json(const LoadRecord& record) {
  const auto unix_s = [](std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
  };
  Json json = {{"at", unix_s(record.at)}, {"by", record.by}};
  if (record.goes_back_at) json["goes_back_at"] = unix_s(*record.goes_back_at);
  if (record.last_error) json["last_error"] = *record.last_error;
  return json;
}

}  // namespace afxfw
