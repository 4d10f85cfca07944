#include "protocol/capture_records.h"

#include <array>
#include <cstring>
#include <utility>

#include "protocol/request.h"
#include "util/json.h"

namespace afxfw::protocol {
namespace {

/// Every record begins with its length and its kind.
struct RecordHead {
  std::uint32_t record_bytes = 0;
  char kind = 0;
  std::array<char, 3> zeros{};
};
static_assert(sizeof(RecordHead) == 8);

constexpr char kPacket = 'P';
constexpr char kTallies = 'T';

template <typename Head>
Head read_head(std::string_view bytes) {
  Head head;
  std::memcpy(&head, bytes.data(), sizeof(head));
  return head;
}

template <typename Head>
void append_head(std::string& output, const Head& head) {
  output.append(reinterpret_cast<const char*>(&head), sizeof(head));
}

std::uint64_t number(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::optional<CaptureTallies> read_tallies(std::string_view text) {
  const Json json = parse_json(text);
  if (!json.is_object() || !json.contains("final") || !json["final"].is_boolean() ||
      !json.contains("verdicts") || !json["verdicts"].is_array()) {
    return std::nullopt;
  }
  CaptureTallies tallies{.final = json["final"].get<bool>()};
  for (const Json& each : json["verdicts"]) {
    tallies.by_verdict.push_back(
        {number(each, "seen"), number(each, "over_rate"), number(each, "no_room")});
  }
  return tallies;
}

}  // namespace

void append_record(std::string& output, CapturePacketHead head, std::string_view bytes) {
  head.record_bytes = static_cast<std::uint32_t>(sizeof(head) + bytes.size());
  append_head(output, head);
  output += bytes;
}

void append_record(std::string& output, const CaptureTallies& tallies) {
  Json json = {{"final", tallies.final}, {"verdicts", Json::array()}};
  for (const CaptureTally& each : tallies.by_verdict) {
    json["verdicts"].push_back(
        {{"seen", each.seen}, {"over_rate", each.over_rate}, {"no_room", each.no_room}});
  }
  const std::string text = json_text(json);
  append_head(output,
              RecordHead{static_cast<std::uint32_t>(sizeof(RecordHead) + text.size()), kTallies});
  output += text;
}

void CaptureRecordReader::feed(std::string_view bytes) {
  input_.erase(0, done_);
  done_ = 0;
  input_ += bytes;
}

std::optional<CaptureRecordReader::Record> CaptureRecordReader::fail() noexcept {
  failed_ = true;
  return std::nullopt;
}

std::optional<CaptureRecordReader::Record> CaptureRecordReader::next() {
  const std::string_view rest = std::string_view(input_).substr(done_);
  if (failed_ || rest.size() < sizeof(RecordHead)) return std::nullopt;
  const auto head = read_head<RecordHead>(rest);
  if (head.record_bytes < sizeof(RecordHead) || head.record_bytes > kMaxCaptureRecordBytes) {
    return fail();
  }
  if (rest.size() < head.record_bytes) return std::nullopt;
  const std::string_view record = rest.substr(0, head.record_bytes);
  done_ += record.size();
  switch (head.kind) {
    case kPacket: {
      if (record.size() < sizeof(CapturePacketHead)) return fail();
      const CapturePacket packet{read_head<CapturePacketHead>(record),
                                 record.substr(sizeof(CapturePacketHead))};
      if (packet.bytes.size() > packet.head.length_bytes) return fail();
      return packet;
    }
    case kTallies: {
      auto tallies = read_tallies(record.substr(sizeof(RecordHead)));
      if (!tallies) return fail();
      return std::move(*tallies);
    }
    default:
      return fail();
  }
}

}  // namespace afxfw::protocol
