#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <random>
#include <sstream>
#include <vector>

#include "harness/packet.h"
#include "net/packet_view.h"
#include "pipeline/inline_stage.h"
#include "program_under_test.h"

// The XDP program and the workers' parser must understand each packet alike,
// else a packet could be let through by one as what the other would have
// dropped. The model of the program is afxfw-replay's XDP stage.
namespace afxfw::test {
namespace {

/// What the XDP program should do, by what parse() sees; no queue has a socket.
afxfw_outcome expected_outcome(const Bytes& frame, const afxfw_inline_policy& policy) {
  const afxfw_outcome outcome = inline_outcome(policy, parse(frame));
  return outcome == AFXFW_REDIRECT ? AFXFW_FALLBACK : outcome;
}

std::vector<Bytes> seeds() {
  const std::vector<Packet> packets = {
      Ethernet{} / Arp{},
      Ethernet{} / Ipv4{} / Udp{} / Payload(20),
      Ethernet{} / Ipv4{} / Tcp{.options = Bytes(12)} / Payload(9),
      Ethernet{} / Ipv4{.options = Bytes(16)} / Tcp{.destination_port = 80},
      Ethernet{} / Ipv4{.more_fragments = true} / Tcp{} / Payload(20),
      Ethernet{} / Ipv4{.fragment_offset = 1, .protocol = 6} / Payload(20),
      Ethernet{} / Ipv4{.fragment_offset = 2, .protocol = 17} / Payload(20),
      Ethernet{} / Ipv4{} / Icmp{} / Payload(8),
      Ethernet{} / Vlan{} / Ipv4{} / Udp{.destination_port = 53},
      Ethernet{} / Vlan{.tag = 0x88a8} / Vlan{} / Ipv4{} / Tcp{},
      Ethernet{} / Vlan{} / Vlan{} / Vlan{} / Ipv4{} / Tcp{},
      Ethernet{} / Ipv6{} / Udp{} / Payload(20),
      Ethernet{} / Ipv6{} / Tcp{.destination_port = 80} / Payload(20),
      Ethernet{} / Ipv6{.hop_limit = 255} / Icmpv6{.type = 135} / Payload(24),
      Ethernet{} / Ipv6{.hop_limit = 255} / HopByHop{} / Icmpv6{.type = 134} / Payload(24),
      Ethernet{} / Ipv6{} / HopByHop{} / DestinationOptions{} / Routing{} / Tcp{},
      Ethernet{} / Ipv6{} / Authentication{} / DestinationOptions{} / Udp{} / Payload(16),
      Ethernet{} / Ipv6{} / FragmentHeader{.more_fragments = true} / Tcp{} / Payload(24),
      Ethernet{} / Ipv6{} / FragmentHeader{} / DestinationOptions{} / Udp{},
      Ethernet{} / Ipv6{} / FragmentHeader{.offset = 1, .next_header = 6} / Payload(24),
      Ethernet{} / Ipv6{} / FragmentHeader{.offset = 9, .next_header = 60} / Payload(24),
      Ethernet{} / Vlan{} / Vlan{.tag = 0x8100} / Ipv6{} / FragmentHeader{} / FragmentHeader{} /
          FragmentHeader{.offset = 2, .next_header = 17} / Payload(24),
      Ethernet{} / Ipv6{} / HopByHop{} / HopByHop{} / HopByHop{} / HopByHop{} / HopByHop{} /
          HopByHop{} / HopByHop{} / HopByHop{} / Tcp{},
  };
  std::vector<Bytes> frames;
  frames.reserve(packets.size());
  for (const Packet& packet : packets) frames.push_back(packet.bytes());
  return frames;
}

/// Seeds, changed where it hurts: lengths, types, flags, the end.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  Bytes next() {
    Bytes frame = seeds_[random_() % seeds_.size()];
    const std::size_t changes = random_() % 4;
    for (std::size_t i = 0; i < changes; ++i) change(frame);
    return frame;
  }

