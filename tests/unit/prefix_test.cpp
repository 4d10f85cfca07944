#include "net/prefix.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>

namespace afxfw {
namespace {

std::string parsed_text(std::string_view text) {
  const auto parsed = parse_prefix(text);
  return parsed ? to_string(parsed->prefix) : "error: " + std::string(parsed.error().what);
}

TEST(Prefix, ReadsWhatUsersWrite) {
  EXPECT_EQ(parsed_text("198.51.100.0/24"), "198.51.100.0/24");
  EXPECT_EQ(parsed_text("198.51.100.7"), "198.51.100.7");
  EXPECT_EQ(parsed_text("198.51.100.7/32"), "198.51.100.7");
  EXPECT_EQ(parsed_text("0.0.0.0/0"), "0.0.0.0/0");
  EXPECT_EQ(parsed_text("2001:DB8::/32"), "2001:db8::/32");
  EXPECT_EQ(parsed_text("2001:db8:0:0:0:0:0:1"), "2001:db8::1");
  EXPECT_EQ(parsed_text("::/0"), "::/0");
  EXPECT_EQ(parsed_text("::1/128"), "::1");
  EXPECT_EQ(parsed_text("::ffff:192.0.2.1"), "::ffff:192.0.2.1");
}

TEST(Prefix, BitsAreInHostOrder) {
  EXPECT_EQ(parse_ipv4("192.0.2.1"), Ipv4Bits{0xc0000201});
  const auto ipv6 = parse_ipv6("2001:db8::1");
  ASSERT_TRUE(ipv6.has_value());
  EXPECT_TRUE(*ipv6 == ((Ipv6Bits{0x20010db800000000} << 64) | 1));
}

TEST(Prefix, FirstAndLastAreTheEndsOfTheNetwork) {
  const Prefix ipv4 = parse_prefix("198.51.100.128/25")->prefix;
  EXPECT_EQ(ipv4.family(), Family::kIpv4);
  EXPECT_EQ(ipv4.length(), 25U);
  EXPECT_EQ(format_ipv4(static_cast<Ipv4Bits>(ipv4.first())), "198.51.100.128");
  EXPECT_EQ(format_ipv4(static_cast<Ipv4Bits>(ipv4.last())), "198.51.100.255");

  const Prefix ipv6 = parse_prefix("2001:db8:8000::/33")->prefix;
  EXPECT_EQ(format_ipv6(ipv6.first()), "2001:db8:8000::");
  EXPECT_EQ(format_ipv6(ipv6.last()), "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");

  EXPECT_TRUE(Prefix::ipv4(0, 0).last() == 0xffffffff);
  EXPECT_TRUE(Prefix::ipv6(0, 0).last() == ~Ipv6Bits{0});
  EXPECT_TRUE(Prefix::ipv6(~Ipv6Bits{0}, 128).first() == ~Ipv6Bits{0});
}

// nft -c --debug=netlink shows that nft does the same with 198.51.100.7/24.
TEST(Prefix, HostBitsAreClearedAndToldNeverTakenAsAHost) {
  const auto ipv4 = parse_prefix("198.51.100.7/24");
  ASSERT_TRUE(ipv4.has_value());
  EXPECT_EQ(to_string(ipv4->prefix), "198.51.100.0/24");
  EXPECT_TRUE(ipv4->host_bits_set);

  const auto ipv6 = parse_prefix("2001:db8::7/64");
  ASSERT_TRUE(ipv6.has_value());
  EXPECT_EQ(to_string(ipv6->prefix), "2001:db8::/64");
  EXPECT_TRUE(ipv6->host_bits_set);

  EXPECT_FALSE(parse_prefix("198.51.100.7/32")->host_bits_set);
  EXPECT_FALSE(parse_prefix("0.0.0.0/0")->host_bits_set);
  EXPECT_TRUE(parse_prefix("0.0.0.1/0")->host_bits_set);
}

struct BadText {
  std::string_view text;
  std::size_t offset;
  std::string_view part_of_what;
};

class BadPrefix : public testing::TestWithParam<BadText> {};

TEST_P(BadPrefix, IsAnErrorThatSaysWhereAndWhy) {
  const auto parsed = parse_prefix(GetParam().text);
  ASSERT_FALSE(parsed.has_value());
  EXPECT_EQ(parsed.error().offset, GetParam().offset);
  EXPECT_NE(parsed.error().what.find(GetParam().part_of_what), std::string_view::npos)
      << parsed.error().what;
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BadPrefix,
    testing::Values(
        BadText{"", 0, "not an IPv4 or IPv6 address"},
        BadText{"/24", 0, "not an IPv4 or IPv6 address"},
        BadText{"example.net", 0, "not an IPv4 or IPv6 address"},
        BadText{"-1.2.3.4", 0, "not an IPv4 or IPv6 address"},
        BadText{"1.2.3", 5, "four octets"},         //
        BadText{"1.2.3.", 6, "not an IPv4"},        //
        BadText{"1..2.3", 2, "not an IPv4"},        //
        BadText{"1.2.3.4.5", 7, "four octets"},     //
        BadText{"1.2.256.4", 4, "octet over 255"},  //
        BadText{"1.2.99999999999.4", 4, "octet over 255"}, BadText{"1.02.3.4", 2, "leading zero"},
        BadText{"1.2.3.4x", 7, "unexpected text"}, BadText{"192.0.2.1:80", 9, "unexpected text"},
        BadText{"192.0.2.1-192.0.2.9", 9, "ranges"}, BadText{"192.0.2.0/", 10, "no prefix length"},
        BadText{"192.0.2.0/33", 10, "over 32"}, BadText{"192.0.2.0/4294967304", 10, "over 32"},
        BadText{"192.0.2.0/-1", 10, "not a number"}, BadText{"192.0.2.0/24/24", 10, "not a number"},
        BadText{"192.0.2.0/08", 10, "leading zero"},
        BadText{"192.0.2.0/255.255.255.0", 10, "netmask"},
        BadText{"2001:db8::/129", 11, "over 128"},
        BadText{"2001:db8:::/32", 0, "not an IPv6 address"},
        BadText{"1:2:3:4:5:6:7:8:9", 0, "not an IPv6 address"},
        BadText{"2001:db8::g", 0, "not an IPv6 address"}, BadText{"fe80::1%eth0", 7, "zone"},
        BadText{std::string_view("::1\0", 4), 0, "not an IPv6 address"},
        BadText{std::string_view("1.2.3.4\0", 8), 7, "unexpected text"}));

bool libc_accepts(int family, const std::string& text, void* address) {
  return ::inet_pton(family, text.c_str(), address) == 1;
}

// Mutated addresses: the hand-written IPv4 parser and inet_pton must agree on
// every one, both on whether it is an address and on which.
TEST(Prefix, AgreesWithInetPtonOnMutatedAddresses) {
  std::mt19937 random(20240601);
  const std::string_view alphabet = "0123456789./:abcfx -";
  const std::array<std::string_view, 6> seeds = {"192.0.2.1",   "255.255.255.255",   "0.0.0.0",
                                                 "2001:db8::1", "::ffff:192.0.2.33", "::"};
  int accepted = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string text(seeds[random() % seeds.size()]);
    for (std::size_t edits = random() % 4; edits > 0; --edits) {
      const std::size_t at = random() % (text.size() + 1);
      const char c = alphabet[random() % alphabet.size()];
      switch (random() % 3) {
        case 0:
          text.insert(at, 1, c);
          break;
        case 1:
          if (at < text.size()) text.erase(at, 1);
          break;
        default:
          if (at < text.size()) text[at] = c;
      }
    }
    in_addr ipv4 = {};
    const auto ours4 = parse_ipv4(text);
    ASSERT_EQ(ours4.has_value(), libc_accepts(AF_INET, text, &ipv4)) << text;
    if (ours4) {
      ASSERT_EQ(htonl(*ours4), ipv4.s_addr) << text;
      ++accepted;
    }

    in6_addr ipv6 = {};
    const auto ours6 = parse_ipv6(text);
    ASSERT_EQ(ours6.has_value(), libc_accepts(AF_INET6, text, &ipv6)) << text;
    if (ours6) {
      for (int byte = 0; byte < 16; ++byte) {
        ASSERT_EQ(static_cast<std::uint8_t>(*ours6 >> (120 - 8 * byte)), ipv6.s6_addr[byte])
            << text;
      }
      ++accepted;
    }
  }
  EXPECT_GT(accepted, 50'000);
}

TEST(Prefix, TextRoundTripsForEveryLength) {
  std::mt19937_64 random(7);
  for (unsigned length = 0; length <= 128; ++length) {
    const Prefix ipv6 = Prefix::ipv6(Ipv6Bits{random()} << 64 | random(), length);
    EXPECT_TRUE(parse_prefix(to_string(ipv6))->prefix == ipv6) << to_string(ipv6);
    if (length > 32) continue;
    const Prefix ipv4 = Prefix::ipv4(static_cast<Ipv4Bits>(random()), length);
    EXPECT_TRUE(parse_prefix(to_string(ipv4))->prefix == ipv4) << to_string(ipv4);
  }
}

}  // namespace
}  // namespace afxfw
