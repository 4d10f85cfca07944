#include "rules/box_classifier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

namespace afxfw {
namespace {

// What the classifier must answer, by looking at every box.
std::uint32_t naive_match(const std::vector<Box>& boxes, const BoxKey& key, std::uint32_t from) {
  std::uint32_t lowest = BoxClassifier::kNoMatch;
  for (const Box& box : boxes) {
    const bool inside =
        box.source_low <= key.source && key.source <= box.source_high &&
        box.destination_low <= key.destination && key.destination <= box.destination_high &&
        box.source_port_low <= key.source_port && key.source_port <= box.source_port_high &&
        box.destination_port_low <= key.destination_port &&
        key.destination_port <= box.destination_port_high && box.protocol_low <= key.protocol &&
        key.protocol <= box.protocol_high;
    if (inside && box.rule >= from) lowest = std::min(lowest, box.rule);
  }
  return lowest;
}

std::vector<Simd> instruction_sets() {
  std::vector<Simd> sets;
  for (const Simd simd : {Simd::kPortable, Simd::kAvx2, Simd::kAvx512}) {
    if (simd <= widest_simd()) sets.push_back(simd);
  }
  return sets;
}

class BoxClassifierTest : public testing::Test {
 protected:
  template <typename Coordinate>
  Coordinate random_coordinate() {
    return static_cast<Coordinate>(random_());
  }

  // The kinds of ranges that rules have: everything, a single value, a prefix, any
  // range, one up to an end of the dimension; within `spread` low bits, so that
  // boxes meet often when it is small.
  template <typename Coordinate>
  std::pair<Coordinate, Coordinate> random_range(unsigned spread) {
    const auto max = static_cast<Coordinate>(~Coordinate{0});
    const auto value = [&] { return static_cast<Coordinate>(random_() & ((1ULL << spread) - 1)); };
    const Coordinate low = value();
    switch (random_() % 6) {
      case 0:
        return {Coordinate{0}, max};
      case 1:
        return {low, low};
      case 2: {
        const auto suffix = static_cast<Coordinate>((1ULL << random_() % spread) - 1);
        return {static_cast<Coordinate>(low & ~suffix), static_cast<Coordinate>(low | suffix)};
      }
      case 3:
        return {Coordinate{0}, low};
      case 4:
        return {low, max};
      default:
        return std::minmax({low, value()});
    }
  }

  template <typename Coordinate>
  std::pair<Coordinate, Coordinate> any_range() {
    const auto one = random_coordinate<Coordinate>();
    return std::minmax({one, random_coordinate<Coordinate>()});
  }

  Box random_box(unsigned spread, std::uint32_t rule) {
    Box box;
    const unsigned spread16 = std::min(spread, 16U);
    std::tie(box.source_low, box.source_high) = random_range<std::uint32_t>(spread);
    std::tie(box.destination_low, box.destination_high) = random_range<std::uint32_t>(spread);
    std::tie(box.source_port_low, box.source_port_high) = random_range<std::uint16_t>(spread16);
    std::tie(box.destination_port_low, box.destination_port_high) =
        random_range<std::uint16_t>(spread16);
    std::tie(box.protocol_low, box.protocol_high) =
        random_range<std::uint16_t>(std::min(spread, 10U));
    box.rule = rule;
    return box;
  }

  // One of the box's corners, a value beyond it, or anything inside, by dimension.
  template <typename Coordinate>
  Coordinate near(Coordinate low, Coordinate high) {
    switch (random_() % 8) {
      case 0:
        return low;
      case 1:
        return high;
      case 2:
        return static_cast<Coordinate>(low - 1);
      case 3:
        return static_cast<Coordinate>(high + 1);
      default:
        return low > high
                   ? low
                   : static_cast<Coordinate>(low + random_() % (std::uint64_t{high} - low + 1));
    }
  }

  BoxKey key_near(const Box& box) {
    return {near(box.source_low, box.source_high), near(box.destination_low, box.destination_high),
            near(box.source_port_low, box.source_port_high),
            near(box.destination_port_low, box.destination_port_high),
            near(box.protocol_low, box.protocol_high)};
  }

  BoxKey random_key() {
    return {random_coordinate<std::uint32_t>(), random_coordinate<std::uint32_t>(),
            random_coordinate<std::uint16_t>(), random_coordinate<std::uint16_t>(),
            random_coordinate<std::uint16_t>()};
  }

