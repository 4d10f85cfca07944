#include "worker/packet_record.h"

namespace afxfw {

bool wants_log(PacketLogMode mode, Action action) noexcept {
  switch (mode) {
    case PacketLogMode::kNone:
      return false;
    case PacketLogMode::kDrop:
      return action == Action::kDrop;
    case PacketLogMode::kAccept:
      return action == Action::kAccept;
    case PacketLogMode::kAll:
      return true;
  }
  return false;
}

PacketRecord make_record(const PacketView& view, const Verdict& verdict, std::uint32_t queue_id,
                         std::string_view prefix) noexcept {
  PacketRecord record;
  record.length_bytes = view.frame_length;
  prefix.copy(record.prefix.data(), record.prefix.size() - 1);
  record.queue_id = static_cast<std::uint16_t>(queue_id);
  record.action = verdict.action;
  record.reason = verdict.reason;
  if (!view.ok()) return record;
  record.version = view.version;
  if (view.version == 4) {
    record.source = view.ipv4_source();
    record.destination = view.ipv4_destination();
  } else {
    record.source = view.ipv6_source();
    record.destination = view.ipv6_destination();
  }
  record.protocol = view.protocol;
  record.has_ports = view.has_ports;
  record.source_port = view.source_port;
  record.destination_port = view.destination_port;
  return record;
}

}  // namespace afxfw
