// Rule files come from people and their generators. Any bytes must be taken or be
// refused with a reason; what is taken must survive being listed and read again,
// and once compiled mean what it says.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "harness/packet.h"
#include "harness/rule_model.h"
#include "loading/rules_report.h"
#include "net/packet_view.h"
#include "pipeline/classifier.h"
#include "rules/nft_listing.h"
#include "rules/nft_parser.h"
#include "rules/rule_set.h"
#include "rules/rule_warnings.h"

namespace afxfw {
namespace {
using test::Arp;
using test::Bytes;
using test::Ethernet;
using test::Icmp;
using test::Icmpv6;
using test::Ipv4;
using test::Ipv6;
using test::Payload;
using test::Tcp;
using test::Udp;
using test::Vlan;

void require(bool condition) {
  if (!condition) std::abort();
}

void require_printable(const std::string& text) {
  for (const char c : text) require((c < 0 || c >= ' ' || c == '\n' || c == '\t') && c != '\x7f');
}

/// Files that include each other, one of them the input, and a pattern.
nft::IncludeReader reader(std::string_view input) {
  using Files = tl::expected<std::vector<nft::SourceFile>, std::string>;
  // Enough for the limit on depth; to reach the limit on files would take a second.
  return [input, left = 40](const std::string& path) mutable -> Files {
    const nft::SourceFile names{"names", "define net = 192.0.2.0/24\ndefine web = { 80, 443 }\n"};
    if (path == "self" && left-- > 0) {
      return std::vector<nft::SourceFile>{{path, std::string(input)}};
    }
    if (path == "names") return std::vector<nft::SourceFile>{names};
    if (path == "*") return std::vector<nft::SourceFile>{names, {"more", "include \"names\""}};
    return tl::unexpected(std::string("no such file"));
  };
}

const std::vector<Bytes>& frames() {
  static const std::vector<Bytes> all = [] {
    const Ipv4 ipv4{.source = "192.0.2.7", .destination = "198.51.100.1"};
    const Ipv6 ipv6{.source = "2001:db8::7"};
    return std::vector<Bytes>{
        (Ethernet{} / ipv4 / Tcp{.destination_port = 80}).bytes(),
        (Ethernet{} / ipv4 / Tcp{.destination_port = 443, .flags = 0x12}).bytes(),
        (Ethernet{} / ipv4 / Udp{} / Payload(32)).bytes(),
        (Ethernet{} / ipv4 / Icmp{}).bytes(),
        (Ethernet{} / Vlan{.id = 5} / ipv4 / Udp{.destination_port = 123}).bytes(),
        (Ethernet{} / Vlan{.id = 5, .tag = 0x88a8} / Vlan{.id = 6} / ipv6 / Tcp{}).bytes(),
        (Ethernet{} / Ipv4{.source = "192.0.2.7", .fragment_offset = 9, .protocol = 17} /
         Payload(40))
            .bytes(),
        (Ethernet{} / Ipv4{.protocol = 132} / Payload(12)).bytes(),
        (Ethernet{} / Ipv4{} / Payload(3)).bytes(),
        (Ethernet{} / ipv6 / Udp{}).bytes(),
        (Ethernet{} / ipv6 / Icmpv6{}).bytes(),
        (Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 135} / Payload(20)).bytes(),
        (Ethernet{} / Arp{}).bytes(),
        (Ethernet{.type = 0x88cc} / Payload(46)).bytes(),
        (Ethernet{.type = 0x0800} / Payload(3)).bytes(),
    };
  }();
  return all;
}

struct Judged {
  std::vector<Verdict> verdicts;
  Evaluation evaluation;
};

Judged judge(const RuleSet& rules, const std::vector<PacketView>& packets) {
  Judged judged{std::vector<Verdict>(packets.size()), Evaluation(rules.counter_slots())};
  classify(rules, packets, judged.verdicts, judged.evaluation);
  return judged;
}

/// Compiled rules do what the rules say.
void compare_with_model(const RuleSet& rules) {
  test::RuleModel model(*rules.table());
  if (!model.applies()) return;
  std::vector<PacketView> packets;
  for (const Bytes& frame : frames()) packets.push_back(parse(frame));
  const Judged judged = judge(rules, packets);
  std::size_t logged = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    if (packets[i].status == ParseStatus::kMalformed) continue;
    const auto expected = model.judge(packets[i]);
    logged += expected.logged;
    require((judged.verdicts[i].action == Action::kDrop) == expected.drop);
    require(judged.verdicts[i].rule ==
            (expected.rule ? model.index(rules, *expected.rule) : Verdict::kNoRule));
  }
  require(judged.evaluation.log_count + judged.evaluation.log_lost == logged);
  for (const auto& [place, counter] : model.counted()) {
    const Rule& rule = rules.rules()[model.index(rules, place)];
    const RuleCounter counted = judged.evaluation.counters.read(rule.slot);
    require(counted.packets == counter.packets && counted.bytes == counter.bytes);
  }
}

void check_rules(const RuleSetSources& sources) {
  const auto compiled = compile(sources, 1);
  if (!compiled) return require(!compiled.error().empty());  // sets that are too large
  const RuleSet& rules = *compiled->rules;
  compare_with_model(rules);
  for (const std::string& warning : find_warnings(rules)) require_printable(warning);
  require_printable(rules_report(rules, 0.001));
  if (const auto age_s = rules.next_expiry_s()) {
    const auto aged = rules.aged(2, *age_s);
    require(!aged->next_expiry_s() || *aged->next_expiry_s() > *age_s);
    require(aged->rules().size() == rules.rules().size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const nft::SourceFile file{"input", text};
  const nft::IncludeReader include = reader(text);
  const auto table = nft::parse_rules(file, include);
  if (!table) {
    require(!table.error().empty());
    require_printable(to_string(table.error()));
    return 0;
  }
  const std::string listing = nft::to_text(*table);
  require_printable(listing);
  const auto again = nft::parse_rules({"listing", listing}, include);
  require(again.has_value() && nft::to_text(*again) == listing);

  RuleSetSources sources;
  sources.rules = file;
  sources.include = include;
  check_rules(sources);
  // What was listed means the same.
  sources.rules = nft::SourceFile{"listing", listing};
  check_rules(sources);
  return 0;
}

}  // namespace afxfw
