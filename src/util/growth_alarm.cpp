#include "util/growth_alarm.h"

namespace afxfw {

std::optional<GrowthAlarm::Growth> GrowthAlarm::update(std::uint64_t value,
                                                       TimePoint now) noexcept {
  if (value <= reported_) {
    quiet_at_ = now;
    return std::nullopt;
  }
  if (reported_at_ && now - *reported_at_ < kPause) return std::nullopt;
  // What was there at the first call came before anyone looked.
  const TimePoint since = quiet_at_.value_or(now);
  const Growth growth{value - reported_, std::chrono::duration<double>(now - since).count()};
  reported_ = value;
  reported_at_ = now;
  quiet_at_ = now;
  return growth;
}

}  // namespace afxfw
