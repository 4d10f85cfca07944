#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <netinet/in.h>

#include <array>
#include <string>
#include <vector>

#include "harness/packet.h"
#include "program_under_test.h"

namespace afxfw::test {
namespace {

/// What the ABI says each outcome does, under fallback "pass".
Judgement judgement(afxfw_outcome outcome, std::size_t bytes) {
  switch (outcome) {
    case AFXFW_PASS_NOT_IP:
    case AFXFW_PASS_NEIGHBOUR:
    case AFXFW_FALLBACK:
      return {XDP_PASS, outcome, bytes};
    case AFXFW_REDIRECT:
      return {XDP_REDIRECT, outcome, bytes};
    default:
      return {XDP_DROP, outcome, bytes};
  }
}

class Classify : public testing::Test {
 protected:
  void SetUp() override { AFXFW_SKIP_WITHOUT_BPF(); }

  /// Loads the program with a socket on queue 0.
  void load(const afxfw_inline_policy& policy) {
    program_ = std::make_unique<ProgramUnderTest>(policy);
    program_->add_socket(0);
  }

  void expect(afxfw_outcome outcome, const Bytes& frame, const std::string& what = {}) {
    EXPECT_EQ(program_->run(frame), judgement(outcome, frame.size())) << what;
  }
  void expect(afxfw_outcome outcome, const Packet& packet, const std::string& what = {}) {
    expect(outcome, packet.bytes(), what);
  }

  ProgramUnderTest& program() { return *program_; }

 private:
  std::unique_ptr<ProgramUnderTest> program_;
};

Bytes first_bytes(const Bytes& frame, std::size_t count) {
  return {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(count)};
}

constexpr std::size_t kShortest = ProgramUnderTest::kShortestFrame;

// --- the default policy: all UDP, and TCP to port 80 -------------------------

class DefaultPolicy : public Classify {
 protected:
  void SetUp() override {
    AFXFW_SKIP_WITHOUT_BPF();
    load(default_policy());
  }
};

TEST_F(DefaultPolicy, DropsUdp) {
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv4{} / Udp{} / Payload(100));
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv6{} / Udp{} / Payload(100));
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv4{} / Udp{.checksum = 0});
}

TEST_F(DefaultPolicy, DropsTcpToPort80Only) {
  for (const std::uint16_t port : std::array<std::uint16_t, 7>{0, 16, 79, 81, 443, 20480, 65535}) {
    expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Tcp{.destination_port = port});
    expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} / Tcp{.destination_port = port});
  }
  expect(AFXFW_DROP_PORT, Ethernet{} / Ipv4{} / Tcp{.destination_port = 80});
  expect(AFXFW_DROP_PORT, Ethernet{} / Ipv6{} / Tcp{.destination_port = 80} / Payload(5));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Tcp{.source_port = 80});
}

TEST_F(DefaultPolicy, RedirectsEverythingElse) {
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Icmp{} / Payload(56));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} / Icmpv6{} / Payload(56));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{.protocol = IPPROTO_SCTP} / Payload(12));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{.protocol = IPPROTO_GRE});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Ipv4{} / Udp{});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Authentication{} / Udp{});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{.next_header = IPPROTO_ESP} / Payload(40));
  expect(AFXFW_REDIRECT, Packet(Ethernet{}) / Ipv6{});
}

TEST_F(DefaultPolicy, PassesWhatIsNotIp) {
  expect(AFXFW_PASS_NOT_IP, Ethernet{.destination = "ff:ff:ff:ff:ff:ff"} / Arp{});
  expect(AFXFW_PASS_NOT_IP, Ethernet{} / Vlan{} / Arp{});
  expect(AFXFW_PASS_NOT_IP, Ethernet{} / Vlan{} / Vlan{} / Arp{});
  expect(AFXFW_PASS_NOT_IP, Ethernet{.type = 0x88cc} / Payload(50));  // LLDP
  expect(AFXFW_PASS_NOT_IP, Ethernet{.type = 0x8864} / Payload(50));  // PPPoE session
  expect(AFXFW_PASS_NOT_IP, Ethernet{.type = 46} / Payload(46));      // 802.3 length
  expect(AFXFW_PASS_NOT_IP, Ethernet{.type = 1500} / Payload(1500));
  expect(AFXFW_PASS_NOT_IP, Packet(Ethernet{}));
}

