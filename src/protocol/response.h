#pragma once

#include <tl/expected.hpp>

#include <string>
#include <string_view>

#include "protocol/request.h"
#include "util/json.h"

namespace afxfw::protocol {

/// What comes back, one line for each request:
///
///   {"version":1,"ok":true,"result":{…}}
///   {"version":1,"ok":false,"error":{"code":"denied","message":"…"}}
using Response = tl::expected<Json, RequestError>;

/// The line, with its newline. Bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string to_line(const Response& response);

/// A line of an event stream, with its newline: {"event":{…}}.
[[nodiscard]] std::string event_line(const Json& event);

/// Reads such a line, for clients; what is no response is an error kMalformed.
/// An event is a result, too.
[[nodiscard]] Response parse_response(std::string_view line);

}  // namespace afxfw::protocol
