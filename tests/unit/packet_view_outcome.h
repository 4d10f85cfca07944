#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <ostream>

#include "harness/packet.h"
#include "net/packet_view.h"

namespace afxfw::test {

/// A copy of exactly the right size, so that ASan sees a read past its end.
inline Bytes first_bytes(const Bytes& frame, std::size_t count) {
  return {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(count)};
}

/// What parse() says of a frame, without the view's pointer into it.
struct Outcome {
  ParseStatus status;
  Malformed reason;
  bool operator==(const Outcome&) const = default;
};

inline void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << static_cast<int>(outcome.status) << "/" << name(outcome.reason);
}

inline constexpr Outcome kOk{ParseStatus::kOk, Malformed::kNone};
inline constexpr Outcome kNotIp{ParseStatus::kNotIp, Malformed::kNone};

constexpr Outcome malformed(Malformed reason) { return {ParseStatus::kMalformed, reason}; }

inline Outcome outcome_of(const Bytes& frame) {
  const PacketView view = parse(frame);
  return {view.status, view.reason};
}

inline Outcome outcome_of(const Packet& packet) { return outcome_of(packet.bytes()); }

/// parse() of frames that live as long as the test.
class PacketViewTest : public testing::Test {
 protected:
  PacketView parsed(const Packet& packet) {
    frames_.push_back(packet.bytes());
    return parse(frames_.back());
  }

 private:
  std::deque<Bytes> frames_;
};

}  // namespace afxfw::test