TEST_F(DefaultPolicy, LooksBehindVlanTags) {
  for (const std::uint16_t tag : std::array<std::uint16_t, 2>{0x8100, 0x88a8}) {
    const Packet one = Ethernet{} / Vlan{.id = 5, .priority = 7, .tag = tag};
    const Packet two = one / Vlan{.id = 6};
    for (const Packet& outer : {one, two}) {
      expect(AFXFW_DROP_PROTOCOL, outer / Ipv4{} / Udp{});
      expect(AFXFW_DROP_PROTOCOL, outer / Ipv6{} / Udp{});
      expect(AFXFW_DROP_PORT, outer / Ipv4{.options = Bytes(8)} / Tcp{.destination_port = 80});
      expect(AFXFW_REDIRECT, outer / Ipv6{} / Tcp{.destination_port = 81});
    }
    expect(AFXFW_DROP_MALFORMED, two / Vlan{.id = 7} / Ipv4{} / Tcp{});
    expect(AFXFW_DROP_MALFORMED, two / Vlan{.id = 7} / Arp{});
  }
}

TEST_F(DefaultPolicy, LooksBehindIpv4OptionsOfEachLength) {
  for (std::size_t size = 0; size <= 40; size += 4) {
    const Packet outer = Ethernet{} / Ipv4{.options = Bytes(size)};
    expect(AFXFW_DROP_PROTOCOL, outer / Udp{});
    expect(AFXFW_DROP_PORT, outer / Tcp{.destination_port = 80});
    expect(AFXFW_REDIRECT, outer / Tcp{.destination_port = 8080});
  }
}

TEST_F(DefaultPolicy, LooksBehindEachExtensionHeader) {
  const std::vector<Layer> headers = {
      HopByHop{},
      HopByHop{.options = Bytes(30)},
      DestinationOptions{},
      DestinationOptions{.options = Bytes(2046)},  // the longest
      Routing{},
      Routing{.segments_left = 2, .data = Bytes(36)},
      Authentication{},
      Authentication{.check_value = Bytes(1012)},  // the longest: a multiple of 8
      FragmentHeader{},
      FragmentHeader{.reserved = 0xff},
  };
  for (const Layer& header : headers) {
    const std::string which = "header " + std::to_string(header.get().index());
    const Packet outer = Ethernet{} / Ipv6{} / header;
    expect(AFXFW_DROP_PROTOCOL, outer / Udp{} / Payload(3), which);
    expect(AFXFW_DROP_PORT, outer / Tcp{.destination_port = 80}, which);
    expect(AFXFW_REDIRECT, outer / Tcp{.destination_port = 8080}, which);
    expect(AFXFW_REDIRECT, outer / Icmpv6{}, which);
  }
}

TEST_F(DefaultPolicy, LooksBehindUpToEightExtensionHeaders) {
  Packet packet = Ethernet{} / Vlan{} / Vlan{} / Ipv6{};
  for (int count = 0; count <= 10; ++count) {
    const std::string which = std::to_string(count) + " headers";
    expect(count <= 8 ? AFXFW_DROP_PROTOCOL : AFXFW_DROP_MALFORMED, packet / Udp{}, which);
    expect(count <= 8 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED, packet / Tcp{}, which);
    packet /= DestinationOptions{.options = Bytes(static_cast<std::size_t>(count) * 8)};
  }
}

TEST_F(DefaultPolicy, LooksBehindEightOfTheLongestExtensionHeaders) {
  // As many as BPF_PROG_TEST_RUN takes in one page.
  Packet packet = Ethernet{} / Ipv6{} / DestinationOptions{.options = Bytes(2046)} /
                  Authentication{.check_value = Bytes(1012)};
  for (int count = 2; count < 8; ++count) packet /= HopByHop{};
  expect(AFXFW_DROP_PROTOCOL, packet / Udp{});
  expect(AFXFW_DROP_PORT, packet / Tcp{.destination_port = 80});
}

