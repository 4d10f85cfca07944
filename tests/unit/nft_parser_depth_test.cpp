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

}  // namespace
}  // namespace afxfw::nft
