#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "pktgen/options.h"
#include "util/cpu.h"
#include "util/error.h"

namespace afxfw::pktgen {
namespace {

using testing::HasSubstr;

/// With the two required options in front.
CommandLine parse(std::vector<const char*> arguments) {
  std::vector<const char*> argv = {"afxfw-pktgen", "--iface", "gen0", "--dst-mac",
                                   "02:00:00:00:00:01"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return parse_command_line(static_cast<int>(argv.size()), argv.data());
}

Options options(std::vector<const char*> arguments) { return *parse(std::move(arguments)).options; }

std::string usage_error(std::vector<const char*> arguments) {
  try {
    static_cast<void>(parse(std::move(arguments)));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    return error.what();
  }
  return "";
}

TEST(PktgenPortRange, IsAPortOrTwo) {
  EXPECT_EQ(parse_port_range("80"), (PortRange{80, 80}));
  EXPECT_EQ(parse_port_range("0-65535"), (PortRange{0, 65535}));
}

TEST(PktgenPortRange, RefusesWhatIsNone) {
  for (const char* text : {"", "-", "80-", "-80", "65536", "80-90-100", " 80", "80x", "+80"}) {
    EXPECT_FALSE(parse_port_range(text)) << text;
  }
  EXPECT_THAT(parse_port_range("90-80").error(), HasSubstr("backwards"));
}

TEST(PktgenMac, IsReadAndWritten) {
  const auto mac = parse_mac("02:aB:00:01:fe:ff");
  ASSERT_TRUE(mac);
  EXPECT_EQ(*mac, (MacAddress{0x02, 0xab, 0x00, 0x01, 0xfe, 0xff}));
  EXPECT_EQ(format_mac(*mac), "02:ab:00:01:fe:ff");
}

TEST(PktgenMac, RefusesWhatIsNone) {
  for (const char* text : {"", "02:00:00:00:00", "02:00:00:00:00:01:02", "02-00-00-00-00-01",
                           "2:0:0:0:0:1", "02:00:00:00:00:0g", "02:00:00:00:00:1"}) {
    EXPECT_FALSE(parse_mac(text)) << text;
  }
}

TEST(PktgenScaled, TakesUnits) {
  EXPECT_EQ(parse_scaled("0"), 0U);
  EXPECT_EQ(parse_scaled("17"), 17U);
  EXPECT_EQ(parse_scaled("500k"), 500'000U);
  EXPECT_EQ(parse_scaled("2M"), 2'000'000U);
  EXPECT_EQ(parse_scaled("3G"), 3'000'000'000U);
  EXPECT_EQ(parse_scaled("18446744073709551615"), 18'446'744'073'709'551'615U);
}

TEST(PktgenScaled, RefusesWhatIsNone) {
  for (const char* text :
       {"", "k", "-1", "1.5M", "1K", "1kk", "18446744073709551616", "18446744073709552k"}) {
    EXPECT_FALSE(parse_scaled(text)) << text;
  }
}

TEST(PktgenTcpFlags, AreNamed) {
  EXPECT_EQ(parse_tcp_flags("syn"), 0x02);
  EXPECT_EQ(parse_tcp_flags("syn,ack"), 0x12);
  EXPECT_EQ(parse_tcp_flags("fin,syn,rst,psh,ack,urg,ecn,cwr"), 0xff);
  EXPECT_EQ(parse_tcp_flags("none"), 0x00);
  EXPECT_FALSE(parse_tcp_flags(""));
  EXPECT_FALSE(parse_tcp_flags("syn,"));
  EXPECT_FALSE(parse_tcp_flags("SYN"));
}

TEST(PktgenOptions, DefaultToUdpOverIpv4) {
  const Options defaults = options({});
  EXPECT_EQ(defaults.interface, "gen0");
  EXPECT_EQ(defaults.traffic.protocol, Protocol::kUdp);
  EXPECT_EQ(to_string(defaults.traffic.source), "198.18.0.0/16");
  EXPECT_EQ(to_string(defaults.traffic.destination), "198.19.0.1");
  EXPECT_EQ(defaults.traffic.order, Order::kRandom);
  EXPECT_EQ(defaults.cpus.size(), 1U);
  EXPECT_FALSE(defaults.count || defaults.rate || defaults.duration);
  EXPECT_EQ(defaults.method, Method::kAuto);
}

TEST(PktgenOptions, OfIpv6FollowFromTheAddresses) {
  const Options given = options({"--dst", "2001:db8::5"});
  EXPECT_EQ(to_string(given.traffic.destination), "2001:db8::5");
  EXPECT_EQ(given.traffic.source.family(), Family::kIpv6);
  EXPECT_EQ(options({"--ipv6"}).traffic.source.family(), Family::kIpv6);
}

TEST(PktgenOptions, RefuseMixedFamilies) {
  EXPECT_THAT(usage_error({"--src", "198.18.0.0/16", "--dst", "2001:db8::5"}),
              HasSubstr("both be IPv4 or both IPv6"));
  EXPECT_THAT(usage_error({"--src", "198.18.0.0/16", "--ipv6"}), HasSubstr("must be IPv6"));
}

TEST(PktgenOptions, AreReadWithTheirUnits) {
  const Options given = options({"--count", "2M", "--duration", "1.5", "--rate", "100k"});
  EXPECT_EQ(given.count, 2'000'000U);
  EXPECT_EQ(given.duration, std::chrono::milliseconds(1500));
  EXPECT_EQ(given.rate, 100'000U);
}

TEST(PktgenOptions, PinOneThreadToEachCpu) {
  EXPECT_EQ(options({"--cpus", "3,5-6"}).cpus, (std::vector<int>{3, 5, 6}));
  EXPECT_EQ(options({"--cpus", "3,5-6", "--threads", "2"}).cpus, (std::vector<int>{3, 5}));
  EXPECT_EQ(options({"--threads", "1"}).cpus, (std::vector<int>{allowed_cpus().front()}));
}

TEST(PktgenOptions, RefuseMoreThreadsThanCpus) {
  EXPECT_THAT(usage_error({"--cpus", "0", "--threads", "2"}), HasSubstr("as many CPUs"));
  EXPECT_THAT(usage_error({"--cpus", "1,0-2"}), HasSubstr("named twice"));
  EXPECT_THAT(usage_error({"--threads", "0"}), HasSubstr("--threads"));
}

TEST(PktgenOptions, NameTheOptionThatIsWrong) {
  EXPECT_THAT(usage_error({"--src", "198.18.0.0/33"}), HasSubstr("--src"));
  EXPECT_THAT(usage_error({"--sport", "x"}), HasSubstr("--sport"));
  EXPECT_THAT(usage_error({"--proto", "sctp"}), HasSubstr("udp, tcp, icmp"));
  EXPECT_THAT(usage_error({"--vlan", "4095"}), HasSubstr("--vlan"));
  EXPECT_THAT(usage_error({"--rate", "0"}), HasSubstr("--rate"));
  EXPECT_THAT(usage_error({"--count", "0"}), HasSubstr("--count"));
  EXPECT_THAT(usage_error({"--duration", "-1"}), HasSubstr("--duration"));
  EXPECT_THAT(usage_error({"--batch", "257"}), HasSubstr("--batch"));
  EXPECT_THAT(usage_error({"--method", "dpdk"}), HasSubstr("auto, live, xsk"));
  EXPECT_THAT(usage_error({"--bogus"}), HasSubstr("--bogus"));
  EXPECT_THAT(usage_error({"stray"}), HasSubstr("--help"));
}

TEST(PktgenOptions, RefuseWhatTheProtocolDoesNotHave) {
  EXPECT_THAT(usage_error({"--proto", "icmp", "--dport", "80"}), HasSubstr("--dport"));
  EXPECT_THAT(usage_error({"--tcp-flags", "syn"}), HasSubstr("--proto tcp"));
}

TEST(PktgenOptions, OfStampsHaveFlowsThatNoTwoThreadsShare) {
  EXPECT_EQ(options({}).traffic.flows, 0U);
  EXPECT_EQ(options({"--flows", "2M"}).traffic.flows, 2'000'000U);
  EXPECT_EQ(options({"--stamp"}).traffic.flows, 1024U);
  EXPECT_EQ(options({"--stamp", "--cpus", "0-2"}).traffic.flows, 1023U);
  EXPECT_EQ(options({"--stamp", "--src", "198.18.0.1", "--sport", "7-9"}).traffic.flows, 3U);
  EXPECT_THAT(usage_error({"--stamp", "--cpus", "0-2", "--flows", "1024"}),
              HasSubstr("a multiple of the 3 threads"));
  EXPECT_THAT(usage_error({"--flows", "0"}), HasSubstr("--flows"));
  EXPECT_THAT(usage_error({"--flows", "17M"}), HasSubstr("16777216"));
  EXPECT_THAT(usage_error({"--stamp", "--fragment", "first"}), HasSubstr("--fragment"));
}

TEST(PktgenOptions, ReceiveWithoutADestination) {
  const std::vector<const char*> argv = {"afxfw-pktgen",
                                         "--receive",
                                         "--iface",
                                         "eth0",
                                         "--count",
                                         "5k",
                                         "--flows",
                                         "7",
                                         "--cpus",
                                         "1",
                                         "--json",
                                         "--idle-timeout",
                                         "1.5",
                                         "--duration",
                                         "9",
                                         "--list-flows",
                                         "3"};
  const CommandLine command_line = parse_command_line(static_cast<int>(argv.size()), argv.data());
  EXPECT_FALSE(command_line.options);
  ASSERT_TRUE(command_line.receive);
  const ReceiveOptions& given = *command_line.receive;
  EXPECT_EQ(given.interface, "eth0");
  EXPECT_EQ(given.count, 5000U);
  EXPECT_EQ(given.flows, 7U);
  EXPECT_EQ(given.cpu, 1);
  EXPECT_EQ(given.idle_timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(given.duration, std::chrono::seconds(9));
  EXPECT_EQ(given.listed_flows, 3U);
  EXPECT_TRUE(given.json);
}

TEST(PktgenOptions, OfACaptureNeedNoDestination) {
  const std::vector<const char*> argv = {
      "afxfw-pktgen", "--iface", "gen0", "--pcap",    "in.pcap",          "--speed",
      "0.5",          "--loops", "2k",   "--src-mac", "02:00:00:00:00:09"};
  const Options given = *parse_command_line(static_cast<int>(argv.size()), argv.data()).options;
  ASSERT_TRUE(given.capture);
  EXPECT_EQ(given.capture->path, "in.pcap");
  EXPECT_EQ(given.capture->speed, 0.5);
  EXPECT_EQ(given.capture->loops, 2000U);
  EXPECT_FALSE(given.capture->destination_mac);
  EXPECT_EQ(given.capture->source_mac, (MacAddress{2, 0, 0, 0, 0, 9}));
  EXPECT_EQ(given.method, Method::kXsk);
}

TEST(PktgenOptions, RefuseWhatDoesNotGoWithACaptureOrAMix) {
  EXPECT_THAT(usage_error({"--pcap", "f", "--stamp"}), HasSubstr("not with --pcap"));
  EXPECT_THAT(usage_error({"--pcap", "f", "--cpus", "0,1"}), HasSubstr("--threads"));
  EXPECT_THAT(usage_error({"--pcap", "f", "--rate", "5", "--speed", "1"}), HasSubstr("--rate"));
  EXPECT_THAT(usage_error({"--pcap", "f", "--speed", "-1"}), HasSubstr("--speed"));
  EXPECT_THAT(usage_error({"--pcap", "f", "--method", "live"}), HasSubstr("sent by xsk"));
  EXPECT_THAT(usage_error({"--speed", "2"}), HasSubstr("needs --pcap"));
  EXPECT_THAT(usage_error({"--imix", "--size", "100"}), HasSubstr("--imix"));
  EXPECT_THAT(usage_error({"--burst", "1"}), HasSubstr("needs --rate"));
  EXPECT_THAT(usage_error({"--burst", "257", "--rate", "5"}), HasSubstr("257"));
  EXPECT_EQ(options({"--burst", "1", "--rate", "5"}).burst, 1U);
}

TEST(PktgenOptions, RefuseWhatTheOtherDirectionHas) {
  EXPECT_THAT(usage_error({"--receive"}), HasSubstr("--dst-mac: is for sending"));
  EXPECT_THAT(usage_error({"--idle-timeout", "1"}), HasSubstr("needs --receive"));
  EXPECT_THAT(usage_error({"--list-flows", "10"}), HasSubstr("needs --receive"));
}

TEST(PktgenOptions, RequireInterfaceAndDestination) {
  const std::vector<const char*> none = {"afxfw-pktgen"};
  EXPECT_THROW(static_cast<void>(parse_command_line(1, none.data())), Error);
  const std::vector<const char*> interface_only = {"afxfw-pktgen", "--iface", "gen0"};
  EXPECT_THROW(static_cast<void>(parse_command_line(3, interface_only.data())), Error);
}

TEST(PktgenOptions, AskForHelpWithoutAnythingElse) {
  const std::vector<const char*> help = {"afxfw-pktgen", "--help"};
  const CommandLine command_line = parse_command_line(2, help.data());
  EXPECT_FALSE(command_line.options);
  EXPECT_THAT(command_line.text, HasSubstr("Examples:"));
}

}  // namespace
}  // namespace afxfw::pktgen
