#include "control/sources_json.h"

#include <gtest/gtest.h>

#include "net/prefix.h"
#include "util/json.h"

namespace afxfw {
namespace {

HotSources::Ranking two_sources() {
  HotSources::Ranking ranking;
  ranking.seconds = 10;
  ranking.packets = 5000;
  ranking.error_bound = 19;
  ranking.sources = {{{*parse_ipv4("198.51.100.7"), 4, DropReason::kBlocklist}, 3000, 5, 250.5},
                     {{*parse_ipv6("2001:db8::7"), 6, DropReason::kPolicy}, 20, 19, 0}};
  return ranking;
}

// The names are an interface: docs/control.md.
TEST(SourcesJson, HasTheDocumentedShape) {
  EXPECT_EQ(sources_json(two_sources(), 20), parse_json(R"({
    "sketch": "Space-Saving", "counters": 256, "sampled_one_in": 64,
    "seconds": 10.0, "packets": 5000, "error_bound": 19,
    "sources": [
      {"address": "198.51.100.7", "reason": "blocklist", "packets": 3000, "error_packets": 5,
       "rate": 250.5},
      {"address": "2001:db8::7", "reason": "policy", "packets": 20, "error_packets": 19,
       "rate": 0.0}]})"));
}

TEST(SourcesJson, HasAsManyAsAreAskedFor) {
  EXPECT_EQ(sources_json(two_sources(), 1)["sources"].size(), 1U);
}

}  // namespace
}  // namespace afxfw
