#pragma once

#include <functional>
#include <memory>
#include <string>

#include "control/capture_sender.h"
#include "control/control_server.h"
#include "engine/engine.h"
#include "util/json.h"

namespace afxfw {

/// What a ControlServer's requests do to an engine. For the thread that owns the
/// engine.
class ControlCommands {
 public:
  struct Options {
    std::string version;         ///< of the program
    std::function<void()> stop;  ///< makes the program end
  };

  /// engine must outlive this.
  ControlCommands(Engine& engine, Options options)
      : engine_(engine), options_(std::move(options)) {}

  void carry_out(const protocol::Request& request, const Peer& peer, const ControlReply& reply);

 private:
  void change(const protocol::Request& request, const Peer& peer, const ControlReply& reply);
  void reload(const protocol::Request& request, const Peer& peer, const ControlReply& reply);
  void capture(const protocol::Request& request, const Peer& peer, const ControlReply& reply);

  Engine& engine_;
  Options options_;
  std::unique_ptr<CaptureSender> capture_sender_;
  std::string capture_client_;  // whose capture that is, or was
};

/// An event as monitors get it.
[[nodiscard]] Json event_json(const Event& event);

}  // namespace afxfw
