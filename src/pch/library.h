/// Precompiled for the library's sources: what most of them include, and what takes long to read.
/// It only saves time. Each file still includes what it uses: tools/lint reads it without this, and
/// -Db_pch=false builds so.

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>
