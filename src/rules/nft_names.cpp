#include "rules/nft_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace afxfw::nft {
namespace {

using Kind = Token::Kind;

// What nft (1.0.6) refuses as the name of a chain, found by trying. Sorted.
constexpr std::array<std::string_view, 150> kReserved = {
    "accept",   "add",       "ah",      "all",      "and",      "arp",         "auto-merge",
    "bridge",   "cgroup",    "chain",   "comment",  "comp",     "constant",    "continue",
    "counter",  "cpu",       "create",  "ct",       "day",      "dccp",        "define",
    "delete",   "describe",  "device",  "devices",  "dnat",     "drop",        "dst",
    "dup",      "dynamic",   "ecn",     "element",  "elements", "eq",          "esp",
    "ether",    "exists",    "expires", "export",   "exthdr",   "fib",         "flags",
    "flow",     "flowtable", "flush",   "frag",     "fwd",      "gc-interval", "ge",
    "get",      "goto",      "handle",  "hbh",      "hook",     "hour",        "ibriport",
    "ibrname",  "icmp",      "icmpv6",  "igmp",     "iif",      "iifgroup",    "iifname",
    "iiftype",  "import",    "include", "index",    "inet",     "insert",      "interval",
    "ip",       "ip6",       "ipsec",   "jhash",    "jump",     "le",          "limit",
    "list",     "log",       "lt",      "map",      "mark",     "masquerade",  "meta",
    "meter",    "mh",        "missing", "monitor",  "ne",       "netdev",      "nftrace",
    "not",      "notrack",   "numgen",  "obriport", "obrname",  "offload",     "oif",
    "oifgroup", "oifname",   "oiftype", "or",       "osf",      "pkttype",     "policy",
    "position", "priority",  "queue",   "quota",    "random",   "redefine",    "redirect",
    "reject",   "rename",    "replace", "reset",    "return",   "rt",          "rt0",
    "rt2",      "rtclassid", "rule",    "ruleset",  "sctp",     "secmark",     "set",
    "size",     "skgid",     "skuid",   "snat",     "socket",   "srh",         "symhash",
    "synproxy", "table",     "tcp",     "th",       "time",     "timeout",     "tproxy",
    "type",     "typeof",    "udp",     "udplite",  "undefine", "update",      "vlan",
    "vmap",     "xor",       "xt"};

constexpr std::string_view kNoConntrack =
    "connection tracking begins behind this hook; match tcp flags instead, or keep this rule in "
    "nft";
constexpr std::string_view kNoNat =
    "addresses are translated behind this hook; keep this rule in nft";
constexpr std::string_view kNoReject =
    "in front of the stack there is nothing that could answer; write: drop";
constexpr std::string_view kNoMark = "packets have no such metadata yet in front of the stack";
constexpr std::string_view kOneInterface =
    "all packets come from the interface that afxfw runs on; leave this out";
constexpr std::string_view kNoLocal = "no socket or route is known yet in front of the stack";
constexpr std::string_view kOtherHeader =
    "afxfw does not look into this header; match meta l4proto, and th sport or th dport for ports";
constexpr std::string_view kExtension =
    "afxfw looks through extension headers, not into them; match ip6 nexthdr or meta l4proto";
constexpr std::string_view kWhole =
    "afxfw replaces all its rules at once when it reads them; leave this line out";
constexpr std::string_view kNoCopy = "afxfw sends packets nowhere else; see --reinject dev:NAME";

constexpr std::array<std::pair<std::string_view, std::string_view>, 61> kUnsupported = {{
    {"add", "write the table as a block: table netdev NAME { … }"},
    {"ah", kOtherHeader},
    {"arp", "afxfw does not look into ARP; match ether type arp"},
    {"cgroup", kNoLocal},
    {"comp", kOtherHeader},
    {"cpu", kNoMark},
    {"create", "write the table as a block: table netdev NAME { … }"},
    {"ct", kNoConntrack},
    {"dccp", kOtherHeader},
    {"delete", kWhole},
    {"destroy", kWhole},
    {"dnat", kNoNat},
    {"dst", kExtension},
    {"dup", kNoCopy},
    {"ecn", "write tcp flags ecn"},
    {"element", "write the elements into the set: elements = { … }"},
    {"esp", kOtherHeader},
    {"exthdr", kExtension},
    {"fib", kNoLocal},
    {"flow", "flows are not offloaded from this hook; leave this out"},
    {"flowtable", "flows are not offloaded from this hook; leave this out"},
    {"flush", kWhole},
    {"frag", kExtension},
    {"fwd", kNoCopy},
    {"hbh", kExtension},
    {"igmp", "afxfw does not look into IGMP; match ip protocol igmp"},
    {"iif", kOneInterface},
    {"iifgroup", kOneInterface},
    {"iifname", kOneInterface},
    {"iiftype", kOneInterface},
    {"ipsec", kNoLocal},
    {"jhash", "afxfw computes no hashes; receive queues spread the load already"},
    {"map", "afxfw has no maps; write a rule for each verdict, with a set of what leads to it"},
    {"mark", kNoMark},
    {"masquerade", kNoNat},
    {"meter", "afxfw has no meters; write limit rate, which counts all packets of a rule"},
    {"mh", kExtension},
    {"notrack", kNoConntrack},
    {"numgen", "afxfw has no number generators"},
    {"oif", kNoLocal},
    {"oifname", kNoLocal},
    {"osf", "afxfw does not guess operating systems"},
    {"pkttype", kNoMark},
    {"queue", "packets go to no other program from here; write log, or capture them"},
    {"quota", "afxfw has no quotas; write limit rate with mbytes"},
    {"redefine", "write define with a name of its own"},
    {"redirect", kNoNat},
    {"reject", kNoReject},
    {"reset", kWhole},
    {"rt", kNoLocal},
    {"rule", "write the rule into its chain: chain NAME { … }"},
    {"sctp", kOtherHeader},
    {"secmark", kNoMark},
    {"skuid", kNoLocal},
    {"snat", kNoNat},
    {"socket", kNoLocal},
    {"synproxy", kNoReject},
    {"tproxy", kNoNat},
    {"udplite", kOtherHeader},
    {"undefine", "names stay defined; leave this line out"},
    {"vmap", "afxfw has no maps; write a rule for each verdict, with a set of what leads to it"},
}};

}  // namespace

std::string parse_name(TokenStream& tokens, std::string_view what) {
  const Token token = tokens.peek();
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (token.kind != Kind::kWord || !letter(token.text.front()) ||
      token.text.find(':') != std::string_view::npos) {
    tokens.fail(fmt::format("expected {}, beginning with a letter", what));
  }
  if (std::binary_search(kReserved.begin(), kReserved.end(), token.text)) {
    tokens.fail(fmt::format("expected {}; this is a word of the language", what));
  }
  constexpr std::size_t kMostBytes = 127;
  if (token.text.size() > kMostBytes) {
    tokens.fail(fmt::format("{} has at most {} bytes", what, kMostBytes));
  }
  tokens.take();
  return std::string(token.text);
}

std::string_view why_unsupported(std::string_view word) noexcept {
  for (const auto& [name, why] : kUnsupported) {
    if (name == word) return why;
  }
  return {};
}

}  // namespace afxfw::nft