TEST_F(DefaultPolicy, DropsEveryFragmentOfADroppedProtocol) {
  for (const Packet& packet : fragments(Ethernet{} / Ipv4{} / Udp{} / Payload(300), 96)) {
    expect(AFXFW_DROP_PROTOCOL, packet);
  }
  for (const Packet& packet : fragments(Ethernet{} / Vlan{} / Ipv6{} / Udp{} / Payload(300), 96)) {
    expect(AFXFW_DROP_PROTOCOL, packet);
  }
  for (const Packet& packet :
       fragments(Ethernet{} / Ipv6{} / HopByHop{} / Routing{} / Udp{} / Payload(300), 96)) {
    expect(AFXFW_DROP_PROTOCOL, packet);
  }
}

TEST_F(DefaultPolicy, DropsTheFirstFragmentToADroppedPort) {
  for (const Packet& whole : {Ethernet{} / Ipv4{} / Tcp{.destination_port = 80} / Payload(100),
                              Ethernet{} / Ipv6{} / Tcp{.destination_port = 80} / Payload(100)}) {
    const std::vector<Packet> pieces = fragments(whole, 48);
    ASSERT_EQ(pieces.size(), 3u);
    expect(AFXFW_DROP_PORT, pieces[0]);
    expect(AFXFW_REDIRECT, pieces[1]);  // no ports there
    expect(AFXFW_REDIRECT, pieces[2]);
  }
}

TEST_F(DefaultPolicy, NeverTakesALaterFragmentsPayloadForPorts) {
  const Bytes looks_like_port_80 = hex("9c40 0050 0000 0001 0000 0000 5002 ffff 0000 0000");
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{.fragment_offset = 10, .protocol = IPPROTO_TCP} /
                             Payload(looks_like_port_80));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} /
                             FragmentHeader{.offset = 10, .next_header = IPPROTO_TCP} /
                             Payload(looks_like_port_80));
}

TEST_F(DefaultPolicy, GoesNoFurtherInALaterFragmentOfAnExtensionHeader) {
  const std::vector<Packet> pieces =
      fragments(Ethernet{} / Ipv6{} / DestinationOptions{} / Udp{} / Payload(100), 64);
  ASSERT_EQ(pieces.size(), 2u);
  expect(AFXFW_DROP_PROTOCOL, pieces[0]);
  expect(AFXFW_REDIRECT, pieces[1]);  // its protocol is unknown
}

TEST_F(DefaultPolicy, AnAtomicFragmentIsAWholePacket) {
  const Packet outer = Ethernet{} / Ipv6{} / FragmentHeader{};
  expect(AFXFW_DROP_PROTOCOL, outer / Udp{});
  expect(AFXFW_DROP_PORT, outer / Tcp{.destination_port = 80});
  expect(AFXFW_DROP_MALFORMED, outer / Udp{.length = 9});
}

TEST_F(DefaultPolicy, DropsTinyAndOverlappingFragments) {
  expect(AFXFW_DROP_MALFORMED,
         Ethernet{} / Ipv4{.more_fragments = true, .protocol = IPPROTO_TCP} / Payload(16));
  expect(AFXFW_DROP_MALFORMED, Ethernet{} / Ipv4{.more_fragments = true} / Tcp{.header_words = 6});
  expect(AFXFW_DROP_MALFORMED,
         Ethernet{} / Ipv6{} / FragmentHeader{.more_fragments = true, .next_header = IPPROTO_TCP} /
             Payload(8));
  expect(AFXFW_DROP_MALFORMED,
         Ethernet{} / Ipv4{.fragment_offset = 1, .protocol = IPPROTO_TCP} / Payload(24));
  expect(
      AFXFW_DROP_MALFORMED,
      Ethernet{} / Ipv6{} / FragmentHeader{.offset = 1, .next_header = IPPROTO_TCP} / Payload(24));
  expect(AFXFW_REDIRECT,
         Ethernet{} / Ipv4{.fragment_offset = 2, .protocol = IPPROTO_TCP} / Payload(24));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} /
                             FragmentHeader{.offset = 2, .next_header = IPPROTO_TCP} / Payload(24));
  expect(AFXFW_REDIRECT,
         Ethernet{} / Ipv4{.fragment_offset = 1, .protocol = IPPROTO_SCTP} / Payload(24));
  expect(AFXFW_DROP_PROTOCOL,
         Ethernet{} / Ipv4{.fragment_offset = 1, .protocol = IPPROTO_UDP} / Payload(24));
}

