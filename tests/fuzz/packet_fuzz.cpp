// Packets come from the wire. Any bytes must be parsed and judged without a look
// outside of them, as the rules say it, whatever else is in the batch and whatever
// stands behind the headers.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "afxfw_abi.h"
#include "harness/rule_model.h"
#include "net/packet_view.h"
#include "pipeline/classifier.h"
#include "pipeline/inline_stage.h"
#include "replay/judge.h"
#include "rules/inline_policy.h"
#include "rules/rule_set.h"

namespace afxfw {
namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

/// Every field, sets of each kind, chains, counters and log.
constexpr const char* kRules = R"(
table netdev t {
  set hosts { type ipv4_addr; flags interval; counter
    elements = { 10.0.0.0/8, 192.0.2.0-192.0.2.99, 198.51.100.1 } }
  set hosts6 { type ipv6_addr; flags interval; elements = { 2001:db8:1::/48, fe80::/10 } }
  set macs { type ether_addr; elements = { 02:00:00:00:00:01, 02:00:00:00:00:03 } }
  set ports { type inet_service; flags interval; elements = { 22, 80-90, 443 } }
  set protocols { type inet_proto; elements = { igmp, 47, sctp } }
  set flows { type ipv4_addr . inet_proto . inet_service; flags interval
    elements = { 192.0.2.0/24 . tcp . 1-1023, 10.0.0.0-10.9.9.9 . udp . 53 } }
  set flows6 { type ipv6_addr . inet_service; counter; elements = { 2001:db8::1 . 8080 } }
  chain in {
    type filter hook ingress device "eth0" priority 0; policy drop;
    ether saddr 02:00:00:00:00:09 counter drop
    ether daddr @macs ether type != arp counter
    vlan id 5-9 counter jump tagged
    meta protocol 0x88cc drop
    meta length > 1500 log prefix "long" drop
    ip saddr @hosts ip daddr 192.0.2.1-192.0.2.200 counter accept
    ip6 saddr @hosts6 ip6 daddr != 2001:db8::/32 drop
    ip saddr . ip protocol . th dport @flows counter accept
    ip6 saddr . tcp dport @flows6 accept
    ip dscp { cs1, ef } ip ttl < 5 drop
    ip length 20-40 ip frag-off & 0x1fff != 0 counter drop
    ip6 nexthdr 0-44 ip6 hoplimit <= 1 drop
    ip6 dscp != cs0 counter
    meta l4proto @protocols accept
    meta l4proto { tcp, udp } th sport 1-19 counter drop
    tcp flags & (syn | ack) == syn tcp dport @ports counter accept
    tcp flags rst tcp sport >= 1024 accept
    tcp flags ! syn,fin,rst,psh,ack,urg goto odd
    tcp flags { syn | fin } drop
    udp sport 53 udp dport >= 1024 udp length < 512 accept
    counter th dport 7 drop
    counter th sport 1-9 drop
    icmp type { echo-request, echo-reply } icmp code 0 accept
    icmpv6 type 128-137 icmpv6 code 0 jump echo
    ip saddr & 255.0.0.255 == 10.0.0.1 ip protocol != tcp counter drop
  }
  chain tagged {
    ip saddr 10.0.0.0/8 tcp dport 1-65535 goto odd
    ether type 8021q meta protocol ip6 return
    meta protocol arp ether saddr != @macs drop
  }
  chain echo {
    icmpv6 type nd-redirect drop
    ip6 hoplimit 255 return
    ip6 saddr fe80::/10 accept
  }
  chain odd {
    counter th dport 0-99 drop
    log prefix "odd"
  }
})";

constexpr const char* kLimits = R"(
table netdev t {
  chain in {
    type filter hook ingress device "eth0" priority 0; policy accept;
    limit rate 2/second burst 3 packets log prefix "few" counter
    meta l4proto udp limit rate over 100 bytes/minute counter drop
    ip ttl 1-9 limit rate 1 mbytes/second burst 9 kbytes accept
    icmpv6 type 135 limit rate over 1/hour burst 1 packets drop
  }
})";

