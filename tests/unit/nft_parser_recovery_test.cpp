// One mistake makes one error: how reading goes on behind it.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "harness/rules.h"
#include "rules/nft_parser.h"

namespace afxfw::nft {
namespace {

using test::table;

std::string errors(const std::string& text) {
  const auto parsed = parse_rules({"rules.nft", text}, {});
  return parsed ? "no error" : to_string(parsed.error());
}

std::string no_port_at(std::string_view place, std::string_view word = "oops") {
  return fmt::format("rules.nft:{}: expected a port or service name: '{}'", place, word);
}

TEST(NftParser, GoesOnBehindTheBracesThatHoldAnError) {
  EXPECT_EQ(errors(table("tcp dport { 1, oops } drop\ntcp dport 5 accept",
                         {.chains = "chain more {\naccept\n}"})),
            no_port_at("5:16"));
  EXPECT_EQ(errors(table("tcp dport {\n1,\noops,\n3\n} drop\ntcp dport wrong accept")),
            no_port_at("7:1") + "\n" + no_port_at("10:11", "wrong"));
}

TEST(NftParser, GoesOnBehindTheUseOfADefinitionWithAnError) {
  EXPECT_EQ(errors("define ports = { 1, oops }\n" + table("tcp dport $ports drop\naccept")),
            no_port_at("1:21"));
  EXPECT_EQ(errors("define ports = { 1, oops }\ndefine more = { $ports, 2 }\n" +
                   table("tcp dport { $more } drop\naccept")),
            no_port_at("1:21"));
}

TEST(NftParser, GoesOnBehindElementsWithAnError) {
  EXPECT_EQ(errors(table("tcp dport @s drop",
                         {.sets = "set s { type inet_service\nelements = { 1,\noops }\n"
                                  "comment \"ports\"\n}"})),
            no_port_at("4:1"));
}

TEST(NftParser, GoesOnBehindABlockThatCannotBe) {
  EXPECT_EQ(errors(table("accept", {.chains = "chain 5th {\ntcp dport { 1 } drop\n}\n"
                                              "chain more {\naccept\n}"})),
            "rules.nft:7:7: expected the chain's name, beginning with a letter: '5th'");
}

}  // namespace
}  // namespace afxfw::nft