  std::vector<BoxKey> keys_near(const std::vector<Box>& boxes, std::size_t count) {
    std::vector<BoxKey> keys;
    for (std::size_t i = 0; i < count; ++i) {
      const bool anywhere = boxes.empty() || random_() % 16 == 0;
      keys.push_back(anywhere ? random_key() : key_near(boxes[random_() % boxes.size()]));
    }
    for (const std::uint32_t address : {0U, 0xffff'ffffU}) {
      const auto rest = static_cast<std::uint16_t>(address);
      keys.push_back({address, address, rest, rest, rest});
    }
    return keys;
  }

  // Every instruction set, batches of one to 64 keys, and each key's whole chain of
  // matches.
  void expect_equal_to_naive(const std::vector<Box>& boxes, std::size_t key_count) {
    const BoxClassifier classifier = BoxClassifier::build(boxes);
    const std::vector<BoxKey> keys = keys_near(boxes, key_count);
    std::vector<std::uint32_t> expected;
    expected.reserve(keys.size());
    for (const BoxKey& key : keys) expected.push_back(naive_match(boxes, key, 0));
    for (const Simd simd : instruction_sets()) {
      std::vector<std::uint32_t> rules(keys.size());
      for (std::size_t done = 0; done < keys.size();) {
        const std::size_t count = std::min<std::size_t>(1 + random_() % 64, keys.size() - done);
        classifier.first_match(std::span(keys).subspan(done, count),
                               std::span(rules).subspan(done, count), simd);
        done += count;
      }
      ASSERT_EQ(rules, expected);
    }
    for (std::size_t i = 0; i < keys.size(); i += 16) {
      std::uint32_t from = 0;
      for (int step = 0; step < 8 && from != BoxClassifier::kNoMatch; ++step) {
        const std::uint32_t rule = naive_match(boxes, keys[i], from);
        for (const Simd simd : instruction_sets()) {
          ASSERT_EQ(classifier.next_match(keys[i], from, simd), rule);
        }
        from = rule == BoxClassifier::kNoMatch ? rule : rule + 1;
      }
    }
  }

  std::mt19937_64 random_{1};
};

TEST_F(BoxClassifierTest, WithoutBoxesMatchesNothing) {
  const BoxClassifier classifier;
  std::uint32_t rule = 0;
  classifier.first_match({{BoxKey{}}}, {&rule, 1});
  EXPECT_EQ(rule, BoxClassifier::kNoMatch);
  EXPECT_EQ(classifier.next_match({}, 0), BoxClassifier::kNoMatch);
  expect_equal_to_naive({}, 100);
}

TEST_F(BoxClassifierTest, TakesAnEmptyBatch) {
  BoxClassifier::build(std::vector<Box>(1)).first_match({}, {});
}

TEST_F(BoxClassifierTest, TakesMoreKeysThanABatch) {
  const std::vector<Box> boxes = {random_box(8, 0), random_box(8, 1)};
  const std::vector<BoxKey> keys = keys_near(boxes, 1000);
  std::vector<std::uint32_t> rules(keys.size());
  BoxClassifier::build(boxes).first_match(keys, rules);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    ASSERT_EQ(rules[i], naive_match(boxes, keys[i], 0));
  }
}

TEST_F(BoxClassifierTest, MatchesEverythingByAWildcard) {
  Box box;
  box.rule = 65'533;
  expect_equal_to_naive({box}, 200);
}

TEST_F(BoxClassifierTest, ComparesBothEndsOfEachDimension) {
  for (std::uint32_t rule = 0; rule < 200; ++rule) {
    expect_equal_to_naive({random_box(rule % 32 + 1, rule)}, 64);
  }
}

TEST_F(BoxClassifierTest, ContainsNothingInABoxTurnedAround) {
  Box box;
  box.source_low = 2;
  box.source_high = 1;
  expect_equal_to_naive({box, Box{.source_low = 5, .rule = 1}}, 200);
}

TEST_F(BoxClassifierTest, PrefersTheLowestRuleInAnyOrderOfBoxes) {
  std::vector<Box> boxes;
  for (std::uint32_t i = 0; i < 300; ++i) boxes.push_back(random_box(12, i));
  std::shuffle(boxes.begin(), boxes.end(), random_);
  expect_equal_to_naive(boxes, 2000);
}

TEST_F(BoxClassifierTest, LetsBoxesShareARule) {
  std::vector<Box> boxes;
  for (std::uint32_t i = 0; i < 300; ++i) boxes.push_back(random_box(12, i / 7));
  expect_equal_to_naive(boxes, 2000);
}

TEST_F(BoxClassifierTest, AnswersRightForRandomBoxesOfAnyNumber) {
  for (const std::size_t count : {2, 7, 8, 9, 15, 16, 17, 24, 25, 64, 500, 2000}) {
    for (const unsigned spread : {4U, 8U, 16U, 32U}) {
      std::vector<Box> boxes;
      for (std::uint32_t i = 0; i < count; ++i) boxes.push_back(random_box(spread, i));
      SCOPED_TRACE(testing::Message() << count << " boxes of " << spread << " bits");
      ASSERT_NO_FATAL_FAILURE(expect_equal_to_naive(boxes, 500));
    }
  }
}

TEST_F(BoxClassifierTest, AnswersRightForNestedBoxes) {
  std::vector<Box> boxes;
  for (std::uint32_t i = 0; i < 500; ++i) {
    const auto narrow = static_cast<std::uint16_t>(10 * i);
    boxes.push_back({.source_low = 1'000'000 * i,
                     .source_high = ~(1'000'000 * i),
                     .destination_low = i,
                     .destination_high = ~i,
                     .source_port_low = narrow,
                     .source_port_high = static_cast<std::uint16_t>(~narrow),
                     .rule = 500 - i});
  }
  expect_equal_to_naive(boxes, 1000);
}

TEST_F(BoxClassifierTest, AnswersRightForRepeatedBoxes) {
  std::vector<Box> boxes;
  for (std::uint32_t i = 0; i < 500; ++i) {
    boxes.push_back(i % 5 == 0 ? random_box(10, i) : boxes[random_() % boxes.size()]);
    boxes.back().rule = i;
  }
  expect_equal_to_naive(boxes, 1000);
}

// Rules of a network firewall: many hosts, few services, wildcards among them.
std::vector<Box> service_boxes(std::size_t count, std::mt19937_64& random) {
  std::vector<Box> boxes(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    Box& box = boxes[i];
    box.rule = i;
    const auto host = static_cast<std::uint32_t>(random());
    if (i % 3 != 0) box.source_low = box.source_high = host;
    if (i % 3 != 1) box.destination_low = box.destination_high = ~host;
    const auto port = static_cast<std::uint16_t>(random() % 50);
    if (random() % 4 != 0) box.destination_port_low = box.destination_port_high = port;
    const bool tcp = random() % 2 != 0;
    box.protocol_low = box.protocol_high = tcp ? 6 : 17;
  }
  return boxes;
}

TEST_F(BoxClassifierTest, AnswersRightForHostsAndServices) {
  expect_equal_to_naive(service_boxes(5000, random_), 1000);
}

// Each box meets many others in every dimension, and cutting helps little.
TEST_F(BoxClassifierTest, BoundsItsMemoryForBoxesThatOverlap) {
  constexpr std::size_t kBoxes = 20'000;
  std::vector<Box> boxes(kBoxes);
  for (std::uint32_t i = 0; i < kBoxes; ++i) {
    Box& box = boxes[i];
    std::tie(box.source_low, box.source_high) = any_range<std::uint32_t>();
    std::tie(box.destination_low, box.destination_high) = any_range<std::uint32_t>();
    std::tie(box.source_port_low, box.source_port_high) = any_range<std::uint16_t>();
    std::tie(box.destination_port_low, box.destination_port_high) = any_range<std::uint16_t>();
    box.rule = i;
  }
  EXPECT_LE(BoxClassifier::build(boxes).memory_bytes(), BoxClassifier::max_memory_bytes(kBoxes));
  boxes.resize(2000);
  expect_equal_to_naive(boxes, 300);
}

TEST_F(BoxClassifierTest, BoundsItsMemoryForWildcards) {
  constexpr std::size_t kBoxes = 60'000;
  std::vector<Box> boxes(kBoxes);
  for (std::uint32_t i = 0; i < kBoxes; ++i) boxes[i].rule = i;
  const BoxClassifier classifier = BoxClassifier::build(boxes);
  EXPECT_LE(classifier.memory_bytes(), BoxClassifier::max_memory_bytes(kBoxes));
  EXPECT_EQ(classifier.next_match({}, 0), 0);
  EXPECT_EQ(classifier.next_match({}, 59'999), 59'999);
  EXPECT_EQ(classifier.next_match({}, 60'000), BoxClassifier::kNoMatch);
}

}  // namespace
}  // namespace afxfw