/// That names nothing of the link's.
constexpr const char* kDropAll = R"(
table netdev t {
  chain in {
    type filter hook ingress device "eth0" priority 0; policy drop;
    ip saddr 10.0.0.0/8 jump rest
    goto rest
  }
  chain rest { counter drop
  }
})";

std::unique_ptr<const RuleSet> compile_rules(const char* text, const char* blocklist = nullptr) {
  RuleSetSources sources;
  if (text != nullptr) sources.rules = nft::SourceFile{"rules", text};
  if (blocklist != nullptr) sources.blocklists.push_back({"block", blocklist});
  auto compiled = compile(sources, 1);
  if (!compiled) {
    std::fputs(to_string(compiled.error()).c_str(), stderr);
    std::abort();
  }
  return std::move(compiled->rules);
}

/// One frame in memory of exactly its size.
struct Frame {
  explicit Frame(std::span<const std::byte> from)
      : bytes(std::make_unique<std::byte[]>(from.size())), size(from.size()) {
    std::copy(from.begin(), from.end(), bytes.get());
  }
  [[nodiscard]] std::span<std::byte> span() const { return {bytes.get(), size}; }

  std::unique_ptr<std::byte[]> bytes;
  std::size_t size;
};

/// The input is frames, each behind its length in two bytes.
std::vector<Frame> cut(std::span<const std::byte> input) {
  constexpr std::size_t kMostFrames = 200;  // several of classify()'s batches
  std::vector<Frame> frames;
  while (input.size() >= 2 && frames.size() < kMostFrames) {
    const std::size_t wanted =
        static_cast<std::size_t>(input[0]) << 8 | static_cast<std::size_t>(input[1]);
    input = input.subspan(2);
    frames.emplace_back(input.first(std::min(wanted, input.size())));
    input = input.subspan(frames.back().size);
  }
  return frames;
}

struct Judged {
  explicit Judged(const RuleSet& rules, std::span<const PacketView> packets)
      : verdicts(packets.size(), Verdict{Action::kDrop, DropReason::kRule, 12345}),
        evaluation(rules.counter_slots()) {
    evaluation.now_ns = 1'000'000'000;
    classify(rules, packets, verdicts, evaluation);
  }

  std::vector<Verdict> verdicts;
  Evaluation evaluation;
};

bool equal(const Verdict& a, const Verdict& b) {
  return a.action == b.action && a.reason == b.reason && a.rule == b.rule;
}

void require_sane(const RuleSet& rules, const PacketView& packet, const Verdict& verdict) {
  require((verdict.action == Action::kAccept) == (verdict.reason == DropReason::kNone));
  require((packet.status == ParseStatus::kMalformed) == (verdict.reason == DropReason::kMalformed));
  require(verdict.rule == Verdict::kNoRule || verdict.rule < rules.rules().size());
  const bool by_rule =
      verdict.reason == DropReason::kRule || verdict.reason == DropReason::kBlocklist;
  require(!by_rule || verdict.rule != Verdict::kNoRule);
}

bool is_link_traffic(const PacketView& packet) {
  return packet.status == ParseStatus::kNotIp || is_neighbour_discovery(packet);
}

void check_inline(const RuleSet& rules, const PacketView& packet) {
  static const afxfw_inline_policy policy = *parse_inline_policy("udp,tcp/80,47,tcp/8000-9000");
  const afxfw_outcome all = inline_outcome(policy, packet);
  require(all < AFXFW_FALLBACK);
  require((all == AFXFW_DROP_MALFORMED) == (packet.status == ParseStatus::kMalformed));
  require((all == AFXFW_PASS_NOT_IP || all == AFXFW_PASS_NEIGHBOUR) == is_link_traffic(packet));
  const afxfw_outcome named = inline_outcome(policy, packet, rules.link_traffic());
  require(named == (is_link_traffic(packet) ? AFXFW_REDIRECT : all));
}

