#include "replay/explanation.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "net/byte_order.h"
#include "net/prefix.h"
#include "net/protocol_name.h"
#include "util/json.h"
#include "util/printable.h"

namespace afxfw {
namespace {

/// "2024-05-01T09:30:00.123456789", with what is asked for in place of the T; the
/// bare seconds for a year that no calendar has.
std::string format_time(const CaptureTime& time, char separator) {
  std::tm parts = {};
  std::array<char, 40> date{};
  std::array<char, 40> clock{};
  const std::time_t seconds = time.seconds;
  if (::gmtime_r(&seconds, &parts) == nullptr ||
      std::strftime(date.data(), date.size(), "%Y-%m-%d", &parts) == 0 ||
      std::strftime(clock.data(), clock.size(), "%H:%M:%S", &parts) == 0) {
    return fmt::format("{}.{:09}", time.seconds, time.nanoseconds);
  }
  return fmt::format("{}{}{}.{:09}", date.data(), separator, clock.data(), time.nanoseconds);
}

std::string source(const PacketView& view) {
  return view.version == 4 ? format_ipv4(view.ipv4_source()) : format_ipv6(view.ipv6_source());
}

std::string destination(const PacketView& view) {
  return view.version == 4 ? format_ipv4(view.ipv4_destination())
                           : format_ipv6(view.ipv6_destination());
}

std::string with_port(const PacketView& view, const std::string& address, unsigned port) {
  if (!view.has_ports) return address;
  return view.version == 4 ? fmt::format("{}:{}", address, port)
                           : fmt::format("[{}]:{}", address, port);
}

/// The EtherType, or length, of what is not IP: before the payload.
unsigned ether_type(const PacketView& view) noexcept {
  return load_be16(view.frame + view.l3_offset - 2);
}

std::string describe_packet(const PacketView& view) {
  std::string text;
  for (std::size_t i = 0; i < view.vlan_depth && view.status != ParseStatus::kMalformed; ++i) {
    text += fmt::format("vlan {} ", view.vlan_ids[i]);
  }
  switch (view.status) {
    case ParseStatus::kMalformed:
      return "-";
    case ParseStatus::kNotIp:
      return text + fmt::format("ethertype 0x{:04x}", ether_type(view));
    case ParseStatus::kOk:
      break;
  }
  text += fmt::format("{} {} > {}", protocol_name(view.protocol),
                      with_port(view, source(view), view.source_port),
                      with_port(view, destination(view), view.destination_port));
  if (view.fragment == Fragment::kFirst) text += " (first fragment)";
  if (view.fragment == Fragment::kLater) text += " (later fragment)";
  return text;
}

bool judged(const JudgedPacket& packet) noexcept {
  return packet.decision.kind != Decision::Kind::kNotJudged;
}

/// The deciding rule, or null.
const Rule* deciding_rule(const JudgedPacket& packet, const Filter& filter) {
  const Decision& decision = packet.decision;
  return decision.by_worker() && decision.verdict.rule != Verdict::kNoRule
             ? &filter.rules.rules()[decision.verdict.rule]
             : nullptr;
}

std::string why(const JudgedPacket& packet, const Filter& filter) {
  const Decision& decision = packet.decision;
  const PacketView& view = packet.view;
  if (!judged(packet)) {
    return fmt::format("the capture cut off its headers: {} of {} bytes are there",
                       packet.packet.bytes.size(), packet.packet.length_bytes);
  }
  switch (decision.outcome) {
    case AFXFW_DROP_PROTOCOL:
      return fmt::format("inline policy: {}", protocol_name(view.protocol));
    case AFXFW_DROP_PORT:
      return fmt::format("inline policy: {}/{}", protocol_name(view.protocol),
                         view.destination_port);
    case AFXFW_DROP_MALFORMED:
      return fmt::format("malformed: {}", name(view.reason));
    case AFXFW_PASS_NOT_IP:
      return "not IP";
    case AFXFW_PASS_NEIGHBOUR:
      return "neighbour discovery";
    default:
      break;
  }
  if (const Rule* rule = deciding_rule(packet, filter)) {
    return fmt::format("rule {}: {}", rule->handle, printable(rule->text));
  }
  if (decision.verdict.reason == DropReason::kNone) return "by default: no rule matches";
  return fmt::format("{}", name(decision.verdict.reason));
}

const char* verdict_word(Decision::Kind kind) noexcept {
  switch (kind) {
    case Decision::Kind::kAccepted:
      return "accept";
    case Decision::Kind::kDropped:
      return "drop";
    case Decision::Kind::kNotJudged:
      break;
  }
  return "?";
}

/// Who decided, in one word for scripts.
const char* decided_by(const JudgedPacket& packet) noexcept {
  const Decision& decision = packet.decision;
  if (!judged(packet)) return "nobody";
  if (decision.outcome == AFXFW_DROP_MALFORMED) return "parser";
  if (!decision.by_worker()) return "inline";
  return decision.verdict.rule != Verdict::kNoRule ? "rule" : "policy";
}

}  // namespace

std::string explain(const JudgedPacket& packet, const Filter& filter) {
  return fmt::format("{:>6}  {}  {:<6}  {}  {}", packet.number,
                     format_time(packet.packet.time, ' '), verdict_word(packet.decision.kind),
                     judged(packet) ? describe_packet(packet.view) : "-", why(packet, filter));
}

std::string explain_json(const JudgedPacket& packet, const Filter& filter) {
  const PacketView& view = packet.view;
  Json json = {{"file", packet.file.name},
               {"packet", packet.number},
               {"time", format_time(packet.packet.time, 'T') + "Z"},
               {"bytes", packet.packet.length_bytes},
               {"verdict", judged(packet) ? verdict_word(packet.decision.kind) : "not_judged"},
               {"by", decided_by(packet)},
               {"why", why(packet, filter)}};
  if (const Rule* rule = deciding_rule(packet, filter)) json["rule"] = rule->handle;
  if (judged(packet) && view.ok()) {
    json["src"] = source(view);
    json["dst"] = destination(view);
    json["proto"] = protocol_name(view.protocol);
    if (view.has_ports) {
      json["sport"] = view.source_port;
      json["dport"] = view.destination_port;
    }
  }
  return ascii_json_text(json);
}

}  // namespace afxfw
