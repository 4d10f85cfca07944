#include "protocol/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "util/json.h"
#include "util/printable.h"

namespace afxfw::protocol {
namespace {

// Which fields a command has besides "version" and "command".
enum Fields : unsigned {
  kNone = 0,
  kSet = 1U << 0U,
  kElements = 1U << 1U,
  kTimeout = 1U << 2U,
  kComment = 1U << 3U,
  kRules = 1U << 4U,
  kConfirm = 1U << 5U,
  kOffset = 1U << 6U,
  kVerdict = 1U << 7U,
  kSnapLength = 1U << 8U,
  kCount = 1U << 9U,
};

struct CommandInfo {
  Command command;
  std::string_view name;
  bool restricted;
  unsigned required;
  unsigned optional;
};

constexpr std::array<CommandInfo, 15> kCommands = {{
    {Command::kStatus, "status", false, kNone, kNone},
    {Command::kTopSources, "top_sources", false, kNone, kCount},
    {Command::kListRules, "list_rules", false, kNone, kNone},
    {Command::kListSets, "list_sets", false, kNone, kNone},
    {Command::kListSet, "list_set", false, kSet, kOffset},
    {Command::kVersion, "version", false, kNone, kNone},
    {Command::kMonitor, "monitor", false, kNone, kNone},
    {Command::kResetCounters, "reset_counters", true, kNone, kNone},
    {Command::kAddElements, "add_elements", true, kSet | kElements, kTimeout | kComment},
    {Command::kDeleteElements, "delete_elements", true, kSet | kElements, kNone},
    {Command::kFlushSet, "flush_set", true, kSet, kNone},
    {Command::kReload, "reload", true, kNone, kRules | kConfirm},
    {Command::kConfirm, "confirm", true, kNone, kNone},
    {Command::kDetach, "detach", true, kNone, kNone},
    {Command::kCapture, "capture", true, kNone, kVerdict | kSnapLength},
}};

struct FieldName {
  Fields field;
  const char* name;
};

constexpr std::array<FieldName, 10> kFields = {{{kSet, "set"},
                                                {kElements, "elements"},
                                                {kTimeout, "timeout_s"},
                                                {kComment, "comment"},
                                                {kRules, "rules"},
                                                {kConfirm, "confirm_s"},
                                                {kOffset, "offset"},
                                                {kVerdict, "verdict"},
                                                {kSnapLength, "snaplen"},
                                                {kCount, "count"}}};

constexpr std::array<std::pair<CapturedVerdict, std::string_view>, 3> kCapturedVerdicts = {
    {{CapturedVerdict::kAll, "all"},
     {CapturedVerdict::kDrop, "drop"},
     {CapturedVerdict::kAccept, "accept"}}};

constexpr std::array<std::pair<ErrorCode, std::string_view>, 5> kErrorCodes = {
    {{ErrorCode::kMalformed, "malformed"},
     {ErrorCode::kInvalid, "invalid"},
     {ErrorCode::kDenied, "denied"},
     {ErrorCode::kBusy, "busy"},
     {ErrorCode::kFailed, "failed"}}};

const CommandInfo& info(Command command) noexcept {
  return *std::find_if(kCommands.begin(), kCommands.end(),
                       [command](const CommandInfo& each) { return each.command == command; });
}

bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f;
}

/// Reads one request; the first thing wrong with it is thrown.
class RequestReader {
 public:
  explicit RequestReader(const Json& json) : json_(json) {}

  Request run() {
    check_version();
    const CommandInfo& command = find_command();
    request_.command = command.command;
    check_fields(command);
    if (has("set")) request_.set = text("set", kMaxNameBytes);
    if (has("elements")) read_elements();
    if (has("timeout_s")) request_.timeout_s = seconds("timeout_s");
    if (has("comment")) request_.comment = text("comment", kMaxCommentBytes);
    if (has("rules")) request_.rules = text("rules", kMaxPathBytes);
    if (has("confirm_s")) request_.confirm_s = seconds("confirm_s");
    if (has("offset")) read_offset();
    if (has("verdict")) read_verdict();
    if (has("snaplen")) read_snap_length();
    if (has("count")) request_.count = whole_number("count", "", kMaxSources);
    return std::move(request_);
  }

 private:
  [[noreturn]] static void fail(std::string message, ErrorCode code = ErrorCode::kMalformed) {
    throw RequestError{code, std::move(message)};
  }

  [[nodiscard]] bool has(const char* field) const { return json_.contains(field); }

  void check_version() const {
    if (!has("version") || !json_["version"].is_number_integer()) {
      fail(fmt::format(R"(a request needs "version": {})", kProtocolVersion));
    }
    if (json_["version"] != kProtocolVersion) {
      fail(
          fmt::format("version {} of the protocol is asked for, and this afxfw speaks version {}; "
                      "use the afxfwctl that came with it",
                      json_text(json_["version"]), kProtocolVersion));
    }
  }

  [[nodiscard]] const CommandInfo& find_command() const {
    if (!has("command") || !json_["command"].is_string()) {
      fail(R"(a request needs a "command", such as "status")");
    }
    const auto& wanted = json_["command"].get_ref<const std::string&>();
    const auto found = std::find_if(kCommands.begin(), kCommands.end(),
                                    [&](const CommandInfo& each) { return each.name == wanted; });
    if (found == kCommands.end()) {
      fail(fmt::format("there is no command '{}'", printable(wanted.substr(0, kMaxNameBytes))));
    }
    return *found;
  }

