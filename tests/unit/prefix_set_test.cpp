#include "rules/prefix_set.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <vector>

#include "prefix_model.h"
#include "rules/membership_edges.h"

namespace afxfw {
namespace {

template <typename Bits>
std::vector<Prefix> to_prefixes(const std::vector<Network<Bits>>& networks) {
  std::vector<Prefix> prefixes;
  prefixes.reserve(networks.size());
  for (const auto& network : networks) prefixes.push_back(to_prefix(network));
  return prefixes;
}

template <typename Bits>
PrefixSet<Bits> build(const std::vector<Network<Bits>>& networks) {
  return PrefixSet<Bits>::build(to_prefixes(networks));
}

template <typename Bits>
class PrefixSetOf : public testing::Test {
 protected:
  Bits random_bits() {
    if constexpr (std::is_same_v<Bits, Ipv4Bits>) {
      return static_cast<Bits>(random_());
    } else {
      return Bits{random_()} << 64 | random_();
    }
  }

  // Each network's ends, one address beyond each end (wrapping round at the ends
  // of the address space), and random addresses.
  void expect_equal_to_model(const PrefixSet<Bits>& set,
                             const std::vector<Network<Bits>>& networks) {
    const Model<Bits> model(networks);
    std::vector<Bits> asked;
    const auto expect_equal_at = [&](Bits address) {
      ASSERT_EQ(set.contains(address), model.contains(address)) << address_text(address);
      if (asked.size() < 100'000) asked.push_back(address);
    };
    for (const auto& network : networks) {
      for (const Bits address :
           {static_cast<Bits>(network.first() - 1), network.first(), network.address,
            network.last(), static_cast<Bits>(network.last() + 1)}) {
        ASSERT_NO_FATAL_FAILURE(expect_equal_at(address));
      }
    }
    for (int i = 0; i < 2000; ++i) ASSERT_NO_FATAL_FAILURE(expect_equal_at(random_bits()));
    ASSERT_NO_FATAL_FAILURE(expect_equal_at(0));
    ASSERT_NO_FATAL_FAILURE(expect_equal_at(static_cast<Bits>(~Bits{0})));
    ASSERT_NO_FATAL_FAILURE(expect_batches_equal(set, asked));

    ASSERT_EQ(set.edges(), membership_edges<Bits>(to_prefixes(networks)).edges);
  }

  // Batches of any length give what single look-ups gave, whatever the CPU's
  // instructions they use.
  void expect_batches_equal(const PrefixSet<Bits>& set, std::span<const Bits> addresses) {
    for (const Simd simd : {Simd::kPortable, Simd::kAvx2, Simd::kAvx512}) {
      if (simd > widest_simd()) break;
      for (std::size_t done = 0, length = 0; done < addresses.size();) {
        const std::size_t count = std::min(length++ % (kAskedAtOnce + 1), addresses.size() - done);
        Members expected = 0;
        for (std::size_t i = 0; i < count; ++i) {
          expected |= Members{set.contains(addresses[done + i])} << i;
        }
        ASSERT_EQ(set.members(addresses.subspan(done, count), simd), expected)
            << count << " from " << address_text(addresses[done]) << " on, SIMD "
            << static_cast<int>(simd);
        done += count;
      }
    }
  }

  std::mt19937_64 random_{42};
};

using BothFamilies = testing::Types<Ipv4Bits, Ipv6Bits>;
TYPED_TEST_SUITE(PrefixSetOf, BothFamilies);

TYPED_TEST(PrefixSetOf, EmptySetContainsNothing) {
  const PrefixSet<TypeParam> made;
  const auto built = build<TypeParam>({});
  for (const auto* set : {&made, &built}) {
    EXPECT_TRUE(set->empty());
    EXPECT_EQ(set->ranges(), 0U);
    EXPECT_FALSE(set->contains(0));
    EXPECT_FALSE(set->contains(static_cast<TypeParam>(~TypeParam{0})));
    this->expect_batches_equal(*set,
                               std::vector<TypeParam>{0, 1, static_cast<TypeParam>(~TypeParam{0})});
  }
}

TYPED_TEST(PrefixSetOf, LengthZeroContainsEverything) {
  const auto set = build<TypeParam>({{this->random_bits(), 0}});
  EXPECT_EQ(set.ranges(), 1U);
  EXPECT_TRUE(set.contains(0));
  EXPECT_TRUE(set.contains(static_cast<TypeParam>(~TypeParam{0})));
  EXPECT_TRUE(set.contains(this->random_bits()));
}

TYPED_TEST(PrefixSetOf, HostsAtBothEndsOfTheAddressSpace) {
  const auto highest = static_cast<TypeParam>(~TypeParam{0});
  const auto both = build<TypeParam>({{0, kBits<TypeParam>}, {highest, kBits<TypeParam>}});
  EXPECT_EQ(both.ranges(), 2U);
  EXPECT_TRUE(both.contains(0));
  EXPECT_FALSE(both.contains(1));
  EXPECT_FALSE(both.contains(static_cast<TypeParam>(highest - 1)));
  EXPECT_TRUE(both.contains(highest));

  const auto lowest_only = build<TypeParam>({{0, kBits<TypeParam>}});
  EXPECT_TRUE(lowest_only.contains(0));
  EXPECT_FALSE(lowest_only.contains(highest));
}

TYPED_TEST(PrefixSetOf, AdjacentNetworksBecomeOneRange) {
  const unsigned length = 24;
  const TypeParam base = this->random_bits() >> (kBits<TypeParam> - length + 2)
                                                    << (kBits<TypeParam> - length + 2);
  const TypeParam step = TypeParam{1} << (kBits<TypeParam> - length);
  const auto set = build<TypeParam>({{static_cast<TypeParam>(base + 2 * step), length},
                                     {base, length},
                                     {static_cast<TypeParam>(base + step), length}});
  EXPECT_EQ(set.entries(), 3U);
  EXPECT_EQ(set.ranges(), 1U);
  EXPECT_FALSE(set.contains(static_cast<TypeParam>(base - 1)));
  EXPECT_TRUE(set.contains(base));
  EXPECT_TRUE(set.contains(static_cast<TypeParam>(base + 3 * step - 1)));
  EXPECT_FALSE(set.contains(static_cast<TypeParam>(base + 3 * step)));
}

TYPED_TEST(PrefixSetOf, TheTwoHalvesOfEverythingBecomeOneRange) {
  const auto top = static_cast<TypeParam>(TypeParam{1} << (kBits<TypeParam> - 1));
  const auto set = build<TypeParam>({{top, 1}, {0, 1}});
  EXPECT_EQ(set.ranges(), 1U);
  EXPECT_TRUE(set.contains(static_cast<TypeParam>(top - 1)));
  EXPECT_TRUE(set.contains(top));
}

TYPED_TEST(PrefixSetOf, NestedAndRepeatedNetworksCountAsEntriesOnly) {
  const TypeParam address = this->random_bits();
  const auto set = build<TypeParam>({{address, 20}, {address, 8}, {address, 8}, {address, 32}});
  EXPECT_EQ(set.entries(), 4U);
  EXPECT_EQ(set.ranges(), 1U);
  EXPECT_GT(set.memory_bytes(), 0U);
}

// Small address pools make networks nest, touch and repeat.
TYPED_TEST(PrefixSetOf, EqualsTheModelForRandomNetworksCloseTogether) {
  for (int round = 0; round < 300; ++round) {
    const unsigned free_bits = 4 + static_cast<unsigned>(this->random_() % 12);
    const TypeParam base = this->random_() % 8 == 0   ? static_cast<TypeParam>(~TypeParam{0})
                           : this->random_() % 8 == 0 ? TypeParam{0}
                                                      : this->random_bits();
    std::vector<Network<TypeParam>> networks(1 + this->random_() % 200);
    for (auto& network : networks) {
      const TypeParam noise = this->random_bits() & ((TypeParam{1} << free_bits) - 1);
      network.address = base ^ noise;
      network.length = kBits<TypeParam> - static_cast<unsigned>(this->random_() % (free_bits + 1));
    }
    ASSERT_NO_FATAL_FAILURE(this->expect_equal_to_model(build(networks), networks))
        << "round " << round;
  }
}

TYPED_TEST(PrefixSetOf, EqualsTheModelForNetworksOfAllLengths) {
  for (int round = 0; round < 50; ++round) {
    // Few short ones: a /0 or /1 would swallow all the rest.
    const unsigned shortest = static_cast<unsigned>(this->random_() % kBits<TypeParam>);
    std::vector<Network<TypeParam>> networks(500);
    for (auto& network : networks) {
      network.address = this->random_bits();
      network.length =
          shortest + static_cast<unsigned>(this->random_() % (kBits<TypeParam> - shortest + 1));
    }
    ASSERT_NO_FATAL_FAILURE(this->expect_equal_to_model(build(networks), networks))
        << "round " << round;
  }
}

TYPED_TEST(PrefixSetOf, EqualsTheModelForAMillionRandomNetworks) {
  std::vector<Network<TypeParam>> networks(1'000'000);
  const unsigned longest = std::min(kBits<TypeParam>, 64U);
  for (auto& network : networks) {
    network.address = this->random_bits();
    network.length = longest - static_cast<unsigned>(this->random_() % 13);
  }
  const auto set = build(networks);
  EXPECT_EQ(set.entries(), networks.size());
  this->expect_equal_to_model(set, networks);
}

// As real lists are: nearly everything below a few common leading bits.
TYPED_TEST(PrefixSetOf, EqualsTheModelWhenAllNetworksShareLeadingBits) {
  std::vector<Network<TypeParam>> networks(20'000);
  const TypeParam base = this->random_bits();
  for (auto& network : networks) {
    network.address = base ^ (this->random_bits() >> 12);
    network.length = 32;
  }
  this->expect_equal_to_model(build(networks), networks);
}

// Every number of hosts that a table may hold in another form than one fewer, at
// both ends of the address space and anywhere, asked for every address around.
TYPED_TEST(PrefixSetOf, EqualsTheModelForEverySecondHostOfABlock) {
  for (const TypeParam base :
       {TypeParam{0}, this->random_bits(), static_cast<TypeParam>(~TypeParam{0} - 1000)}) {
    std::vector<Network<TypeParam>> networks;
    for (unsigned hosts = 1; hosts <= 300; ++hosts) {
      networks.push_back({static_cast<TypeParam>(base + 2 * (hosts - 1)), kBits<TypeParam>});
      if (hosts > 40 && hosts % 32 > 2) continue;
      const auto set = build(networks);
      for (unsigned i = 0; i < 2 * hosts + 600; ++i) {
        const auto address = static_cast<TypeParam>(base - 300 + i);
        const bool member = i >= 300 && i < 300 + 2 * hosts && i % 2 == 0;
        ASSERT_EQ(set.contains(address), member) << hosts << " hosts, " << address_text(address);
      }
    }
  }
}

// From a few to tens of thousands of pairs of addresses, close together or spread over a
// /112 (IPv4: a /16).
TYPED_TEST(PrefixSetOf, EqualsTheModelForPairsInABlock) {
  const auto base = static_cast<TypeParam>(this->random_bits() >> 17 << 17);
  for (const unsigned step : {4U, 12U, 500U}) {
    for (const unsigned pairs : {5U, 16U, 17U, 60U, 500U, 528U, 529U, 3000U, 16384U}) {
      if (pairs * step > 1U << 16) continue;
      std::vector<Network<TypeParam>> networks;
      for (unsigned i = 0; i < pairs; ++i) {
        const TypeParam at = base + i * step;
        networks.push_back({at, kBits<TypeParam> - 1});
      }
      ASSERT_NO_FATAL_FAILURE(this->expect_equal_to_model(build(networks), networks))
          << pairs << " pairs, one in " << step;
    }
  }
}

// Each half of what is left has one network but the last, which has them all: the
// deepest that a table which divides can get.
TYPED_TEST(PrefixSetOf, EqualsTheModelForNetworksThatCrowdTowardsAPoint) {
  for (const TypeParam point :
       {TypeParam{0}, this->random_bits(), static_cast<TypeParam>(~TypeParam{0})}) {
    std::vector<Network<TypeParam>> networks;
    for (unsigned bit = 0; bit < kBits<TypeParam>; ++bit) {
      const auto away = static_cast<TypeParam>(point ^ (TypeParam{1} << bit));
      networks.push_back({away, kBits<TypeParam>});
      networks.push_back({away, kBits<TypeParam> - bit / 2});
      networks.push_back({static_cast<TypeParam>(away ^ 2), kBits<TypeParam>});
    }
    ASSERT_NO_FATAL_FAILURE(this->expect_equal_to_model(build(networks), networks));
  }
}

// Tables that write each prefix over what it covers get this wrong: a prefix that ends
// with the last address, over adjoining longer ones.
TYPED_TEST(PrefixSetOf, EqualsTheModelInEveryOrderAtBothEndsOfTheAddressSpace) {
  const auto highest = static_cast<TypeParam>(~TypeParam{0});
  constexpr unsigned kHost = kBits<TypeParam>;
  for (const TypeParam end : {TypeParam{0}, highest}) {
    const auto from_end = [&](unsigned bit) {
      return static_cast<TypeParam>(end ^ (TypeParam{1} << bit));
    };
    std::vector<Network<TypeParam>> networks = {
        {end, kHost - 8},         {end, kHost - 6},     {end, kHost},
        {from_end(8), kHost - 8}, {from_end(6), kHost}, {from_end(9), kHost - 9},
    };
    const Model<TypeParam> model(networks);
    std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5};
    do {
      std::vector<Network<TypeParam>> ordered(networks.size());
      std::transform(order.begin(), order.end(), ordered.begin(),
                     [&](std::size_t i) { return networks[i]; });
      const auto set = build(ordered);
      EXPECT_EQ(set.ranges(), 1U);
      for (unsigned i = 0; i < 1100; ++i) {
        const auto address = static_cast<TypeParam>(end ^ TypeParam{i});
        ASSERT_EQ(set.contains(address), model.contains(address)) << address_text(address);
      }
      ASSERT_FALSE(set.contains(static_cast<TypeParam>(~end)));
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TYPED_TEST(PrefixSetOf, RangesAreCountedAsTheModelCountsThem) {
  // Every second /16 of the first 256: none touches another.
  std::vector<Network<TypeParam>> networks;
  for (unsigned i = 0; i < 256; i += 2) {
    networks.push_back({static_cast<TypeParam>(TypeParam{i} << (kBits<TypeParam> - 16)), 16});
  }
  std::shuffle(networks.begin(), networks.end(), this->random_);
  EXPECT_EQ(build(networks).ranges(), 128U);
}

TEST(PrefixSet, TakesOnlyItsOwnFamily) {
  const std::vector<Prefix> prefixes = {parse_prefix("0.0.0.0/1")->prefix,
                                        parse_prefix("2001:db8::/32")->prefix,
                                        parse_prefix("192.0.2.0/24")->prefix};
  const auto ipv4 = Ipv4PrefixSet::build(prefixes);
  EXPECT_EQ(ipv4.entries(), 2U);
  EXPECT_TRUE(ipv4.contains(*parse_ipv4("1.2.3.4")));

  // 0.0.0.0/1 as an IPv6 number would be ::/97.
  const auto ipv6 = Ipv6PrefixSet::build(prefixes);
  EXPECT_EQ(ipv6.entries(), 1U);
  EXPECT_TRUE(ipv6.contains(*parse_ipv6("2001:db8::1")));
  EXPECT_FALSE(ipv6.contains(*parse_ipv6("::1")));
}

}  // namespace
}  // namespace afxfw
