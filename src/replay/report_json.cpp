#include <utility>

#include "pipeline/inline_summary.h"
#include "replay/report.h"
#include "util/json.h"

namespace afxfw {
namespace {

Json counter_json(const afxfw_counter& counter) {
  return {{"packets", counter.packets}, {"bytes", counter.bytes}};
}

double seconds(const std::optional<TimeSpan>& span) { return span ? span->seconds() : 0; }

Json files_json(const ReplayResult& result) {
  Json files = Json::array();
  for (const FileResult& file : result.files) {
    files.push_back({{"file", file.name},
                     {"link_type", file.link_type},
                     {"packets", file.all.packets},
                     {"bytes", file.all.bytes},
                     {"duration_s", seconds(file.time)},
                     {"complete", file.damage.empty()}});
  }
  return files;
}

/// As afxfw's: packets by outcome, and their bytes below.
Json inline_json(const InlineSummary& summary) {
  Json json;
  Json bytes;
  const auto add = [&](const char* name, const afxfw_counter& counter) {
    json[name] = counter.packets;
    bytes[name] = counter.bytes;
  };
  add("pass", summary.pass);
  add("drop", summary.drop);
  add("redirect", summary.redirect);
  add("fallback", summary.fallback);
  add("malformed", summary.malformed);
  json["bytes"] = std::move(bytes);
  return json;
}

}  // namespace

std::string report_json(const ReplayResult& result, const Filter& filter) {
  const InlineSummary summary = summarise(result.inline_outcomes, filter.policy.fallback);
  Json json = {{"files", files_json(result)},
               {"packets", result.all.packets},
               {"bytes", result.all.bytes},
               {"duration_s", seconds(result.time())},
               {"complete", result.complete()},
               {"truncated", result.truncated},
               {"verdicts",
                {{"accept", counter_json(result.accepted)},
                 {"drop", counter_json(result.dropped)},
                 {"not_judged", counter_json(result.not_judged)}}},
               {"inline", inline_json(summary)}};
  for (const NamedCounter& reason : summary.drop_reasons) {
    json["inline_drop_reasons"][reason.name] = reason.counter.packets;
  }
  for (std::size_t i = 1; i < kMalformedNames.size(); ++i) {  // 0 is none
    json["malformed_reasons"][std::string(kMalformedNames[i])] = result.malformed[i];
  }
  json["total"] = {{"received", summary.redirect.packets},
                   {"accepted", result.worker_accepted.packets},
                   {"dropped", result.worker_dropped.packets},
                   {"bytes", summary.redirect.bytes}};
  for (std::size_t i = 1; i < kDropReasonCount; ++i) {
    json["drop_reasons"][std::string(kDropReasonNames[i])] = result.drop_reasons[i];
  }
  json["rules"] = Json::array();
  for (std::size_t i = 0; i < result.rules.size(); ++i) {
    const Rule& rule = filter.rules.rules()[i];
    Json entry = {{"handle", rule.handle}, {"chain", rule.chain},
                  {"text", rule.text},     {"packets", nullptr},
                  {"bytes", nullptr},      {"decided", result.rules[i].packets}};
    if (const auto& counter = result.counters[i]) {
      entry["packets"] = counter->packets;
      entry["bytes"] = counter->bytes;
    }
    json["rules"].push_back(std::move(entry));
  }
  json["elements"] = Json::array();
  const std::vector<CountedElement> elements = filter.rules.counted_elements();
  for (std::size_t i = 0; i < elements.size(); ++i) {
    json["elements"].push_back({{"set", elements[i].set},
                                {"element", elements[i].text},
                                {"packets", result.elements[i].packets},
                                {"bytes", result.elements[i].bytes}});
  }
  // A file's name may be any bytes.
  return ascii_json_text(json);
}

}  // namespace afxfw
