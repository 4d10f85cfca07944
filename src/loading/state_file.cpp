#include "loading/state_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "net/prefix.h"
#include "util/json.h"

namespace afxfw {
namespace {

constexpr int kFormat = 1;

std::string line(const Json& json) { return json_text(json) + "\n"; }

void add_note(const RunTimeNote& note, const StateClock& clock, Json& json) {
  if (note.timeout_s) json["timeout_s"] = *note.timeout_s;
  if (note.expires_ms) json["expires_unix_ms"] = *note.expires_ms + clock.unix_ms - clock.now_ms;
  if (!note.comment.empty()) json["comment"] = note.comment;
}

void format_list(const char* name, const ChangedList& list, const StateClock& clock,
                 std::string& text) {
  if (!list.present) return;
  text += line({{"list", name}});
  std::vector<std::pair<const Prefix*, const RunTimeList::Entry*>> entries;
  for (const auto& [prefix, entry] : list.changes.entries()) entries.emplace_back(&prefix, &entry);
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.second->sequence < b.second->sequence; });
  for (const auto& [prefix, entry] : entries) {
    const bool add = entry->kind == PrefixChange::Kind::kAdd;
    Json json = {{add ? "add" : "remove", to_string(*prefix)}};
    add_note(entry->note, clock, json);
    text += line(json);
  }
}

/// Values have up to 128 bits, which JSON has not.
std::string hex(nft::Value value) {
  return fmt::format("{:x}:{:x}", static_cast<std::uint64_t>(value >> 64),
                     static_cast<std::uint64_t>(value));
}

void format_set(const std::string& name, const RunTimeSet& set, const StateClock& clock,
                std::string& text) {
  text += line({{"set", name}, {"type", set.type()}});
  for (const auto& [key, entry] : set.entries()) {
    Json values = Json::array();
    for (const nft::Interval& interval : key) {
      values.push_back({hex(interval.low), hex(interval.high)});
    }
    Json json = {{entry.added ? "add" : "remove", std::move(values)}};
    add_note(entry.note, clock, json);
    text += line(json);
  }
}

/// Reads lines, each of which is about what the last "list" or "set" line named.
class StateReader {
 public:
  explicit StateReader(const StateClock& clock) : clock_(clock) {}

  /// Throws nlohmann's exceptions and std::invalid_argument.
  void read(const Json& json) {
    if (json.contains("list")) {
      const auto list = json.at("list").get<std::string>();
      list_ = list == "allowlist"   ? &changes_.allow
              : list == "blocklist" ? &changes_.block
                                    : nullptr;
      set_ = nullptr;
      if (list_ == nullptr) throw std::invalid_argument("there is no list of this name");
      list_->present = true;
    } else if (json.contains("set")) {
      list_ = nullptr;
      set_ = &changes_.sets[json.at("set").get<std::string>()];
      *set_ = RunTimeSet(json.at("type").get<std::string>());
    } else {
      read_element(json);
    }
  }

  [[nodiscard]] RunTimeChanges take() { return std::move(changes_); }

 private:
  void read_element(const Json& json) {
    const bool add = json.contains("add");
    const Json& what = json.at(add ? "add" : "remove");
    const RunTimeNote note = read_note(json);
    if (note.expires_ms && *note.expires_ms <= clock_.now_ms) return;
    if (list_ != nullptr) {
      const auto prefix = parse_prefix(what.get_ref<const std::string&>());
      if (!prefix) throw std::invalid_argument("this is no prefix");
      add ? list_->changes.add(prefix->prefix, note) : list_->changes.remove(prefix->prefix);
    } else if (set_ != nullptr) {
      const std::vector<nft::Interval> key = read_key(what);
      add ? set_->add(key, note) : set_->remove(key);
    } else {
      throw std::invalid_argument("no list or set is named before this element");
    }
  }

  [[nodiscard]] RunTimeNote read_note(const Json& json) const {
    RunTimeNote note;
    if (json.contains("timeout_s")) note.timeout_s = read_whole_number(json, "timeout_s");
    if (json.contains("comment")) note.comment = json.at("comment").get<std::string>();
    if (json.contains("expires_unix_ms")) {
      const std::uint64_t expires = read_whole_number(json, "expires_unix_ms");
      const std::uint64_t left = expires > clock_.unix_ms ? expires - clock_.unix_ms : 0;
      note.expires_ms = clock_.now_ms + left;
    }
    return note;
  }

  /// The library makes one of any number, but for some there is none.
  static std::uint64_t read_whole_number(const Json& json, const char* name) {
    const Json& number = json.at(name);
    if (!number.is_number_unsigned()) {
      throw std::invalid_argument(fmt::format("{} is no whole number", name));
    }
    return number.get<std::uint64_t>();
  }

  static nft::Value read_value(const std::string& text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos) throw std::invalid_argument("this is no value");
    return nft::Value{std::stoull(text.substr(0, colon), nullptr, 16)} << 64 |
           std::stoull(text.substr(colon + 1), nullptr, 16);
  }

  static std::vector<nft::Interval> read_key(const Json& json) {
    std::vector<nft::Interval> key;
    for (const Json& interval : json) {
      key.push_back({read_value(interval.at(0).get<std::string>()),
                     read_value(interval.at(1).get<std::string>())});
      if (key.back().low > key.back().high) throw std::invalid_argument("this is no interval");
    }
    if (key.empty() || key.size() > nft::kMaxConcatenation) {
      throw std::invalid_argument("this is no key");
    }
    return key;
  }

  StateClock clock_;
  RunTimeChanges changes_;
  ChangedList* list_ = nullptr;
  RunTimeSet* set_ = nullptr;
};

}  // namespace

std::string format_state(const RunTimeChanges& changes, const StateClock& clock) {
  std::string text = line({{"afxfw_state", kFormat}});
  format_list("allowlist", changes.allow, clock, text);
  format_list("blocklist", changes.block, clock, text);
  for (const auto& [name, set] : changes.sets) {
    if (!set.entries().empty()) format_set(name, set, clock, text);
  }
  return text;
}

tl::expected<RunTimeChanges, std::string> parse_state(std::string_view text,
                                                      const StateClock& clock) {
  StateReader reader(clock);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t length = std::min(text.find('\n'), text.size());
    const Json json = parse_json(text.substr(0, length));
    text.remove_prefix(std::min(length + 1, text.size()));
    try {
      if (!json.is_object()) throw std::invalid_argument("this is no JSON object");
      if (number == 1) {
        // Not by value(): a number may be none that an int holds.
        if (const auto format = json.find("afxfw_state");
            format == json.end() || *format != kFormat) {
          throw std::invalid_argument("this is no state of afxfw's that this version can read");
        }
        continue;
      }
      reader.read(json);
    } catch (const std::exception& error) {
      return tl::unexpected(fmt::format("line {}: {}", number, error.what()));
    }
  }
  return reader.take();
}

}  // namespace afxfw
