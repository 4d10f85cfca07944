#pragma once

#include <memory>

#include "app/event_loop.h"
#include "app/options.h"
#include "control/control_commands.h"
#include "control/control_server.h"
#include "control/control_socket.h"
#include "engine/engine.h"

namespace afxfw {

/// What --control and its fellows ask for, checked and opened before anything is
/// attached to the interface: clients wait until the server is there.
struct ControlEndpoint {
  ControlAccess access;
  std::unique_ptr<ControlSocket> socket;  ///< null: --control none
};

/// Throws Error if the socket cannot be had, or a group does not exist.
[[nodiscard]] ControlEndpoint open_control(const AppOptions& options);

/// The control server of a running afxfw, attached to its loop.
class Control {
 public:
  /// engine and loop must outlive it.
  Control(Engine& engine, EventLoop& loop, ControlEndpoint endpoint);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

 private:
  Engine& engine_;
  ControlCommands commands_;
  std::unique_ptr<ControlServer> server_;  // null: --control none
};

}  // namespace afxfw
