// How deep files, definitions and chains may be within each other; what else is
// read is in nft_parser_test.cpp.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "harness/rules.h"
#include "rules/nft_parser.h"

namespace afxfw::nft {
namespace {

using test::table;
using testing::HasSubstr;

using Files = tl::expected<std::vector<SourceFile>, std::string>;

std::string errors(const std::string& text, const IncludeReader& include = {}) {
  const auto parsed = parse_rules({"rules.nft", text}, include);
  return parsed ? "no error" : to_string(parsed.error());
}

TEST(NftParser, RefusesDefinitionsThatAreNestedWithoutEnd) {
  const auto nested = [](int depth) {
    std::string text = "define x0 = { 1 }\n";
    for (int i = 1; i < depth; ++i) {
      text += "define x" + std::to_string(i) + " = { $x" + std::to_string(i - 1) + " }\n";
    }
    return text + table("tcp dport $x" + std::to_string(depth - 1));
  };
  EXPECT_EQ(errors(nested(64)), "no error");
  EXPECT_THAT(errors(nested(40'000)), HasSubstr("more than 64 deep"));
}

TEST(NftParser, FilesOfOnePatternMayIncludeOthers) {
  const IncludeReader reader = [](const std::string& path) -> Files {
    if (path == "port") return std::vector<SourceFile>{{path, "\n"}};
    return std::vector<SourceFile>(40, {"part", "include \"port\"\n"});
  };
  EXPECT_EQ(errors("include \"*\"\n" + table("accept"), reader), "no error");
}

TEST(NftParser, FilesIncludeEachOtherSixteenDeep) {
  const auto chain_of = [](int last) -> IncludeReader {
    return [last](const std::string& path) -> Files {
      const int next = std::stoi(path) + 1;
      std::string text = next > last ? "" : "include \"" + std::to_string(next) + "\"\n";
      return std::vector<SourceFile>{{path, std::move(text)}};
    };
  };
  const std::string text = "include \"2\"\n" + table("accept");
  EXPECT_EQ(errors(text, chain_of(16)), "no error");
  EXPECT_THAT(errors(text, chain_of(17)),
              HasSubstr("16:1:1: files include each other more than 16 deep"));
}

// "in", and c0 to c(count - 1), each with a jump to the next.
std::string jumps(int count) {
  std::string chains;
  for (int i = 0; i < count; ++i) {
    const std::string next = i + 1 < count ? "jump c" + std::to_string(i + 1) : "accept";
    chains += "chain c" + std::to_string(i) + " {\n" + next + "\n}\n";
  }
  return table("jump c0", {.chains = chains});
}

TEST(NftParser, ChainsLeadToEachOtherSixteenDeep) {
  EXPECT_EQ(errors(jumps(15)), "no error");
  EXPECT_EQ(errors(jumps(16)),
            "rules.nft:3:7: chains lead from here to each other more than 16 deep: 'in'");
}

TEST(NftParser, ChainsWithoutEndAreRefusedAsWell) {
  EXPECT_THAT(errors(jumps(3000)), HasSubstr("more than 16 deep"));
}

// What is known of a chain from one path holds for others.
TEST(NftParser, EveryPathCountsTowardsTheDepth) {
  std::string text = jumps(15);
  const std::string more = "chain late {\njump in2\n}\nchain in2 {\njump c0\n}\n";
  text.insert(text.rfind('}'), more);
  EXPECT_EQ(errors(text),
            "rules.nft:53:7: chains lead from here to each other more than 16 deep: 'late'");
}

}  // namespace
}  // namespace afxfw::nft
