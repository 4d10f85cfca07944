#include "util/json.h"

namespace afxfw {
namespace {

std::string dump(const Json& json, bool ascii_only) {
  return json.dump(-1, ' ', ascii_only, Json::error_handler_t::replace);
}

}  // namespace

Json parse_json(std::string_view text) { return Json::parse(text, nullptr, false); }

std::string json_text(const Json& json) { return dump(json, false); }

std::string ascii_json_text(const Json& json) { return dump(json, true); }

}  // namespace afxfw
