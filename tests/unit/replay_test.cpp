#include "replay/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "harness/capture.h"
#include "harness/packet.h"
#include "replay/capture_reader.h"
#include "replay/explanation.h"
#include "replay/report.h"
#include "rules/inline_policy.h"
#include "util/error.h"
#include "util/json.h"

namespace afxfw::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Bytes blocked() { return (Ethernet{} / Ipv4{.source = "198.51.100.8"} / Tcp{}).bytes(); }
Bytes accepted() { return (Ethernet{} / Ipv4{.source = "203.0.113.1"} / Tcp{}).bytes(); }
Bytes web() { return (Ethernet{} / Ipv4{} / Tcp{.destination_port = 80}).bytes(); }
Bytes udp() { return (Ethernet{} / Ipv6{} / Udp{} / Payload(100)).bytes(); }
Bytes arp() { return (Ethernet{} / Arp{}).bytes(); }
Bytes broken() { return (Ethernet{} / Ipv4{.version = 5} / Tcp{}).bytes(); }

/// One of each kind, a second apart; the last is cut within its headers.
Bytes one_of_each() {
  Bytes cut = udp();
  cut.resize(54);
  return PcapFile()
      .add({blocked(), 1'714'555'800, 123'456})
      .add({accepted(), 1'714'555'801})
      .add({web(), 1'714'555'802})
      .add({udp(), 1'714'555'803})
      .add({arp(), 1'714'555'804})
      .add({broken(), 1'714'555'805})
      .add({cut, 1'714'555'806, 0, static_cast<std::uint32_t>(udp().size())})
      .bytes();
}

class ReplayTest : public testing::Test {
 protected:
  static CompiledRuleSet compile_list() {
    RuleSetSources sources;
    sources.blocklists.push_back({"block", "198.51.100.8\n"});
    return std::move(*compile(sources, 1));
  }

  [[nodiscard]] ReplayResult run(const ReplayOptions& options) {
    ReplayCallbacks callbacks;
    callbacks.packet = [this](const JudgedPacket& packet) {
      explained_.push_back(explain(packet, filter_));
      explained_json_.push_back(parse_json(explain_json(packet, filter_)));
    };
    return replay(filter_, options, callbacks);
  }

  [[nodiscard]] std::string failure(const ReplayOptions& options) {
    try {
      (void)run(options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      return error.what();
    }
    ADD_FAILURE() << "no error";
    return "";
  }

  static std::vector<Bytes> packets_of(const std::string& path) {
    std::vector<Bytes> packets;
    CaptureReader reader(path);
    while (const auto packet = reader.next()) {
      packets.emplace_back(packet->bytes.begin(), packet->bytes.end());
    }
    return packets;
  }

  CompiledRuleSet compiled_ = compile_list();
  afxfw_inline_policy policy_ = *parse_inline_policy("udp,tcp/80");
  Filter filter_{*compiled_.rules, policy_};
  TemporaryFolder folder_;
  std::string trace_ = folder_.write("trace.pcap", one_of_each());
  std::vector<std::string> explained_;
  std::vector<Json> explained_json_;
};

TEST_F(ReplayTest, CountsEachPacketOnce) {
  const ReplayResult result = run({.captures = {trace_}});
  EXPECT_EQ(result.all.packets, 7u);
  EXPECT_EQ(result.accepted.packets, 2u);
  EXPECT_EQ(result.dropped.packets, 4u);
  EXPECT_EQ(result.not_judged.packets, 1u);
  EXPECT_EQ(result.not_judged.bytes, udp().size()) << "its length on the wire";
  EXPECT_EQ(result.truncated, 1u);
  EXPECT_EQ(result.inline_outcomes[AFXFW_DROP_PROTOCOL].packets, 1u);
  EXPECT_EQ(result.inline_outcomes[AFXFW_DROP_PROTOCOL].bytes, udp().size());
  EXPECT_EQ(result.inline_outcomes[AFXFW_DROP_PORT].packets, 1u);
  EXPECT_EQ(result.inline_outcomes[AFXFW_DROP_MALFORMED].packets, 1u);
  EXPECT_EQ(result.malformed[static_cast<std::size_t>(Malformed::kIpVersion)], 1u);
  EXPECT_EQ(result.inline_outcomes[AFXFW_PASS_NOT_IP].packets, 1u);
  EXPECT_EQ(result.inline_outcomes[AFXFW_REDIRECT].packets, 2u);
  EXPECT_EQ(result.drop_reasons[static_cast<std::size_t>(DropReason::kBlocklist)], 1u);
  EXPECT_EQ(result.rules.at(0).packets, 1u);
  EXPECT_EQ(result.rules.at(0).bytes, blocked().size());
  EXPECT_DOUBLE_EQ(result.time()->seconds(), 5.876544);
  EXPECT_TRUE(result.complete());
}

TEST_F(ReplayTest, AddsUpSeveralFiles) {
  Bytes packet = web();
  packet.erase(packet.begin(), packet.begin() + 14);
  const std::string raw =
      folder_.write("raw.pcap", PcapFile({.link_type = 101}).add({packet}).bytes());
  const ReplayResult result = run({.captures = {trace_, raw, trace_}});
  EXPECT_EQ(result.all.packets, 15u);
  EXPECT_EQ(result.inline_outcomes[AFXFW_DROP_PORT].packets, 3u);
  ASSERT_EQ(result.files.size(), 3u);
  EXPECT_EQ(result.files[1].all.packets, 1u);
  EXPECT_EQ(result.files[1].link_type, "Raw IP");
}

TEST_F(ReplayTest, WritesWhatPassesAndWhatDoesNot) {
  const ReplayResult result = run({.captures = {trace_},
                                   .write_accepted = folder_.path("accepted.pcap"),
                                   .write_dropped = folder_.path("dropped.pcap")});
  EXPECT_THAT(packets_of(folder_.path("accepted.pcap")), ElementsAre(accepted(), arp()));
  EXPECT_THAT(packets_of(folder_.path("dropped.pcap")),
              ElementsAre(blocked(), web(), udp(), broken()));
  EXPECT_THAT(folder_.files(), ElementsAre("accepted.pcap", "dropped.pcap", "trace.pcap"));
  EXPECT_EQ(result.accepted.packets, 2u);
}

TEST_F(ReplayTest, NeverOverwritesAnInput) {
  const Bytes before = read_bytes(trace_);
  ASSERT_EQ(::symlink(trace_.c_str(), folder_.path("link").c_str()), 0);
  ASSERT_EQ(::link(trace_.c_str(), folder_.path("hard").c_str()), 0);
  for (const std::string& output : {trace_, folder_.path("link"), folder_.path("hard")}) {
    EXPECT_THAT(failure({.captures = {trace_}, .write_dropped = output}),
                HasSubstr("would be overwritten"));
  }
  EXPECT_THAT(failure({.captures = {trace_},
                       .write_accepted = folder_.path("new"),
                       .write_dropped = folder_.path("new")}),
              HasSubstr("both name"));
  EXPECT_EQ(read_bytes(trace_), before);
}

TEST_F(ReplayTest, NamesEveryCaptureThatCannotBeReadBeforeItStarts) {
  const std::string text = folder_.write("list.txt", Bytes(50, std::byte{'x'}));
  EXPECT_THAT(failure({.captures = {trace_, folder_.path("missing"), text},
                       .write_accepted = folder_.path("accepted.pcap")}),
              AllOf(HasSubstr("missing"), HasSubstr("list.txt")));
  EXPECT_TRUE(explained_.empty());
  EXPECT_THAT(folder_.files(), ElementsAre("list.txt", "trace.pcap"));
}

TEST_F(ReplayTest, AFileThatBreaksOffCountsUpToThere) {
  Bytes cut = one_of_each();
  cut.resize(cut.size() - 10);
  const ReplayResult result = run({.captures = {folder_.write("cut.pcap", cut), trace_},
                                   .write_dropped = folder_.path("dropped.pcap")});
  EXPECT_EQ(result.all.packets, 13u);
  EXPECT_FALSE(result.complete());
  EXPECT_THAT(result.files[0].damage, HasSubstr("truncated"));
  EXPECT_EQ(result.files[1].damage, "");
  EXPECT_EQ(packets_of(folder_.path("dropped.pcap")).size(), 8u);
}

TEST_F(ReplayTest, StopsWhenAsked) {
  ReplayCallbacks callbacks;
  callbacks.progress = [](const ReplayProgress&) { return false; };
  const ReplayResult result = replay(filter_, {.captures = {trace_, trace_}}, callbacks);
  EXPECT_TRUE(result.interrupted);
  EXPECT_FALSE(result.complete());
  EXPECT_EQ(result.files.size(), 1u);
}

TEST_F(ReplayTest, ExplainsEachPacket) {
  (void)run({.captures = {trace_}});
  EXPECT_THAT(
      explained_,
      ElementsAre("     1  2024-05-01 09:30:00.123456000  drop    tcp 198.51.100.8:40000 > "
                  "192.0.2.1:8080  rule 3: ip saddr @blocklist drop",
                  "     2  2024-05-01 09:30:01.000000000  accept  tcp 203.0.113.1:40000 > "
                  "192.0.2.1:8080  by default: no rule matches",
                  "     3  2024-05-01 09:30:02.000000000  drop    tcp 198.51.100.1:40000 > "
                  "192.0.2.1:80  inline policy: tcp/80",
                  "     4  2024-05-01 09:30:03.000000000  drop    udp [2001:db8::1]:40000 > "
                  "[2001:db8:1::1]:53  inline policy: udp",
                  "     5  2024-05-01 09:30:04.000000000  accept  ethertype 0x0806  not IP",
                  "     6  2024-05-01 09:30:05.000000000  drop    -  malformed: ip-version",
                  "     7  2024-05-01 09:30:06.000000000  ?       -  the capture cut off its "
                  "headers: 54 of 162 bytes are there"));
}

TEST_F(ReplayTest, ExplainsEachPacketInJson) {
  (void)run({.captures = {trace_}});
  ASSERT_EQ(explained_json_.size(), 7u);
  const Json expected = {{"file", trace_},
                         {"packet", 1},
                         {"time", "2024-05-01T09:30:00.123456000Z"},
                         {"bytes", 54},
                         {"verdict", "drop"},
                         {"by", "rule"},
                         {"why", "rule 3: ip saddr @blocklist drop"},
                         {"rule", 3},
                         {"src", "198.51.100.8"},
                         {"dst", "192.0.2.1"},
                         {"proto", "tcp"},
                         {"sport", 40000},
                         {"dport", 8080}};
  EXPECT_EQ(explained_json_[0], expected);
  std::vector<std::string> by;
  for (const auto& json : explained_json_) by.push_back(json.at("by"));
  EXPECT_THAT(by, ElementsAre("rule", "policy", "inline", "inline", "inline", "parser", "nobody"));
}

// The names are an interface: scripts read them.
TEST_F(ReplayTest, JsonHasTheDocumentedShape) {
  const auto json = parse_json(report_json(run({.captures = {trace_}}), filter_));
  EXPECT_EQ(json.at("packets"), 7);
  EXPECT_EQ(json.at("complete"), true);
  EXPECT_EQ(json.at("truncated"), 1);
  EXPECT_EQ(json.at("files").at(0).at("link_type"), "Ethernet");
  EXPECT_EQ(json.at("verdicts").at("accept").at("packets"), 2);
  EXPECT_EQ(json.at("verdicts").at("drop").at("packets"), 4);
  EXPECT_EQ(json.at("verdicts").at("not_judged").at("packets"), 1);
  EXPECT_EQ(json.at("inline").at("pass"), 1);
  EXPECT_EQ(json.at("inline").at("drop"), 2);
  EXPECT_EQ(json.at("inline").at("redirect"), 2);
  EXPECT_EQ(json.at("inline").at("malformed"), 1);
  EXPECT_EQ(json.at("inline").at("fallback"), 0);
  EXPECT_EQ(json.at("inline_drop_reasons").at("port"), 1);
  EXPECT_EQ(json.at("malformed_reasons").at("ip-version"), 1);
  EXPECT_EQ(json.at("total").at("received"), 2);
  EXPECT_EQ(json.at("total").at("accepted"), 1);
  EXPECT_EQ(json.at("drop_reasons").at("blocklist"), 1);
  EXPECT_EQ(json.at("drop_reasons").at("policy"), 0);
  const Json rule = {{"handle", 3},  {"chain", ""}, {"text", "ip saddr @blocklist drop"},
                     {"packets", 1}, {"bytes", 54}, {"decided", 1}};
  EXPECT_EQ(json.at("rules").at(0), rule);
}

TEST_F(ReplayTest, TheTableNamesFilesReasonsAndRules) {
  const std::string table = report_table(run({.captures = {trace_}}), filter_);
  for (const char* part : {"trace.pcap: Ethernet, 7 packets", "5.876544 s", "--inline-drop",
                           "udp,tcp/80", "ip-version", "blocklist", "ip saddr @blocklist drop",
                           "not judged", "cut by a snap length: 1 packet\n"}) {
    EXPECT_THAT(table, HasSubstr(part));
  }
}

TEST_F(ReplayTest, NoNameReachesTheTerminalUnseen) {
  const std::string odd = folder_.write("a\x1b[2Jb\xff.pcap", one_of_each());
  const ReplayResult result = run({.captures = {odd}});
  for (const std::string& text : {report_table(result, filter_), report_json(result, filter_)}) {
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\xff'), std::string::npos);
  }
  EXPECT_THAT(report_table(result, filter_), HasSubstr("a\\x1b[2Jb\\xff.pcap"));
}

}  // namespace
}  // namespace afxfw::test
