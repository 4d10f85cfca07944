#include "pktgen/transmission.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "pktgen/live_sender.h"
#include "pktgen/xsk_sender.h"
#include "util/cpu.h"
#include "util/error.h"
#include "util/log.h"

namespace afxfw::pktgen {

namespace {

std::vector<Lane> open_live_lanes(const Options& options, const Link& link,
                                  const TrafficPlan& plan) {
  const auto programs =
      std::make_shared<LivePrograms>(plan, static_cast<std::uint32_t>(link.ifindex), options.cpus);
  std::vector<Lane> lanes;
  for (const int cpu : options.cpus) {
    const LiveSender::Share share{cpu, lanes.size(), options.cpus.size()};
    lanes.push_back({cpu, std::make_unique<LiveSender>(programs, plan, share, options.batch), {}});
  }
  return lanes;
}

Transmission open_xsk(const Options& options, const TrafficPlan& plan, std::string reason) {
  Transmission transmission;
  transmission.method = Method::kXsk;
  transmission.zero_copy = true;
  transmission.reason = std::move(reason);
  for (const int cpu : options.cpus) {
    const std::size_t lane = transmission.lanes.size();
    const XskSender::Share share{static_cast<std::uint32_t>(lane), lane, options.cpus.size()};
    auto sender =
        std::make_unique<XskSender>(options.interface, make_source(plan), share, options.batch);
    transmission.zero_copy = transmission.zero_copy && sender->zero_copy();
    transmission.lanes.push_back({cpu, std::move(sender), {}});
  }
  transmission.start = Clock::now();
  return transmission;
}

/// Sends one frame from the CPU that the lane's thread will run on.
SendResult send_first_frame(Lane& lane) {
  SendResult result;
  std::exception_ptr failure;
  std::thread([&] {
    try {
      pin_this_thread(lane.cpu);
      result = lane.sender->send(1);
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
  return result;
}

/// nullopt, with the reason, if live frames cannot be used here.
std::optional<Transmission> try_live(const Options& options, const Link& link,
                                     const TrafficPlan& plan, std::string& reason) {
  try {
    Transmission transmission;
    transmission.lanes = open_live_lanes(options, link, plan);
    transmission.start = Clock::now();
    Lane& first = transmission.lanes.front();
    first.already = send_first_frame(first);
    if (first.already.sent == 0 && refuses_live_frames(first.already.error)) {
      reason = explain_refusal(link, Method::kLive, first.already.error);
      return std::nullopt;
    }
    transmission.reason = "the interface takes live frames";
    return transmission;
  } catch (const Error& error) {
    reason = error.what();
    return std::nullopt;
  }
}

}  // namespace

Transmission open_transmission(const Options& options, const Link& link, const TrafficPlan& plan) {
  switch (options.method) {
    case Method::kXsk:
      return open_xsk(options, plan, plan.capture ? "a capture needs it" : "asked for");
    case Method::kLive: {
      Transmission transmission;
      transmission.reason = "asked for";
      transmission.lanes = open_live_lanes(options, link, plan);
      transmission.start = Clock::now();
      return transmission;
    }
    case Method::kAuto:
      break;
  }
  std::string reason;
  if (auto live = try_live(options, link, plan, reason)) return std::move(*live);
  log_info("{}: sending through AF_XDP: {}", link.name, reason);
  return open_xsk(options, plan, std::move(reason));
}

std::string explain_refusal(const Link& link, Method method, int error) {
  if (error == 0) return "its queue stayed full";
  std::string text = std::generic_category().message(error);
  if (method == Method::kLive && refuses_live_frames(error)) {
    text += link.kind == "veth"
                ? "; a veth takes live frames only while its peer is up and has a native XDP "
                  "program, or GRO on"
                : "; its driver cannot transmit redirected XDP frames";
  } else if (error == ENETDOWN) {
    text += fmt::format("; 'ip link set {} up'", link.name);
  } else if (error == EINVAL) {
    text += "; the interface may be gone";
  }
  return text;
}

bool refuses_live_frames(int error) noexcept {
  // The driver says that it cannot (EOPNOTSUPP), or a veth that its peer is
  // not ready (ENXIO).
  return error == EOPNOTSUPP || error == ENXIO;
}

}  // namespace afxfw::pktgen