 private:
  void change(Bytes& frame) {
    static constexpr std::array<unsigned, 24> kTelling = {
        0x00, 0x01, 0x02, 0x04, 0x06, 0x08, 0x11, 0x20, 0x29, 0x2b, 0x2c, 0x32,
        0x33, 0x3a, 0x3b, 0x3c, 0x45, 0x50, 0x60, 0x81, 0x86, 0x88, 0xdd, 0xff};
    std::byte& byte = frame[random_() % frame.size()];
    switch (random_() % 6) {
      case 0:
        byte ^= static_cast<std::byte>(1U << random_() % 8);
        break;
      case 1:
        byte = static_cast<std::byte>(random_());
        break;
      case 2:
        byte = static_cast<std::byte>(kTelling[random_() % kTelling.size()]);
        break;
      case 3:
        byte = static_cast<std::byte>(random_() % frame.size());
        break;
      case 4:
        frame.resize(std::max(random_() % (frame.size() + 1), ProgramUnderTest::kShortestFrame));
        break;
      default:
        frame.resize(frame.size() + random_() % 40, static_cast<std::byte>(random_()));
        break;
    }
  }

  std::mt19937_64 random_;
  std::vector<Bytes> seeds_ = seeds();
};

std::string dump(const Bytes& frame) {
  std::ostringstream out;
  out << std::hex;
  for (const std::byte byte : frame) {
    out << (std::to_integer<unsigned>(byte) >> 4) << (std::to_integer<unsigned>(byte) & 15);
  }
  return out.str();
}

/// A policy for each seed: a few protocols, a few ports of each kind or all.
afxfw_inline_policy random_policy(std::uint64_t seed) {
  static constexpr std::array<unsigned, 7> kProtocols = {
      IPPROTO_UDP, IPPROTO_TCP,  IPPROTO_ICMPV6,   IPPROTO_GRE,
      IPPROTO_AH,  IPPROTO_NONE, IPPROTO_FRAGMENT,
  };
  std::mt19937_64 random(seed);
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  afxfw_inline_policy policy = no_policy();
  drop_protocol(policy, IPPROTO_ICMP);
  for (const unsigned protocol : kProtocols) {
    if (below(4) == 0) drop_protocol(policy, protocol);
  }
  if (below(2) == 0) drop_tcp_ports(policy, 80, 80 + below(20'000));
  if (below(2) == 0) drop_udp_ports(policy, below(54), 53 + below(65'000));
  return policy;
}

TEST(Consistency, UnderManyPolicies) {
  AFXFW_SKIP_WITHOUT_BPF();
  constexpr std::uint64_t kPolicies = 24;
  constexpr int kPackets = 5'000;
  for (std::uint64_t seed = 1; seed <= kPolicies; ++seed) {
    const afxfw_inline_policy policy = random_policy(seed);
    ProgramUnderTest program(policy);
    Mutator mutator(1000 + seed);
    for (int i = 0; i < kPackets; ++i) {
      const Bytes frame = mutator.next();
      const Judgement judgement = program.run(frame);
      ASSERT_TRUE(judgement.outcome) << dump(frame);
      ASSERT_EQ(*judgement.outcome, expected_outcome(frame, policy))
          << "policy " << seed << ", " << dump(frame);
    }
  }
}

class ConsistencyInDepth : public testing::TestWithParam<std::uint64_t> {};

TEST_P(ConsistencyInDepth, OfTheXdpProgramAndTheParser) {
  AFXFW_SKIP_WITHOUT_BPF();
  constexpr int kPackets = 150'000;
  afxfw_inline_policy policy = no_policy();
  drop_protocol(policy, IPPROTO_ICMP);
  drop_protocol(policy, GetParam() % 2 == 0 ? IPPROTO_UDP : IPPROTO_GRE);
  drop_tcp_ports(policy, 80, 90);
  drop_udp_ports(policy, 53, 53);
  ProgramUnderTest program(policy);
  Mutator mutator(GetParam());

  std::array<int, AFXFW_OUTCOME_COUNT> seen{};
  for (int i = 0; i < kPackets; ++i) {
    const Bytes frame = mutator.next();
    const Judgement judgement = program.run(frame);
    ASSERT_TRUE(judgement.outcome) << dump(frame);
    ASSERT_EQ(*judgement.outcome, expected_outcome(frame, policy)) << dump(frame);
    ASSERT_EQ(judgement.bytes, frame.size()) << dump(frame);
    ++seen[*judgement.outcome];
  }
  for (const afxfw_outcome outcome : {AFXFW_PASS_NOT_IP, AFXFW_PASS_NEIGHBOUR, AFXFW_DROP_PROTOCOL,
                                      AFXFW_DROP_PORT, AFXFW_DROP_MALFORMED, AFXFW_FALLBACK}) {
    EXPECT_GT(seen[outcome], kPackets / 100) << "outcome " << outcome << " is hardly tried";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ConsistencyInDepth, testing::Values(1, 2));

}  // namespace
}  // namespace afxfw::test