TEST_F(DefaultPolicy, PassesNeighbourDiscoveryOnly) {
  for (unsigned type = 0; type < 256; ++type) {
    const Icmpv6 message{.type = static_cast<std::uint8_t>(type)};
    expect(type >= 133 && type <= 137 ? AFXFW_PASS_NEIGHBOUR : AFXFW_REDIRECT,
           Ethernet{} / Ipv6{.hop_limit = 255} / message / Payload(16),
           "type " + std::to_string(type));
  }
  const Icmpv6 solicitation{.type = 135};
  expect(AFXFW_PASS_NEIGHBOUR, Ethernet{} / Vlan{} / Ipv6{.hop_limit = 255} / solicitation);
  expect(AFXFW_PASS_NEIGHBOUR, Ethernet{} / Ipv6{.hop_limit = 255} / HopByHop{} / solicitation);
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{.hop_limit = 254} / solicitation);
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 135, .code = 1});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{.hop_limit = 255} / FragmentHeader{} / solicitation);
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{.hop_limit = 255} /
                             FragmentHeader{.more_fragments = true} / solicitation);
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{.next_header = IPPROTO_ICMPV6, .hop_limit = 255} /
                             Payload(hex("87 00 00 00 00 00 00")));
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{.ttl = 255, .protocol = IPPROTO_ICMPV6} / solicitation);
}

TEST_F(DefaultPolicy, DropsImpossibleIpv4Headers) {
  for (unsigned version = 0; version < 16; ++version) {
    const auto value = static_cast<std::uint8_t>(version);
    expect(version == 4 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED,
           Ethernet{} / Ipv4{.version = value} / Icmp{}, "version " + std::to_string(version));
    expect(version >= 5 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED,
           Ethernet{} / Ipv4{.header_words = value} / Icmp{} / Payload(60),
           "header words " + std::to_string(version));
  }
  for (unsigned length = 0; length <= 64; ++length) {
    const Ipv4 header{.total_length = static_cast<std::uint16_t>(length),
                      .protocol = IPPROTO_GRE,
                      .options = Bytes(4)};
    expect(length >= 24 && length <= 36 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED,
           Ethernet{} / header / Payload(12), "total length " + std::to_string(length));
  }
}

TEST_F(DefaultPolicy, DropsImpossibleIpv6Headers) {
  for (unsigned version = 0; version < 16; ++version) {
    expect(version == 6 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED,
           Ethernet{} / Ipv6{.version = static_cast<std::uint8_t>(version)} / Icmpv6{},
           "version " + std::to_string(version));
  }
  for (unsigned length = 0; length <= 64; ++length) {
    const Ipv6 header{.payload_length = static_cast<std::uint16_t>(length),
                      .next_header = IPPROTO_GRE};
    expect(length <= 12 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED, Ethernet{} / header / Payload(12),
           "payload length " + std::to_string(length));
  }
}

TEST_F(DefaultPolicy, DropsImpossibleTransportHeaders) {
  for (unsigned words = 0; words < 16; ++words) {
    const Tcp tcp{.header_words = static_cast<std::uint8_t>(words)};
    const afxfw_outcome expected = words >= 5 && words <= 8 ? AFXFW_REDIRECT : AFXFW_DROP_MALFORMED;
    expect(expected, Ethernet{} / Ipv4{} / tcp / Payload(12), "words " + std::to_string(words));
    expect(expected, Ethernet{} / Ipv6{} / tcp / Payload(12), "words " + std::to_string(words));
  }
  for (unsigned length = 0; length <= 40; ++length) {
    const Udp udp{.length = static_cast<std::uint16_t>(length)};
    const afxfw_outcome expected =
        length >= 8 && length <= 20 ? AFXFW_DROP_PROTOCOL : AFXFW_DROP_MALFORMED;
    expect(expected, Ethernet{} / Ipv4{} / udp / Payload(12), "length " + std::to_string(length));
    expect(expected, Ethernet{} / Ipv6{} / udp / Payload(12), "length " + std::to_string(length));
  }
}

