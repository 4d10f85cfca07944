#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/block_file.h"
#include "ctl/connection.h"
#include "ctl/packet_filter.h"
#include "protocol/capture_records.h"
#include "protocol/request.h"
#include "util/error.h"
#include "util/json.h"

namespace afxfw {

/// What `afxfwctl capture` is asked for.
struct CaptureOptions {
  std::string file;  ///< "-": standard output
  protocol::CapturedVerdict verdict = protocol::CapturedVerdict::kAll;
  std::string filter;                  ///< libpcap's language; "": all packets
  std::optional<std::uint64_t> count;  ///< packets to write, then it ends; from 1
  std::uint32_t snap_length = protocol::kMaxSnapLength;
};

/// What came of a capture.
struct CaptureTotals {
  std::uint64_t written = 0;
  std::uint64_t filtered_out = 0;
  std::uint64_t over_rate = 0;   ///< lost: more than afxfw copies a second
  std::uint64_t too_slow = 0;    ///< lost: they were not taken, or not written, fast enough
  bool complete = false;         ///< afxfw has told what came of every packet
  bool afxfw_ended = false;      ///< without being asked to end the capture
  std::optional<Error> error{};  ///< why nothing more could be written
};

/// Whole lines for a person; filtered: with a filter.
[[nodiscard]] std::string totals_text(const CaptureTotals& totals, bool filtered);

/// One capture, from a running afxfw into a pcapng file with an interface for each
/// verdict and reason.
class Capture {
 public:
  /// Throws Error (kUsage) if the filter is none; changes nothing.
  explicit Capture(CaptureOptions options, std::string application);

  /// Asks for the capture and opens the file, which stays as it was if afxfw refuses.
  /// Returns a line that says what is captured. Throws Error.
  [[nodiscard]] std::string begin(ControlConnection& connection);

  /// Until the count is reached, stop_fd is readable, afxfw ends or nothing can be
  /// written. After begin(), once.
  [[nodiscard]] CaptureTotals run(ControlConnection& connection, int stop_fd);

 private:
  void describe_file(const Json& answer);
  /// Takes the records that are in these bytes, and writes them.
  void take_records(std::string_view bytes);
  void take(const protocol::CapturePacket& packet);
  void take(const protocol::CaptureTallies& tallies);
  [[nodiscard]] std::string comment_of(std::uint32_t rule) const;
  [[nodiscard]] bool reached_count() const noexcept;
  void write_blocks();
  /// Statistics of each interface, and the totals.
  [[nodiscard]] CaptureTotals conclude();

  /// What became of the packets of one verdict.
  struct Tally {
    protocol::CaptureTally afxfw{};  ///< what it says
    std::uint64_t received = 0;
    std::uint64_t matched = 0;  ///< of these, by the filter
    std::uint64_t written = 0;  ///< of these
  };

  CaptureOptions options_;
  std::string application_;
  std::optional<PacketFilter> filter_;
  std::map<std::uint64_t, std::string> rules_;  // by handle
  std::optional<BlockFile> file_;
  std::uint64_t start_ns_ = 0;
  protocol::CaptureRecordReader reader_;
  std::string blocks_;          // to be written
  std::vector<Tally> tallies_;  // by verdict
  std::uint64_t appended_ = 0;  // packets, to what was written and is to be
  bool writing_ = true;         // there is room for more, and somebody who wants it
  bool complete_ = false;       // afxfw has told what came of every packet
};

}  // namespace afxfw
