// Captures come from anywhere. Any bytes must be read or refused, each packet
// must be judged exactly once, and everything that is said of it be printable.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "net/packet_view.h"
#include "replay/capture_reader.h"
#include "replay/explanation.h"
#include "replay/frame_maker.h"
#include "replay/judge.h"
#include "replay/replay.h"
#include "replay/report.h"
#include "replay/result.h"
#include "rules/inline_policy.h"
#include "rules/rule_set.h"
#include "util/error.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void require_printable(const std::string& text) {
  for (const char c : text) require((c >= ' ' && c <= '~') || c == '\n');
}

const afxfw::RuleSet& rules() {
  static const auto compiled = [] {
    afxfw::RuleSetSources sources;
    sources.allowlists.push_back({"allow", "10.0.0.0/9\n2001:db8::/33\n"});
    sources.blocklists.push_back({"block", "10.0.0.0/8\n2001:db8::/32\nfe80::/10\n"});
    return std::move(*afxfw::compile(sources, 1));
  }();
  return *compiled.rules;
}

void judge_all(afxfw::CaptureReader& reader, const afxfw::Filter& filter) {
  afxfw::ReplayResult result(filter.rules);
  afxfw::Evaluation evaluation(filter.rules.counter_slots());
  result.begin_file(reader.name(), afxfw::describe_link_type(reader.dlt()));
  const afxfw::FileResult& file = result.files.back();
  afxfw::FrameMaker frames(reader.link_type());
  while (const auto packet = reader.next()) {
    require(packet->bytes.size() <= packet->length_bytes);
    const afxfw::Frame frame = frames.make(*packet);
    require(frame.known_bytes <= frame.bytes.size());
    const afxfw::PacketView view = afxfw::parse(frame.bytes);
    const afxfw::Decision decision = afxfw::judge(filter, view, frame.known_bytes, evaluation);
    require(packet->truncated() || decision.kind != afxfw::Decision::Kind::kNotJudged);
    result.add(*packet, view, decision);
    const afxfw::JudgedPacket judged{*packet, view, decision, file, file.all.packets};
    require_printable(afxfw::explain(judged, filter));
    require_printable(afxfw::explain_json(judged, filter));
  }
  result.set_counters(filter.rules, evaluation.counters);
  result.files.back().damage = reader.damage();
  require(result.all.packets ==
          result.accepted.packets + result.dropped.packets + result.not_judged.packets);
  require_printable(afxfw::report_table(result, filter));
  require_printable(afxfw::report_json(result, filter));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const afxfw_inline_policy policy = *afxfw::parse_inline_policy("udp,tcp/80,47");
  if (size == 0) return 0;  // which fmemopen() refuses
  std::FILE* const file = ::fmemopen(const_cast<std::uint8_t*>(data), size, "rb");
  require(file != nullptr);
  try {
    afxfw::CaptureReader reader(file, "input\x1b");
    judge_all(reader, {rules(), policy});
  } catch (const afxfw::Error& error) {
    require(error.code() == afxfw::ExitCode::kUsage);
  }
  return 0;
}
