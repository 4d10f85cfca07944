#include "control/sources_json.h"

#include "net/prefix.h"
#include "worker/source_windows.h"

namespace afxfw {
namespace {

std::string address_text(const DroppedSource& source) {
  return source.version == 4 ? format_ipv4(static_cast<Ipv4Bits>(source.address))
                             : format_ipv6(source.address);
}

}  // namespace

Json sources_json(const HotSources::Ranking& ranking, std::size_t count) {
  Json json = {{"sketch", "Space-Saving"},
               {"counters", SourceWindows::kCounters},
               {"sampled_one_in", SourceSampler::kOneIn},
               {"seconds", ranking.seconds},
               {"packets", ranking.packets},
               {"error_bound", ranking.error_bound},
               {"sources", Json::array()}};
  for (const HeavyHitter& each : ranking.sources) {
    if (json["sources"].size() == count) break;
    json["sources"].push_back({{"address", address_text(each.source)},
                               {"reason", name(each.source.reason)},
                               {"packets", each.packets},
                               {"error_packets", each.error_packets},
                               {"rate", each.rate}});
  }
  return json;
}

}  // namespace afxfw
