#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "net/packet_view.h"
#include "replay/captured_packet.h"
#include "replay/judge.h"
#include "replay/result.h"

namespace afxfw {

struct ReplayOptions {
  std::vector<std::string> captures;  ///< read one after another; "-": standard input
  std::string write_accepted{};       ///< a file for the packets; empty: none
  std::string write_dropped{};
};

/// Where a replay is.
struct ReplayProgress {
  std::uint64_t bytes = 0;     ///< read, of all captures
  std::uint64_t of_bytes = 0;  ///< their sizes; 0 if one has none, being a pipe
  std::uint64_t packets = 0;
};

/// A packet with what was decided about it.
struct JudgedPacket {
  const CapturedPacket& packet;
  const PacketView& view;
  const Decision& decision;
  const FileResult& file;
  std::uint64_t number = 0;  ///< from 1, within its file
};

/// For the caller, each may be empty.
struct ReplayCallbacks {
  std::function<void(const JudgedPacket&)> packet;
  /// Every some thousand packets; returns false to stop.
  std::function<bool(const ReplayProgress&)> progress;
};

/// Judges the packets of the captures. A file that breaks off counts up to there
/// and says so in its result. Throws Error: kUsage, before anything is written,
/// for captures that cannot be read (all of them in one text; a pipe is tried
/// when its turn comes) and for an output that is also an input; otherwise if
/// something cannot be written. Outputs appear when all is done.
[[nodiscard]] ReplayResult replay(const Filter& filter, const ReplayOptions& options,
                                  const ReplayCallbacks& callbacks = {});

}  // namespace afxfw