  void check_fields(const CommandInfo& command) const {
    unsigned seen = 0;
    for (const auto& item : json_.items()) {
      const std::string& key = item.key();
      if (key == "version" || key == "command") continue;
      const auto found = std::find_if(kFields.begin(), kFields.end(),
                                      [&](const FieldName& each) { return each.name == key; });
      if (found == kFields.end() || ((command.required | command.optional) & found->field) == 0) {
        fail(fmt::format("the command {} has no field '{}'", command.name,
                         printable(key.substr(0, kMaxNameBytes))));
      }
      seen |= found->field;
    }
    for (const FieldName& each : kFields) {
      if ((command.required & ~seen & each.field) != 0) {
        fail(fmt::format("the command {} needs the field '{}'", command.name, each.name));
      }
    }
  }

  static std::string checked(const Json& value, const char* field, std::size_t most) {
    if (!value.is_string()) fail(fmt::format("'{}' must be text", field));
    const auto& text = value.get_ref<const std::string&>();
    if (text.empty() || text.size() > most) {
      fail(fmt::format("'{}' must have 1 to {} bytes", field, most));
    }
    if (std::any_of(text.begin(), text.end(), is_control)) {
      fail(fmt::format("'{}' must have no control characters", field));
    }
    return text;
  }

  [[nodiscard]] std::string text(const char* field, std::size_t most) const {
    return checked(json_[field], field, most);
  }

  [[nodiscard]] std::uint64_t whole_number(const char* field, const char* unit,
                                           std::uint64_t most) const {
    const Json& value = json_[field];
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() == 0 ||
        value.get<std::uint64_t>() > most) {
      fail(fmt::format("'{}' must be a whole number{}, 1 to {}", field, unit, most));
    }
    return value.get<std::uint64_t>();
  }

  [[nodiscard]] std::uint64_t seconds(const char* field) const {
    return whole_number(field, " of seconds", kMaxTimeoutS);
  }

  void read_offset() {
    if (!json_["offset"].is_number_unsigned()) fail("'offset' must be a whole number from 0");
    request_.offset = json_["offset"].get<std::uint64_t>();
  }

  void read_verdict() {
    const auto verdict = find_captured_verdict(text("verdict", kMaxNameBytes));
    if (!verdict) fail(R"('verdict' must be "all", "drop" or "accept")");
    request_.verdict = *verdict;
  }

  void read_snap_length() {
    const Json& value = json_["snaplen"];
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() == 0 ||
        value.get<std::uint64_t>() > kMaxSnapLength) {
      fail(fmt::format("'snaplen' must be a whole number of bytes, 1 to {}", kMaxSnapLength));
    }
    request_.snap_length = value.get<std::uint32_t>();
  }

  void read_elements() {
    const Json& elements = json_["elements"];
    if (!elements.is_array() || elements.empty() || elements.size() > kMaxElements) {
      fail(fmt::format("'elements' must be a list of 1 to {}", kMaxElements));
    }
    request_.elements.reserve(elements.size());
    for (const Json& each : elements) {
      request_.elements.push_back(checked(each, "elements", kMaxElementBytes));
    }
  }

  const Json& json_;
  Request request_;
};

}  // namespace

bool is_restricted(Command command) noexcept { return info(command).restricted; }
std::string_view name(Command command) noexcept { return info(command).name; }

std::string_view name(CapturedVerdict verdict) noexcept {
  return std::find_if(kCapturedVerdicts.begin(), kCapturedVerdicts.end(),
                      [verdict](const auto& each) { return each.first == verdict; })
      ->second;
}

std::optional<CapturedVerdict> find_captured_verdict(std::string_view name) noexcept {
  const auto found = std::find_if(kCapturedVerdicts.begin(), kCapturedVerdicts.end(),
                                  [name](const auto& each) { return each.second == name; });
  if (found == kCapturedVerdicts.end()) return std::nullopt;
  return found->first;
}

std::string_view name(ErrorCode code) noexcept {
  return std::find_if(kErrorCodes.begin(), kErrorCodes.end(),
                      [code](const auto& each) { return each.first == code; })
      ->second;
}

std::optional<ErrorCode> find_error_code(std::string_view name) noexcept {
  const auto found = std::find_if(kErrorCodes.begin(), kErrorCodes.end(),
                                  [name](const auto& each) { return each.second == name; });
  if (found == kErrorCodes.end()) return std::nullopt;
  return found->first;
}

tl::expected<Request, RequestError> parse_request(std::string_view line) {
  if (line.size() > kMaxRequestBytes) {
    return tl::unexpected(RequestError{
        ErrorCode::kMalformed, fmt::format("a request has {} bytes at most", kMaxRequestBytes)});
  }
  // Without exceptions: what is no JSON is discarded.
  const Json json = parse_json(line);
  if (!json.is_object()) {
    return tl::unexpected(RequestError{ErrorCode::kMalformed,
                                       "a request is a JSON object on a line, such as "
                                       R"({"version":1,"command":"status"})"});
  }
  try {
    return RequestReader(json).run();
  } catch (RequestError& error) {
    return tl::unexpected(std::move(error));
  }
}

std::string to_line(const Request& request) {
  Json json = {{"version", kProtocolVersion}, {"command", name(request.command)}};
  if (!request.set.empty()) json["set"] = request.set;
  if (!request.elements.empty()) json["elements"] = request.elements;
  if (request.timeout_s) json["timeout_s"] = *request.timeout_s;
  if (!request.comment.empty()) json["comment"] = request.comment;
  if (request.rules) json["rules"] = *request.rules;
  if (request.confirm_s) json["confirm_s"] = *request.confirm_s;
  if (request.offset != 0) json["offset"] = request.offset;
  if (request.verdict != CapturedVerdict::kAll) json["verdict"] = name(request.verdict);
  if (request.snap_length != kMaxSnapLength) json["snaplen"] = request.snap_length;
  if (request.count) json["count"] = *request.count;
  return json_text(json) + "\n";
}

}  // namespace afxfw::protocol
