#include "pktgen/report.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>

#include "util/json.h"

namespace afxfw::pktgen {

namespace {

struct Rates {
  std::uint64_t bytes = 0;
  double seconds = 0;
  double packets_per_second = 0;
  double mbit_per_second = 0;
};

Rates rates(const Report& report) {
  Rates rates;
  rates.bytes = report.result.total.bytes;
  rates.seconds = std::chrono::duration<double>(report.result.elapsed).count();
  if (rates.seconds > 0) {
    rates.packets_per_second = static_cast<double>(report.result.total.sent) / rates.seconds;
    rates.mbit_per_second = static_cast<double>(rates.bytes) * 8 / rates.seconds / 1e6;
  }
  return rates;
}

std::string_view name(End end) {
  switch (end) {
    case End::kCount:
      return "count";
    case End::kDuration:
      return "duration";
    case End::kSignal:
      return "signal";
    case End::kStalled:
      return "stalled";
    case End::kError:
      break;
  }
  return "error";
}

bool is_paced(const Options& options) {
  return options.rate || (options.capture && options.capture->speed > 0);
}

/// The one size of all frames, if they have one.
std::optional<std::size_t> frame_bytes(const TrafficPlan& plan) {
  if (plan.sizes.size() != 1) return std::nullopt;
  return plan.sizes.front().frame.size();
}

std::string frames_text(const TrafficPlan& plan) {
  if (plan.capture) return fmt::format("frames of a capture of {}", plan.capture->size());
  std::string sizes;
  for (const FramePlan& size : plan.sizes) {
    sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ", size.frame.size());
  }
  return fmt::format("frames of {} bytes", sizes);
}

/// How well the pace was kept; nothing without it.
std::string lateness_text(const Report& report) {
  if (!is_paced(report.options)) return "";
  const Lateness& late = report.result.late;
  return fmt::format("late       {} frames by more than 1 ms, none by more than {:.3f} ms\n",
                     late.frames, std::chrono::duration<double, std::milli>(late.most).count());
}

std::string_view describe(const Transmission& transmission) {
  if (transmission.method == Method::kLive) return "BPF live frames";
  return transmission.zero_copy ? "AF_XDP, zero-copy" : "AF_XDP, copy mode";
}

}  // namespace

std::string format_text(const Report& report) {
  const Rates rate = rates(report);
  const SendResult& total = report.result.total;
  return fmt::format(
      "interface  {}: {} ({})\n"
      "sent       {} {}, {} bytes\n"
      "refused    {}{}\n"
      "duration   {:.6f} s, ended by: {}\n"
      "rate       {:.0f} packets/s, {:.1f} Mbit/s\n"
      "{}",
      report.options.interface, describe(report.transmission), report.transmission.reason,
      total.sent, frames_text(report.plan), rate.bytes, total.refused,
      total.refused > 0 ? " times, offered again" : "", rate.seconds, name(report.result.end),
      rate.packets_per_second, rate.mbit_per_second, lateness_text(report));
}

std::string format_json(const Report& report) {
  const Rates rate = rates(report);
  const SendResult& total = report.result.total;
  Json json = {
      {"interface", report.options.interface},
      {"method", report.transmission.method == Method::kLive ? "live" : "xsk"},
      {"method_reason", report.transmission.reason},
      {"zero_copy", report.transmission.zero_copy},
      {"seed", report.options.traffic.seed},
      {"frame_bytes", nullptr},
      {"end", name(report.result.end)},
      {"sent", total.sent},
      {"bytes", rate.bytes},
      {"refused", total.refused},
      {"duration_s", rate.seconds},
      {"pps", rate.packets_per_second},
      {"mbit_per_s", rate.mbit_per_second},
      {"threads", Json::array()},
  };
  if (const auto bytes = frame_bytes(report.plan)) json["frame_bytes"] = *bytes;
  if (report.result.planned) json["planned"] = *report.result.planned;
  if (is_paced(report.options)) {
    json["late"] = report.result.late.frames;
    json["most_late_us"] =
        std::chrono::duration<double, std::micro>(report.result.late.most).count();
  }
  for (const LaneResult& lane : report.result.lanes) {
    json["threads"].push_back(
        {{"cpu", lane.cpu}, {"sent", lane.total.sent}, {"refused", lane.total.refused}});
  }
  return json_text(json) + "\n";
}

}  // namespace afxfw::pktgen