void check_against_model(const RuleSet& rules, std::span<const PacketView> packets) {
  test::RuleModel model(*rules.table());
  const Judged together(rules, packets);
  std::size_t logged = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const Verdict& verdict = together.verdicts[i];
    require_sane(rules, packets[i], verdict);
    require(equal(verdict, Judged(rules, packets.subspan(i, 1)).verdicts.front()));
    if (packets[i].status == ParseStatus::kMalformed) continue;
    const auto expected = model.judge(packets[i]);
    logged += expected.logged;
    require((verdict.action == Action::kDrop) == expected.drop);
    require(verdict.rule ==
            (expected.rule ? model.index(rules, *expected.rule) : Verdict::kNoRule));
  }
  for (const auto& [place, counter] : model.counted()) {
    const Rule& rule = rules.rules()[model.index(rules, place)];
    const RuleCounter counted = together.evaluation.counters.read(rule.slot);
    require(counted.packets == counter.packets && counted.bytes == counter.bytes);
  }
  require(together.evaluation.log_count + together.evaluation.log_lost == logged);
}

void check_limits(const RuleSet& rules, std::span<const PacketView> packets) {
  const Judged judged(rules, packets);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    require_sane(rules, packets[i], judged.verdicts[i]);
  }
  for (std::size_t i = 0; i < judged.evaluation.log_count; ++i) {
    const LogRequest& request = judged.evaluation.log_requests[i];
    require(request.packet < packets.size());
    require(rules.rules()[request.rule].log_prefix == "few");
  }
}

/// What stands behind the headers makes no difference.
void check_payload(const RuleSet& rules, const PacketView& packet) {
  const Frame other({packet.frame, packet.frame_length});
  const std::span<std::byte> behind = other.span().subspan(header_bytes(packet));
  std::transform(behind.begin(), behind.end(), behind.begin(),
                 [](std::byte each) { return ~each; });
  const PacketView again = parse(other.span());
  require(again.status == packet.status && again.reason == packet.reason);
  require(equal(Judged(rules, {&again, 1}).verdicts.front(),
                Judged(rules, {&packet, 1}).verdicts.front()));
}

/// One tag more hides no packet from a blocklist.
void check_tag(const PacketView& packet) {
  static const auto blocklist = compile_rules(nullptr, "0.0.0.0/1\n8000::/1");
  if (!packet.ok() || packet.vlan_depth == PacketView::kMaxVlanTags) return;
  constexpr std::size_t kMacs = 12;
  constexpr std::array<std::byte, 4> kTag = {std::byte{0x88}, std::byte{0xa8}, {}, std::byte{5}};
  std::vector<std::byte> bytes(packet.frame, packet.frame + packet.frame_length);
  bytes.insert(bytes.begin() + kMacs, kTag.begin(), kTag.end());
  const Frame tagged(bytes);
  const PacketView again = parse(tagged.span());
  require(equal(Judged(*blocklist, {&again, 1}).verdicts.front(),
                Judged(*blocklist, {&packet, 1}).verdicts.front()));
}

void check_unnamed(const RuleSet& rules, const PacketView& packet) {
  const Verdict verdict = Judged(rules, {&packet, 1}).verdicts.front();
  require((verdict.action == Action::kAccept) == is_link_traffic(packet));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto rules = compile_rules(kRules);
  static const auto drop_all = compile_rules(kDropAll);
  const std::vector<Frame> frames = cut(std::as_bytes(std::span(data, size)));
  std::vector<PacketView> packets;
  packets.reserve(frames.size());
  for (const Frame& frame : frames) packets.push_back(parse(frame.span()));
  for (const PacketView& packet : packets) {
    check_inline(*rules, packet);
    check_payload(*rules, packet);
    check_tag(packet);
    check_unnamed(*drop_all, packet);
  }
  check_against_model(*rules, packets);
  // Their buckets remember: anew for each input.
  const auto limits = compile_rules(kLimits);
  check_limits(*limits, packets);
  return 0;
}

}  // namespace afxfw
