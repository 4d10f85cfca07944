#pragma once

#include <string>

#include "util/log.h"

namespace afxfw {

/// --log-format.
enum class LogFormat {
  kText,      ///< "afxfw: warning: MESSAGE", coloured on a terminal
  kJson,      ///< a line of JSON a message
  kJournald,  ///< journald's fields; "<N>MESSAGE" where there is no journal
};

struct LogOptions {
  LogFormat format = LogFormat::kText;
  LogLevel level = LogLevel::kInfo;  ///< and worse
  std::string interface;             ///< which the messages are about; "": none
};

/// Sends the library's messages to stderr, or to the journal, from now on.
/// journald gets MESSAGE, PRIORITY, SYSLOG_IDENTIFIER and AFXFW_INTERFACE. To be
/// called by one thread, before others log; again to change the options.
void set_up_log(const LogOptions& options);

}  // namespace afxfw
