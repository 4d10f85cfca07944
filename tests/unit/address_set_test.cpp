#include "rules/address_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <span>
#include <vector>

#include "prefix_model.h"
#include "rules/membership_edges.h"

namespace afxfw {
namespace {

using Kind = PrefixChange::Kind;

// What changes say of an address: the last one that has it decides.
template <typename Bits>
class ChangeModel {
 public:
  void change(Kind kind, const Network<Bits>& network) { changes_.push_back({kind, network}); }

  [[nodiscard]] bool contains(Bits address) const {
    const auto last = std::find_if(changes_.rbegin(), changes_.rend(), [&](const auto& change) {
      return change.network.contains(address);
    });
    return last != changes_.rend() && last->kind == Kind::kAdd;
  }

  // Each network's ends and one address beyond them, and those of the address space.
  [[nodiscard]] std::vector<Bits> addresses() const {
    std::vector<Bits> result = {0, static_cast<Bits>(~Bits{0})};
    for (const auto& [kind, network] : changes_) {
      const Bits first = network.first();
      const Bits last = network.last();
      result.insert(result.end(), {static_cast<Bits>(first - 1), first, network.address, last,
                                   static_cast<Bits>(last + 1)});
    }
    return result;
  }

 private:
  struct Change {
    Kind kind;
    Network<Bits> network;
  };

  std::vector<Change> changes_;
};

template <typename Bits>
class AddressSetOf : public testing::Test {
 protected:
  // Small pools of addresses make networks nest, touch and repeat; some are as long or as
  // short as can be.
  Network<Bits> random_network(Bits base, unsigned free_bits) {
    const auto noise = static_cast<Bits>(random_() & ((std::uint64_t{1} << free_bits) - 1));
    const Bits address = random_() % 4 == 0 ? static_cast<Bits>(~base) : base;
    const auto kind = random_() % 40;
    const unsigned length = kind == 0 ? 0
                            : kind == 1
                                ? 1
                                : kBits<Bits> - static_cast<unsigned>(random_() % (free_bits + 1));
    return {static_cast<Bits>(address ^ noise), length};
  }

  Kind random_kind() { return random_() % 2 == 0 ? Kind::kAdd : Kind::kRemove; }

  static void expect_equal(const AddressSet<Bits>& set, const ChangeModel<Bits>& model) {
    const std::vector<Bits> asked = model.addresses();
    for (std::size_t first = 0; first < asked.size(); first += kAskedAtOnce) {
      const std::size_t count = std::min(kAskedAtOnce, asked.size() - first);
      const Members members = set.members({&asked[first], count});
      ASSERT_EQ(members & ~first_members(count), 0U);
      for (std::size_t i = 0; i < count; ++i) {
        const Bits address = asked[first + i];
        ASSERT_EQ(set.contains(address), model.contains(address)) << address_text(address);
        ASSERT_EQ((members >> i & 1) != 0, model.contains(address))
            << address_text(address) << " in a batch";
      }
    }
  }

