#include "protocol/response.h"

#include <fmt/format.h>

#include "util/printable.h"

namespace afxfw::protocol {
namespace {

Response malformed(std::string_view line) {
  constexpr std::size_t kShown = 60;
  return tl::unexpected(RequestError{
      ErrorCode::kMalformed,
      fmt::format("this is no answer of afxfw's: '{}'{}", printable(line.substr(0, kShown)),
                  line.size() > kShown ? " …" : "")});
}

}  // namespace

std::string to_line(const Response& response) {
  Json json = {{"version", kProtocolVersion}, {"ok", response.has_value()}};
  if (response) {
    json["result"] = *response;
  } else {
    json["error"] = {{"code", name(response.error().code)}, {"message", response.error().message}};
  }
  return json_text(json) + "\n";
}

std::string event_line(const Json& event) { return json_text({{"event", event}}) + "\n"; }

Response parse_response(std::string_view line) {
  const Json json = parse_json(line);
  if (!json.is_object()) return malformed(line);
  if (json.contains("event")) return json["event"];
  if (!json.contains("ok") || !json["ok"].is_boolean()) return malformed(line);
  if (json["ok"]) return json.contains("result") ? Response(json["result"]) : malformed(line);
  if (!json.contains("error") || !json["error"].is_object()) return malformed(line);
  const Json& error = json["error"];
  if (!error.contains("code") || !error["code"].is_string() || !error.contains("message") ||
      !error["message"].is_string()) {
    return malformed(line);
  }
  const auto code = find_error_code(error["code"].get_ref<const std::string&>());
  return tl::unexpected(
      RequestError{code.value_or(ErrorCode::kFailed), error["message"].get<std::string>()});
}

}  // namespace afxfw::protocol
