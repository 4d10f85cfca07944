// Anybody who may connect writes to the control socket, what is kept over restarts comes
// from a disk, and a capture's stream from whoever listens. Any bytes must be read or
// refused, and what was read must survive being written out and read again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "loading/state_file.h"
#include "protocol/capture_records.h"
#include "protocol/request.h"
#include "protocol/response.h"
#include "rules/run_time_set.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

std::string without_newline(std::string line) {
  require(line.find('\n') == line.size() - 1);
  line.pop_back();
  return line;
}

void check_request(std::string_view line) {
  const auto request = afxfw::protocol::parse_request(line);
  if (!request) {
    require(!request.error().message.empty());
    const auto told = without_newline(to_line(
        afxfw::protocol::Response(tl::unexpected(afxfw::protocol::RequestError(request.error())))));
    const auto again = afxfw::protocol::parse_response(told);
    require(!again.has_value() && again.error().code == request.error().code);
    return;
  }
  require(request->elements.size() <= afxfw::protocol::kMaxElements);
  const auto again = afxfw::protocol::parse_request(without_newline(to_line(*request)));
  require(again.has_value() && *again == *request);
}

void check_response(std::string_view line) {
  const auto response = afxfw::protocol::parse_response(line);
  require(response.has_value() || !name(response.error().code).empty());
}

void check_state(std::string_view text) {
  constexpr afxfw::StateClock kClock{.now_ms = 1000, .unix_ms = 1'700'000'000'000};
  const auto changes = afxfw::parse_state(text, kClock);
  if (!changes) return require(!changes.error().empty());
  const std::string written = format_state(*changes, kClock);
  const auto again = afxfw::parse_state(written, kClock);
  require(again.has_value() && format_state(*again, kClock) == written);
}

void check_records(std::string_view bytes) {
  // In two pieces: whatever is read of them, it is the same as of the whole.
  const auto count = [bytes](std::size_t first) {
    afxfw::protocol::CaptureRecordReader reader;
    std::size_t records = 0;
    for (const std::string_view piece : {bytes.substr(0, first), bytes.substr(first)}) {
      reader.feed(piece);
      while (reader.next()) ++records;
    }
    return records;
  };
  require(count(bytes.size()) == count(bytes.size() / 2));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_request(text.substr(0, text.find('\n')));
  check_response(text);
  check_state(text);
  check_records(text);
  return 0;
}
