#include "pktgen/option_descriptions.h"

#include <cstdint>
#include <sstream>
#include <string_view>

namespace afxfw::pktgen {

namespace po = boost::program_options;

namespace {

constexpr std::string_view kExamples = R"(Examples:
  A million UDP packets to port 53 from a /16:
    afxfw-pktgen --iface gen0 --dst-mac 02:00:00:00:00:01 --src 198.18.0.0/16
                 --dst 198.19.0.1 --dport 53 --count 1M
  SYN packets to port 80, 100,000 a second for ten seconds, the result as JSON:
    afxfw-pktgen --iface gen0 --dst-mac 02:00:00:00:00:01 --proto tcp --tcp-flags syn
                 --dport 80 --rate 100k --duration 10 --json
  As fast as possible from two CPUs until Ctrl-C:
    afxfw-pktgen --iface gen0 --dst-mac 02:00:00:00:00:01 --cpus 0,1
  Loss, reordering, duplicates and latency of 100,000 packets in 64 flows; the
  receiver is started first:
    afxfw-pktgen --receive --iface eth0 --count 100k --flows 64 --idle-timeout 2
    afxfw-pktgen --iface gen0 --dst-mac 02:00:00:00:00:01 --stamp --flows 64
                 --rate 50k --count 100k

Packet number I is the same in each run with the same options, and --count N
sends packets 0 to N-1, each once; one that the driver refuses is offered again.
Exit codes: 0 done or stopped by a signal, 1 failed while running, 2 usage,
3 missing privilege, 4 the interface cannot do what was asked.
)";

template <typename T = std::string>
po::typed_value<T>* value(const char* value_name) {
  return po::value<T>()->value_name(value_name);
}

po::options_description where_options() {
  po::options_description group("Where");
  auto add = group.add_options();
  add("iface,i", value("NAME"), "interface to send on (required)");
  add("dst-mac", value("MAC"),
      "destination MAC address (required without --pcap): the receiver's, or the next router's");
  add("src-mac", value("MAC"), "source MAC address (default: the interface's)");
  add("vlan", value<unsigned>("ID"), "802.1Q tag, 0 to 4094");
  return group;
}

po::options_description packet_options() {
  po::options_description group("Packets");
  auto add = group.add_options();
  add("src", value("CIDR"), "source addresses (default: 198.18.0.0/16 or 2001:db8:0:1::/64)");
  add("dst", value("CIDR"), "destination addresses (default: 198.19.0.1 or 2001:db8:0:2::1)");
  add("ipv6,6", "IPv6; implied by --src or --dst");
  add("proto,p", value("P")->default_value("udp"),
      "udp, tcp or icmp (echo requests; ICMPv6 with IPv6)");
  add("sport", value("RANGE"), "source ports; for icmp the echo identifiers (default: 1024-65535)");
  add("dport", value("RANGE"), "destination ports (default: 9)");
  add("tcp-flags", value("LIST"), "fin, syn, rst, psh, ack, urg, ecn, cwr or none (default: ack)");
  add("size", value<std::uint32_t>("BYTES"),
      "Ethernet frame without FCS, at least 60 (default: the smallest that holds the headers)");
  add("imix",
      "seven frames of 60 bytes, four of 590 and one of 1514 in turn: the simple IMIX of 64, 594 "
      "and 1518 bytes with FCS");
  add("fragment", value("KIND")->default_value("none"),
      "none, first or later; with the same --seed the two make whole datagrams");
  add("order", value("ORDER")->default_value("random"),
      "sequential: walk the source addresses, then the destination addresses, source ports, "
      "destination ports; random: uniform within the ranges");
  add("seed", value<std::uint64_t>("N")->default_value(0),
      "another seed gives other packets with --order random");
  add("flows", value("N"),
      "N flows that take turns, each of one 5-tuple; k, M, G allowed (default: each packet by "
      "itself; with --stamp 1024)");
  add("stamp", "put flow, number and time into each packet, for --receive; 18 bytes more");
  return group;
}

po::options_description amount_options() {
  po::options_description group("How many and how fast");
  auto add = group.add_options();
  add("count,n", value("N"),
      "frames that the driver is to take; k, M, G allowed (default: no limit)");
  add("duration,d", value<double>("SECONDS"),
      "stop after this time; with --rate, after the frames that are due within it");
  add("rate,r", value("PPS"),
      "frames a second over all threads; k, M, G allowed (default: as fast as possible)");
  add("burst", value<std::uint32_t>("N"),
      "with --rate, send N frames at once, 1 to 256, and spin until they are due (default: half a "
      "millisecond's worth, and sleep)");
  return group;
}

po::options_description capture_options() {
  po::options_description group("From a capture");
  auto add = group.add_options();
  add("pcap", value("FILE"),
      "send this pcap or pcapng file's Ethernet frames instead of generated ones, by AF_XDP; with "
      "--dst-mac and --src-mac in place of theirs if given");
  add("speed", value<double>("FACTOR"),
      "times the file's own pace; 0: as fast as possible (default: 1, if there is no --rate)");
  add("loops", value("N"), "times through the file (default: 1)");
  return group;
}

po::options_description method_options() {
  po::options_description group("How");
  auto add = group.add_options();
  add("method,m", value("M")->default_value("auto"),
      "live: BPF live frames; xsk: AF_XDP transmit; auto: live if the interface takes them");
  add("threads,t", value<unsigned>("N"),
      "sending threads (default: one, or one for each of --cpus); with xsk thread T uses queue T");
  add("cpus", value("LIST"),
      "pin the threads to these CPUs, as in 0,2-3 (default: the first ones allowed); on a veth, "
      "live frames arrive on queue CPU modulo queues");
  add("batch", value<std::uint32_t>("N")->default_value(64),
      "frames handed to the kernel at once, 1 to 256");
  return group;
}

po::options_description receive_options() {
  po::options_description group("Receiving");
  auto add = group.add_options();
  add("receive",
      "take stamped packets from the interface instead of sending; with --iface, --count (as many "
      "as the sender sends: what is missing at the end is lost), --flows (as the sender has), "
      "--duration, --cpus and the following");
  add("idle-timeout", value<double>("SECONDS"), "stop when nothing has come for this time");
  add("list-flows", value<std::uint32_t>("N")->default_value(10),
      "flows in the report, those with the most losses first");
  return group;
}

po::options_description output_options() {
  po::options_description group("Output");
  auto add = group.add_options();
  add("json,j", "the report as one JSON object");
  add("log-level", value("LEVEL")->default_value("warn"), "debug, info, warn or error, to stderr");
  add("version", "print the version and exit");
  add("help,h", "print this text and exit");
  return group;
}

}  // namespace

po::options_description all_options() {
  po::options_description all;
  all.add(where_options())
      .add(packet_options())
      .add(capture_options())
      .add(amount_options())
      .add(method_options())
      .add(receive_options())
      .add(output_options());
  return all;
}

std::string help_text() {
  std::ostringstream text;
  text << "Usage: afxfw-pktgen --iface NAME --dst-mac MAC [options]\n"
          "       afxfw-pktgen --receive --iface NAME [options]\n"
          "Sends generated packets, for tests and packet-rate measurements, and counts what "
          "arrives.\n"
       << all_options() << '\n'
       << kExamples;
  return text.str();
}

}  // namespace afxfw::pktgen
