#pragma once

#include <tl/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace afxfw::protocol {

/// What clients and afxfw speak, docs/control.md. It changes when something that
/// was valid means something else.
inline constexpr int kProtocolVersion = 1;

// What one request may hold; afxfwctl splits what is more.
inline constexpr std::size_t kMaxRequestBytes = std::size_t{1} << 20;
inline constexpr std::size_t kMaxElements = 40'000;
inline constexpr std::size_t kMaxElementBytes = 256;
inline constexpr std::size_t kMaxCommentBytes = 128;  // as nft
inline constexpr std::size_t kMaxNameBytes = 128;
inline constexpr std::size_t kMaxPathBytes = 4095;  // PATH_MAX without the zero
/// Sources that one answer may list, and how many it does if not told.
inline constexpr std::uint64_t kMaxSources = 1000;
inline constexpr std::uint64_t kUsualSources = 20;
inline constexpr std::uint64_t kMaxTimeoutS = 10ULL * 366 * 86'400;

/// The names that the lists go by where a set is named.
inline constexpr std::string_view kBlocklist = "blocklist";
inline constexpr std::string_view kAllowlist = "allowlist";

enum class Command : std::uint8_t {
  kStatus,
  kTopSources,
  kListRules,
  kListSets,
  kListSet,
  kVersion,
  kMonitor,
  kResetCounters,
  kAddElements,
  kDeleteElements,
  kFlushSet,
  kReload,
  kConfirm,
  kDetach,
  kCapture,
};

/// Whether a command is for those who may change things: it does, or it shows what is
/// in packets.
[[nodiscard]] bool is_restricted(Command command) noexcept;
/// As it is written in requests.
[[nodiscard]] std::string_view name(Command command) noexcept;

/// Which packets a capture takes.
enum class CapturedVerdict : std::uint8_t { kAll, kDrop, kAccept };
[[nodiscard]] std::string_view name(CapturedVerdict verdict) noexcept;
/// Nothing if there is none of this name.
[[nodiscard]] std::optional<CapturedVerdict> find_captured_verdict(std::string_view name) noexcept;

/// Bytes of a packet that a capture takes at most; more than a frame has.
inline constexpr std::uint32_t kMaxSnapLength = 65'535;

struct Request {
  Command command = Command::kStatus;
  std::string set{};                                ///< what elements belong to
  std::vector<std::string> elements{};              ///< to add or to delete
  std::optional<std::uint64_t> timeout_s{};         ///< of elements to add; from 1
  std::string comment{};                            ///< of elements to add; printable
  std::optional<std::string> rules{};               ///< another rule file to reload
  std::optional<std::uint64_t> confirm_s{};         ///< until a reload goes back by itself
  std::uint64_t offset = 0;                         ///< of the first element to list
  CapturedVerdict verdict = CapturedVerdict::kAll;  ///< to capture
  std::uint32_t snap_length = kMaxSnapLength;       ///< bytes to capture of a packet; from 1
  std::optional<std::uint64_t> count{};             ///< of sources to list, at most; from 1

  friend bool operator==(const Request&, const Request&) = default;
};

/// Why something was refused, for programs.
enum class ErrorCode : std::uint8_t {
  kMalformed,  ///< no request of this protocol and version
  kInvalid,    ///< a request that cannot be carried out as it is: what it names is wrong
  kDenied,
  kBusy,  ///< try again later
  kFailed,
};
[[nodiscard]] std::string_view name(ErrorCode code) noexcept;
[[nodiscard]] std::optional<ErrorCode> find_error_code(std::string_view name) noexcept;

struct RequestError {
  ErrorCode code = ErrorCode::kMalformed;
  std::string message{};  ///< printable, a sentence without its full stop; may have several lines
};

/// Reads a request: one line without its newline, at most kMaxRequestBytes. Any
/// bytes are taken, and refused with what is wrong.
[[nodiscard]] tl::expected<Request, RequestError> parse_request(std::string_view line);

/// The line, with its newline; parse_request() gives the request back.
[[nodiscard]] std::string to_line(const Request& request);

}  // namespace afxfw::protocol