  std::mt19937_64 random_{7};
};

using BothFamilies = testing::Types<Ipv4Bits, Ipv6Bits>;
TYPED_TEST_SUITE(AddressSetOf, BothFamilies);

TYPED_TEST(AddressSetOf, EqualsTheModelThroughRandomChangesAndMerges) {
  for (int round = 0; round < 150; ++round) {
    const auto base = static_cast<TypeParam>(this->random_() % 4 == 0 ? 0 : this->random_());
    const unsigned free_bits = 4 + static_cast<unsigned>(this->random_() % 14);
    ChangeModel<TypeParam> model;
    std::vector<Prefix> prefixes;
    for (auto count = this->random_() % 30; count > 0; --count) {
      const auto network = this->random_network(base, free_bits);
      prefixes.push_back(to_prefix(network));
      model.change(Kind::kAdd, network);
    }
    auto set = AddressSet<TypeParam>::build(prefixes);
    for (int step = 0; step < 12; ++step) {
      std::vector<PrefixChange> changes;
      for (auto count = this->random_() % 6; count > 0; --count) {
        const Kind kind = this->random_kind();
        const auto network = this->random_network(base, free_bits);
        changes.push_back({kind, to_prefix(network)});
        model.change(kind, network);
      }
      set = set.with_changes(changes);
      ASSERT_NO_FATAL_FAILURE(this->expect_equal(set, model)) << "round " << round;
      if (this->random_() % 4 != 0) continue;
      set = set.merged();
      ASSERT_EQ(set.overlay_size(), 0U);
      ASSERT_NO_FATAL_FAILURE(this->expect_equal(set, model)) << "merged, round " << round;
    }
  }
}

TYPED_TEST(AddressSetOf, AddingAndRemovingEverythingWins) {
  const Network<TypeParam> all{0, 0};
  const Network<TypeParam> host{42, kBits<TypeParam>};
  const auto set = AddressSet<TypeParam>::build(std::vector<Prefix>{to_prefix(host)});
  const auto full = set.with_changes(std::vector<PrefixChange>{{Kind::kAdd, to_prefix(all)}});
  const auto holed = full.with_changes(std::vector<PrefixChange>{{Kind::kRemove, to_prefix(host)}});
  const auto none = holed.with_changes(std::vector<PrefixChange>{{Kind::kRemove, to_prefix(all)}});
  EXPECT_TRUE(full.contains(static_cast<TypeParam>(~TypeParam{0})));
  EXPECT_FALSE(holed.contains(42));
  EXPECT_TRUE(holed.contains(43));
  EXPECT_FALSE(none.contains(43));
  EXPECT_TRUE(none.merged().empty());
}

TYPED_TEST(AddressSetOf, LeavesTheSetItWasMadeFromAsItWas) {
  const Network<TypeParam> host{42, kBits<TypeParam>};
  const AddressSet<TypeParam> before;
  const auto after = before.with_changes(std::vector<PrefixChange>{{Kind::kAdd, to_prefix(host)}});
  EXPECT_TRUE(before.empty());
  EXPECT_FALSE(before.contains(42));
  EXPECT_FALSE(after.empty());
  EXPECT_TRUE(after.contains(42));
}

TYPED_TEST(AddressSetOf, CountsWhatIsLeftToMerge) {
  const Network<TypeParam> host{42, kBits<TypeParam>};
  const Network<TypeParam> next{43, kBits<TypeParam>};
  const Network<TypeParam> other{99, kBits<TypeParam>};
  AddressSet<TypeParam> set;
  EXPECT_EQ(set.overlay_size(), 0U);
  set = set.with_changes(std::vector<PrefixChange>{{Kind::kAdd, to_prefix(host)},
                                                   {Kind::kAdd, to_prefix(next)},
                                                   {Kind::kRemove, to_prefix(other)}});
  EXPECT_EQ(set.overlay_size(), 2U);
  EXPECT_EQ(set.merged().overlay_size(), 0U);
  EXPECT_EQ(set.merged().ranges(), 1U);
}

TEST(AddressTables, ChangesEachFamilyByItsOwnPrefixes) {
  const auto tables = AddressTables::build(std::vector<Prefix>{parse_prefix("10.0.0.0/8")->prefix});
  const auto changed = tables.with_changes(
      std::vector<PrefixChange>{{Kind::kRemove, parse_prefix("10.1.0.0/16")->prefix},
                                {Kind::kAdd, parse_prefix("2001:db8::/32")->prefix}});
  EXPECT_FALSE(changed.ipv4.contains(*parse_ipv4("10.1.2.3")));
  EXPECT_TRUE(changed.ipv4.contains(*parse_ipv4("10.2.2.3")));
  EXPECT_TRUE(changed.ipv6.contains(*parse_ipv6("2001:db8::1")));
  EXPECT_EQ(changed.overlay_size(), 2U);
}

// Many changes at once are folded; as many one after the other have to end up the same.
TYPED_TEST(AddressSetOf, IsTheSameForChangesAtOnceAndOneByOne) {
  std::vector<PrefixChange> changes;
  std::generate_n(std::back_inserter(changes), 500, [&]() -> PrefixChange {
    return {this->random_kind(), to_prefix(this->random_network(0, 12))};
  });
  AddressSet<TypeParam> one_by_one;
  for (const PrefixChange& change : changes) {
    one_by_one = one_by_one.with_changes({&change, 1});
  }
  const auto at_once = AddressSet<TypeParam>().with_changes(changes);
  for (unsigned i = 0; i < 5000; ++i) {
    ASSERT_EQ(at_once.contains(TypeParam{i}), one_by_one.contains(TypeParam{i})) << i;
  }
  EXPECT_EQ(at_once.overlay_size(), one_by_one.overlay_size());
}

}  // namespace
}  // namespace afxfw
