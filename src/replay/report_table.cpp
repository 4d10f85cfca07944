#include <fmt/format.h>

#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "replay/report.h"
#include "rules/inline_policy.h"
#include "util/number_text.h"
#include "util/printable.h"

namespace afxfw {
namespace {

constexpr std::size_t kIndent = 2;
/// What --inline-drop may take of a line before it is cut.
constexpr std::size_t kLongestPolicy = 60;

/// "LABEL  PACKETS  SHARE  BYTES  NOTE", indented by its level.
std::string line(std::size_t level, std::string_view label, std::uint64_t packets,
                 std::uint64_t of_packets, std::optional<std::uint64_t> bytes,
                 std::string_view note = "") {
  const std::string indented = std::string(level * kIndent, ' ').append(label);
  const std::string share = of_packets == 0
                                ? ""
                                : fmt::format("{:.1f} %", 100 * static_cast<double>(packets) /
                                                              static_cast<double>(of_packets));
  std::string text = fmt::format("{:<34}{:>14}{:>9}{:>18}", indented, grouped(packets), share,
                                 bytes ? grouped(*bytes) : "");
  if (!note.empty()) text += fmt::format("  {}", note);
  text.erase(text.find_last_not_of(' ') + 1);
  return text + '\n';
}

std::string packets(std::uint64_t count) {
  return grouped(count) + (count == 1 ? " packet" : " packets");
}

class Table {
 public:
  Table(const ReplayResult& result, const Filter& filter) : result_(result), filter_(filter) {}

  std::string text() {
    files();
    text_ += fmt::format("{:<34}{:>14}{:>9}{:>18}\n", "", "packets", "", "bytes");
    add(0, "all", result_.all);
    add(1, "accepted", result_.accepted);
    add(1, "dropped", result_.dropped);
    if (result_.not_judged.packets != 0) {
      add(1, "not judged", result_.not_judged, "the capture cut off their headers");
    }
    xdp();
    workers();
    rules();
    elements();
    return std::move(text_);
  }

 private:
  void add(std::size_t level, std::string_view label, const afxfw_counter& counter,
           std::string_view note = "") {
    text_ += line(level, label, counter.packets, result_.all.packets, counter.bytes, note);
  }

  void add_count(std::size_t level, std::string_view label, std::uint64_t packets) {
    if (packets == 0) return;
    text_ += line(level, label, packets, result_.all.packets, std::nullopt);
  }

  void files() {
    for (const FileResult& file : result_.files) {
      text_ += fmt::format("{}: {}, {}, {} bytes", printable(file.name), file.link_type,
                           packets(file.all.packets), grouped(file.all.bytes));
      if (file.time) text_ += fmt::format(", {:.6f} s", file.time->seconds());
      if (!file.damage.empty()) text_ += ", incomplete";
      text_ += '\n';
    }
    if (result_.truncated != 0) {
      text_ += fmt::format("cut by a snap length: {}\n", packets(result_.truncated));
    }
    text_ += '\n';
  }

  void xdp() {
    const auto& outcomes = result_.inline_outcomes;
    std::string policy = to_string(filter_.policy);
    if (policy.size() > kLongestPolicy) policy = policy.substr(0, kLongestPolicy) + "...";
    text_ += fmt::format("\ninline, by XDP: --inline-drop {}\n", policy);
    add(1, "dropped: protocol", outcomes[AFXFW_DROP_PROTOCOL]);
    add(1, "dropped: port", outcomes[AFXFW_DROP_PORT]);
    add(1, "dropped: malformed", outcomes[AFXFW_DROP_MALFORMED]);
    for (std::size_t i = 0; i < kMalformedNames.size(); ++i) {
      add_count(2, kMalformedNames[i], result_.malformed[i]);
    }
    add(1, "passed: not IP", outcomes[AFXFW_PASS_NOT_IP]);
    add(1, "passed: neighbour discovery", outcomes[AFXFW_PASS_NEIGHBOUR]);
    add(1, "to the workers", outcomes[AFXFW_REDIRECT]);
  }

  void workers() {
    text_ += "\nby the workers\n";
    add(1, "accepted", result_.worker_accepted);
    add(1, "dropped", result_.worker_dropped);
    for (std::size_t i = 1; i < kDropReasonCount; ++i) {  // 0 is no reason
      add_count(2, kDropReasonNames[i], result_.drop_reasons[i]);
    }
  }

  void rules() {
    const std::span<const Rule> rules = filter_.rules.rules();
    if (rules.empty()) return;
    text_ += "\nrules, by what they decided\n";
    for (std::size_t i = 0; i < rules.size(); ++i) {
      std::string note = printable(rules[i].text);
      const auto& counter = result_.counters[i];
      if (counter && counter->packets != result_.rules[i].packets) {
        note += fmt::format("  (counter: {})", packets(counter->packets));
      }
      add(1, fmt::format("{}", rules[i].handle), result_.rules[i], note);
    }
  }

  void elements() {
    const std::vector<CountedElement> all = filter_.rules.counted_elements();
    if (all.empty()) return;
    text_ += "\nelements that counted\n";
    for (std::size_t i = 0; i < all.size(); ++i) {
      const RuleCounter& counter = result_.elements[i];
      if (counter.packets == 0) continue;
      text_ +=
          line(1, all[i].set, counter.packets, result_.all.packets, counter.bytes, all[i].text);
    }
  }

  const ReplayResult& result_;
  const Filter& filter_;
  std::string text_;
};

}  // namespace

std::string report_table(const ReplayResult& result, const Filter& filter) {
  return Table(result, filter).text();
}

}  // namespace afxfw