TEST_F(DefaultPolicy, EthernetPaddingDoesNotCompleteAHeader) {
  // The frame has a whole header; the packet says that it ends in the middle.
  for (std::size_t size = 0; size <= 20; ++size) {
    const Ipv4 header{.total_length = static_cast<std::uint16_t>(20 + size)};
    expect(size < 20 ? AFXFW_DROP_MALFORMED : AFXFW_REDIRECT,
           padded((Ethernet{} / header / Tcp{}).bytes()), std::to_string(size) + " of TCP");
    expect(size < 8 ? AFXFW_DROP_MALFORMED : AFXFW_DROP_PROTOCOL,
           padded((Ethernet{} / header / Udp{.length = 8} / Payload(12)).bytes()),
           std::to_string(size) + " of UDP");
  }
}

TEST_F(DefaultPolicy, CountsTheWholeFrameWithPadding) {
  expect(AFXFW_REDIRECT, padded((Ethernet{} / Ipv4{} / Tcp{}).bytes()));
  expect(AFXFW_DROP_PROTOCOL, padded((Ethernet{} / Ipv4{} / Udp{}).bytes()));
}

TEST_F(DefaultPolicy, TruncatedAtEachLength) {
  const std::vector<Packet> packets = {
      Ethernet{} / Ipv4{} / Tcp{} / Payload(5),
      Ethernet{} / Ipv4{.options = Bytes(40)} / Tcp{},
      Ethernet{} / Vlan{.tag = 0x88a8} / Vlan{} / Ipv4{} / Icmp{},
      Ethernet{} / Ipv6{} / Tcp{} / Payload(5),
      Ethernet{} / Vlan{} / Ipv6{} / HopByHop{} / Routing{} / FragmentHeader{} / Authentication{} /
          DestinationOptions{} / Tcp{},
      Ethernet{} / Ipv4{.fragment_offset = 5, .protocol = IPPROTO_TCP} / Payload(9),
  };
  for (const Packet& packet : packets) {
    const Bytes whole = packet.bytes();
    for (std::size_t length = kShortest; length < whole.size(); ++length) {
      expect(AFXFW_DROP_MALFORMED, first_bytes(whole, length), std::to_string(length) + " bytes");
    }
    expect(AFXFW_REDIRECT, whole);
  }
}

TEST_F(DefaultPolicy, AnIpv6ChainCutAtEachLengthOfThePacket) {
  const std::size_t chain = 16 + 24;
  for (std::size_t length = 0; length <= chain + 25; ++length) {
    expect(length < chain + 20 ? AFXFW_DROP_MALFORMED : AFXFW_REDIRECT,
           Ethernet{} / Ipv6{.payload_length = static_cast<std::uint16_t>(length)} /
               DestinationOptions{.options = Bytes(10)} / Authentication{} / Tcp{} / Payload(5),
           std::to_string(length) + " bytes");
  }
}

TEST_F(DefaultPolicy, ArpCutAtEachLength) {
  const Bytes arp = (Ethernet{} / Vlan{} / Arp{}).bytes();
  for (std::size_t length = kShortest; length <= arp.size(); ++length) {
    expect(length < 18 ? AFXFW_DROP_MALFORMED : AFXFW_PASS_NOT_IP, first_bytes(arp, length),
           std::to_string(length) + " bytes");
  }
}

// --- other policies -----------------------------------------------------------

