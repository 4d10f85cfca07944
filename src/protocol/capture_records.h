#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace afxfw::protocol {

// What follows the answer to `capture` on its connection: records, docs/control.md.
// Numbers are in the byte order of the machine that both ends run on.

/// What a packet's record begins with, after which come its bytes.
struct CapturePacketHead {
  std::uint32_t record_bytes = 0;  ///< of the whole record, this head included
  std::uint8_t kind = 'P';
  std::uint8_t verdict = 0;        ///< its place in the answer's `verdicts`
  std::uint16_t queue = 0;         ///< that it was received on
  std::uint32_t rule = 0;          ///< handle of the rule that decided; 0: none did
  std::uint32_t length_bytes = 0;  ///< as received
  std::uint64_t time_ns = 0;       ///< since 1970, UTC
};
static_assert(sizeof(CapturePacketHead) == 24);

/// What a capture has done with the packets of one of the answer's `verdicts`.
struct CaptureTally {
  std::uint64_t seen = 0;       ///< packets of this verdict
  std::uint64_t over_rate = 0;  ///< of these, left out: too many a second
  std::uint64_t no_room = 0;    ///< of these, left out: the client is too slow

  friend bool operator==(const CaptureTally&, const CaptureTally&) = default;
};

struct CaptureTallies {
  bool final = false;  ///< of the whole capture; nothing follows
  std::vector<CaptureTally> by_verdict{};

  friend bool operator==(const CaptureTallies&, const CaptureTallies&) = default;
};

/// A packet, as it is in the reader's buffer until next() is called again.
struct CapturePacket {
  CapturePacketHead head;
  std::string_view bytes;
};

/// The longest record: the longest packet, and some.
inline constexpr std::size_t kMaxCaptureRecordBytes = std::size_t{128} << 10U;

/// Appends a record. bytes: kMaxSnapLength at most; head.record_bytes is set here.
void append_record(std::string& output, CapturePacketHead head, std::string_view bytes);
void append_record(std::string& output, const CaptureTallies& tallies);

/// Takes the stream apart, whatever the pieces that it comes in.
class CaptureRecordReader {
 public:
  using Record = std::variant<CapturePacket, CaptureTallies>;

  void feed(std::string_view bytes);

  /// The next whole record; nothing: more bytes are needed, or failed() is true.
  [[nodiscard]] std::optional<Record> next();

  /// Whether something came that is no record.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  std::optional<Record> fail() noexcept;

  std::string input_;
  std::size_t done_ = 0;  // of input_
  bool failed_ = false;
};

}  // namespace afxfw::protocol
