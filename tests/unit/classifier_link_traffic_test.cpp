// What keeps a host on its link, under rules and lists; and what must not get
// through with it.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "afxfw_abi.h"
#include "harness/packet.h"
#include "harness/rules.h"
#include "pipeline/classifier.h"

namespace afxfw {
namespace {

using test::Arp;
using test::Authentication;
using test::compiled;
using test::DestinationOptions;
using test::Ethernet;
using test::FragmentHeader;
using test::HopByHop;
using test::Icmpv6;
using test::Ipv4;
using test::Ipv6;
using test::Packet;
using test::Payload;
using test::Routing;
using test::RulesInUse;
using test::table;
using test::Tcp;
using test::Udp;
using test::Vlan;

RulesInUse rules(const std::string& lines, const test::TableText& more = {}) {
  return RulesInUse(compiled(table(lines, more)));
}

Packet arp() { return Ethernet{} / Arp{}; }
Packet lldp() { return Ethernet{.type = 0x88cc} / Payload(46); }

// RFC 4861: hop limit 255, code 0.
Packet neighbour(std::uint8_t type = 135, const char* source = "2001:db8::7") {
  return Ethernet{} / Ipv6{.source = source, .hop_limit = 255} / Icmpv6{.type = type} / Payload(20);
}

TEST(LinkTraffic, PassesRulesThatDoNotNameIt) {
  for (const char* line :
       {"drop", "meta length > 0 drop", "meta l4proto ipv6-icmp drop", "ip6 saddr ::/0 drop",
        "ip6 hoplimit 255 drop", "counter drop", "jump other", "goto other"}) {
    RulesInUse in_use = rules(line, {.chains = "chain other {\ndrop\n}", .drop = true});
    EXPECT_EQ(in_use.told(arp()), "accept policy") << line;
    EXPECT_EQ(in_use.told(lldp()), "accept policy") << line;
    for (std::uint8_t type = 133; type <= 137; ++type) {
      EXPECT_EQ(in_use.told(neighbour(type)), "accept policy") << line;
    }
    EXPECT_EQ(in_use.rules().link_traffic(), 0U) << line;
  }
}

TEST(LinkTraffic, ThePolicyDoesNotApplyToIt) {
  RulesInUse in_use =
      rules("ether type 0x88cc accept\nicmpv6 type echo-request accept", {.drop = true});
  EXPECT_EQ(in_use.told(arp()), "accept policy");
  EXPECT_EQ(in_use.told(neighbour()), "accept policy");
  EXPECT_EQ(in_use.told(Ethernet{} / Ipv6{} / Tcp{}), "drop policy");
}

TEST(LinkTraffic, IsSeenByRulesThatNameIt) {
  EXPECT_EQ(rules("ether type arp drop").told(arp()), "drop 1");
  EXPECT_EQ(rules("meta protocol arp drop").told(Ethernet{} / Vlan{} / Arp{}), "drop 1");
  EXPECT_EQ(rules("ether saddr 02:00:00:00:00:01 drop").told(arp()), "drop 1");
  EXPECT_EQ(rules("vlan id 7 drop").told(Ethernet{} / Vlan{.id = 7} / Arp{}), "drop 1");
  EXPECT_EQ(rules("accept\nether type arp drop").told(arp()), "drop 2");
  EXPECT_EQ(rules("icmpv6 type nd-neighbor-solicit drop").told(neighbour(135)), "drop 1");
  EXPECT_EQ(rules("icmpv6 type nd-neighbor-solicit drop").told(neighbour(136)), "accept policy");
  EXPECT_EQ(rules("icmpv6 code 0 ip6 saddr fe80::/10 drop").told(neighbour(134, "fe80::1")),
            "drop 1");
}

TEST(LinkTraffic, OfOneKindIsNotNamedWithTheOther) {
  RulesInUse link = rules("ether saddr 02:00:00:00:00:01 drop");
  EXPECT_EQ(link.told(neighbour()), "accept policy");
  EXPECT_EQ(link.rules().link_traffic(), AFXFW_LINK_NOT_IP);
  RulesInUse icmp = rules("icmpv6 type 133-137 drop");
  EXPECT_EQ(icmp.told(arp()), "accept policy");
  EXPECT_EQ(icmp.rules().link_traffic(), AFXFW_LINK_NEIGHBOUR);
}

TEST(LinkTraffic, GoesWhereRulesThatNameItLead) {
  const std::string chain = "chain link {\ntcp dport 80 drop\ncounter drop\n}";
  EXPECT_EQ(rules("ether type arp jump link", {.chains = chain}).told(arp()), "drop 3");
  EXPECT_EQ(rules("icmpv6 type 135 goto link", {.chains = chain}).told(neighbour()), "drop 3");
  EXPECT_EQ(rules("ether type ip6 jump link", {.chains = chain}).told(arp()), "accept policy");
}

TEST(LinkTraffic, IsAcceptedBehindAGotoAndAReturn) {
  const std::string chain = "chain link {\nmeta length > 0 return\ndrop\n}";
  for (const auto* go : {"goto", "jump"}) {
    RulesInUse in_use =
        rules(std::string("ether type arp ") + go + " link\nicmpv6 type 135 " + go + " link\ndrop",
              {.chains = chain, .drop = true});
    EXPECT_EQ(in_use.told(arp()), "accept policy") << go;
    EXPECT_EQ(in_use.told(neighbour()), "accept policy") << go;
  }
}

TEST(LinkTraffic, IsCountedByRulesThatNameIt) {
  RulesInUse in_use = rules("ether type arp counter\nicmpv6 type 135 counter\ncounter");
  static_cast<void>(in_use.told(arp()));
  static_cast<void>(in_use.told(arp()));
  static_cast<void>(in_use.told(neighbour()));
  EXPECT_EQ(in_use.packets(1), 2U);
  EXPECT_EQ(in_use.packets(2), 1U);
  EXPECT_EQ(in_use.packets(3), 0U);
}

// What only looks like neighbour discovery is a packet as any other.
TEST(LinkTraffic, IsNotWhatARouterPassedOn) {
  RulesInUse in_use = rules("", {.drop = true});
  const Icmpv6 solicit{.type = 135};
  EXPECT_EQ(in_use.told(Ethernet{} / Ipv6{.hop_limit = 254} / solicit / Payload(20)),
            "drop policy");
  EXPECT_EQ(in_use.told(Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 135, .code = 1} /
                        Payload(20)),
            "drop policy");
  EXPECT_EQ(
      in_use.told(Ethernet{} / Ipv6{.hop_limit = 255} / FragmentHeader{} / solicit / Payload(20)),
      "drop policy");
}

TEST(Classifier, LooksThroughAuthenticationHeadersOfIpv6Only) {
  RulesInUse in_use = rules("tcp dport 22 drop\nmeta l4proto ah accept\ntcp dport 23 accept");
  const Tcp ssh{.destination_port = 22};
  EXPECT_EQ(in_use.told(Ethernet{} / Ipv6{} / Authentication{} / ssh), "drop 1");
  EXPECT_EQ(
      in_use.told(Ethernet{} / Ipv6{} / HopByHop{} / Authentication{} / DestinationOptions{} / ssh),
      "drop 1");
  EXPECT_EQ(in_use.told(Ethernet{} / Ipv4{} / Authentication{} / ssh), "accept 2");
}

// Nothing put in front of an address hides it from the blocklist, whatever the
// rules say.
TEST(Classifier, ABlockedAddressIsLetThroughByNoTagAndNoExtensionHeader) {
  RulesInUse in_use(compiled(
      table(
          "vlan id 1-4095 accept\nip6 nexthdr != tcp accept\nether saddr 02:00:00:00:00:01 accept\n"
          "accept"),
      {.blocklist = "198.51.100.7\n2001:db8::7"}));
  const Ipv4 ipv4{.source = "198.51.100.7"};
  const Ipv6 ipv6{.source = "2001:db8::7"};
  const std::vector<Packet> packets = {
      Ethernet{} / Vlan{} / ipv4 / Tcp{},
      Ethernet{} / Vlan{.tag = 0x88a8} / Vlan{} / ipv4 / Udp{},
      Ethernet{} / Ipv4{.source = "198.51.100.7", .options = test::hex("94040000")} / Tcp{},
      Ethernet{} / ipv4 / Authentication{} / Tcp{},
      Ethernet{} / Vlan{} / Vlan{} / ipv6 / Tcp{},
      Ethernet{} / ipv6 / HopByHop{} / Tcp{},
      Ethernet{} / ipv6 / Routing{} / DestinationOptions{} / Udp{},
      Ethernet{} / ipv6 / Authentication{} / Tcp{},
      Ethernet{} / ipv6 / FragmentHeader{.offset = 9} / Payload(64),
      Ethernet{} / ipv6 / Icmpv6{}};
  for (std::size_t i = 0; i < packets.size(); ++i) {
    EXPECT_EQ(in_use.told(packets[i]), "drop blocklist") << "packet " << i;
  }
  EXPECT_EQ(in_use.told(Ethernet{} / Vlan{} / Ipv4{} / Tcp{}), "accept 1");
}

}  // namespace
}  // namespace afxfw