TEST_F(Classify, NoPolicyRedirectsAllWellFormedIp) {
  load(no_policy());
  for (unsigned protocol = 0; protocol < 256; ++protocol) {
    if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) continue;
    expect(AFXFW_REDIRECT,
           Ethernet{} / Ipv4{.protocol = static_cast<std::uint8_t>(protocol)} / Payload(20));
  }
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Udp{});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} / Tcp{.destination_port = 80});
  expect(AFXFW_PASS_NOT_IP, Ethernet{} / Arp{});
  expect(AFXFW_DROP_MALFORMED, Ethernet{} / Ipv4{} / Udp{.length = 7});
}

TEST_F(Classify, OneUdpPort) {
  afxfw_inline_policy policy = no_policy();
  drop_udp_ports(policy, 53, 53);
  load(policy);
  expect(AFXFW_DROP_PORT, Ethernet{} / Ipv4{} / Udp{.destination_port = 53});
  expect(AFXFW_DROP_PORT, Ethernet{} / Vlan{} / Ipv6{} / HopByHop{} / Udp{.destination_port = 53});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Udp{.source_port = 53, .destination_port = 52});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Udp{.destination_port = 54});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Udp{.destination_port = 0x3500});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Tcp{.destination_port = 53});

  const std::vector<Packet> pieces =
      fragments(Ethernet{} / Ipv4{} / Udp{.destination_port = 53} / Payload(100), 64);
  expect(AFXFW_DROP_PORT, pieces[0]);
  expect(AFXFW_REDIRECT, pieces[1]);
}

TEST_F(Classify, PortZeroIsNotTakenForALaterFragment) {
  afxfw_inline_policy policy = no_policy();
  drop_udp_ports(policy, 0, 0);
  drop_tcp_ports(policy, 0, 0);
  load(policy);
  expect(AFXFW_DROP_PORT, Ethernet{} / Ipv4{} / Udp{.destination_port = 0});
  expect(AFXFW_DROP_PORT, Ethernet{} / Ipv4{} / Tcp{.destination_port = 0});
  expect(AFXFW_REDIRECT,
         Ethernet{} / Ipv4{.fragment_offset = 9, .protocol = IPPROTO_UDP} / Payload(Bytes(40)));
  expect(AFXFW_REDIRECT,
         Ethernet{} / Ipv4{.fragment_offset = 9, .protocol = IPPROTO_TCP} / Payload(Bytes(40)));
}

TEST_F(Classify, EachTcpPortOfARangeAcrossWords) {
  afxfw_inline_policy policy = no_policy();
  drop_tcp_ports(policy, 8000, 8080);
  drop_tcp_ports(policy, 65535, 65535);
  load(policy);
  for (unsigned port = 0; port <= 65535; port += (port > 7900 && port < 8200) ? 1 : 97) {
    const bool dropped = (port >= 8000 && port <= 8080) || port == 65535;
    expect(dropped ? AFXFW_DROP_PORT : AFXFW_REDIRECT,
           Ethernet{} / Ipv4{} / Tcp{.destination_port = static_cast<std::uint16_t>(port)},
           "port " + std::to_string(port));
  }
  expect(AFXFW_DROP_PORT, Ethernet{} / Ipv6{} / Tcp{.destination_port = 65535});
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv4{} / Udp{.destination_port = 8000});
}

TEST_F(Classify, EveryPort) {
  afxfw_inline_policy policy = no_policy();
  drop_udp_ports(policy, 0, 65535);
  load(policy);
  for (unsigned port = 0; port <= 65535; port += 63) {
    expect(AFXFW_DROP_PORT,
           Ethernet{} / Ipv4{} / Udp{.destination_port = static_cast<std::uint16_t>(port)});
  }
}

TEST_F(Classify, EachProtocolByItself) {
  for (const std::uint8_t dropped :
       std::array<std::uint8_t, 8>{0, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_GRE,
                                   IPPROTO_ICMPV6, IPPROTO_SCTP, 255}) {
    afxfw_inline_policy policy = no_policy();
    drop_protocol(policy, dropped);
    load(policy);
    for (unsigned protocol = 0; protocol < 256; ++protocol) {
      const auto value = static_cast<std::uint8_t>(protocol);
      // A payload that is a well-formed header of TCP and of UDP at once.
      const Payload payload(hex("0050 0035 0014 0000 00000000 5002 ffff 0000 0000"));
      expect(protocol == dropped ? AFXFW_DROP_PROTOCOL : AFXFW_REDIRECT,
             Ethernet{} / Ipv4{.protocol = value} / payload,
             std::to_string(protocol) + " when " + std::to_string(dropped) + " is dropped");
    }
  }
}

