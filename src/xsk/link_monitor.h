#pragma once

#include <optional>

#include "util/fd.h"
#include "xsk/link.h"

namespace afxfw {

/// Tells when an interface changes: poll fd(), then ask with changed().
class LinkMonitor {
 public:
  /// Subscribes to link notifications of the caller's network namespace.
  explicit LinkMonitor(Link link);

  [[nodiscard]] int fd() const noexcept { return socket_.get(); }

  struct Change {
    Link before;
    std::optional<Link> after;  ///< nullopt: the interface has gone
  };
  /// Reads what has been notified and looks the interface up anew. nullopt when
  /// nothing about it differs. Does not block.
  [[nodiscard]] std::optional<Change> changed();

  [[nodiscard]] const Link& link() const noexcept { return link_; }

 private:
  Fd socket_;
  Link link_;
};

}  // namespace afxfw