TEST_F(Classify, AWholeProtocolGoesBeforeItsPorts) {
  afxfw_inline_policy policy = no_policy();
  drop_protocol(policy, IPPROTO_TCP);
  drop_tcp_ports(policy, 80, 80);
  load(policy);
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv4{} / Tcp{.destination_port = 80});
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv4{} / Tcp{.destination_port = 81});
}

TEST_F(Classify, DroppingIcmpv6LeavesNeighbourDiscoveryAlone) {
  afxfw_inline_policy policy = no_policy();
  drop_protocol(policy, IPPROTO_ICMPV6);
  load(policy);
  expect(AFXFW_PASS_NEIGHBOUR, Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 136});
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 128});
  expect(AFXFW_DROP_PROTOCOL, Ethernet{} / Ipv6{.hop_limit = 64} / Icmpv6{.type = 136});
  expect(AFXFW_DROP_PROTOCOL,
         Ethernet{} / Ipv6{.hop_limit = 255} / FragmentHeader{} / Icmpv6{.type = 136});
}

TEST_F(Classify, AnUnknownProtocolIsNotProtocolZero) {
  afxfw_inline_policy policy = no_policy();
  drop_protocol(policy, 0);
  drop_protocol(policy, IPPROTO_DSTOPTS);
  load(policy);
  expect(AFXFW_REDIRECT, Ethernet{} / Ipv6{} /
                             FragmentHeader{.offset = 8, .next_header = IPPROTO_DSTOPTS} /
                             Payload(40));
}

// --- where packets go ----------------------------------------------------------

TEST_F(Classify, WithoutASocketFallsBackToPass) {
  ProgramUnderTest program(no_policy());
  const Bytes frame = (Ethernet{} / Ipv4{} / Tcp{}).bytes();
  EXPECT_EQ(program.run(frame), (Judgement{XDP_PASS, AFXFW_FALLBACK, frame.size()}));
}

TEST_F(Classify, WithoutASocketFallsBackToDrop) {
  afxfw_inline_policy policy = default_policy();
  policy.fallback = AFXFW_FALLBACK_DROP;
  ProgramUnderTest program(policy);
  const Bytes tcp = (Ethernet{} / Ipv4{} / Tcp{}).bytes();
  const Bytes arp = (Ethernet{} / Arp{}).bytes();
  EXPECT_EQ(program.run(tcp), (Judgement{XDP_DROP, AFXFW_FALLBACK, tcp.size()}));
  EXPECT_EQ(program.run(arp), (Judgement{XDP_PASS, AFXFW_PASS_NOT_IP, arp.size()}));
}

TEST_F(Classify, AnInvalidFallbackIsAbortedAndCounted) {
  afxfw_inline_policy policy = no_policy();
  policy.fallback = 0x10;  // flags that bpf_redirect_map() refuses
  ProgramUnderTest program(policy);
  const Bytes frame = (Ethernet{} / Ipv4{} / Tcp{}).bytes();
  EXPECT_EQ(program.run(frame), (Judgement{XDP_ABORTED, AFXFW_ABORTED, frame.size()}));
}

TEST_F(Classify, EachPacketIsCountedOnce) {
  load(default_policy());
  const std::vector<Packet> packets = {
      Ethernet{} / Ipv4{} / Udp{}, Ethernet{} / Ipv4{} / Tcp{.destination_port = 80},
      Ethernet{} / Arp{},          Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 135},
      Ethernet{} / Ipv4{} / Tcp{}, Ethernet{} / Ipv4{.version = 1},
  };
  for (int round = 0; round < 10; ++round) {
    for (const Packet& packet : packets) program().run(packet.bytes());
  }
  EXPECT_EQ(program().packets(), 10 * packets.size());
}

}  // namespace
}  // namespace afxfw::test
