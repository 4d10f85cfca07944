#include "app/control.h"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <mutex>
#include <string>
#include <utility>

#include "util/log.h"

namespace afxfw {

namespace {

// What the tap, which is a plain function, tells warnings to.
struct Watchers {
  std::mutex mutex;
  boost::asio::io_context* context = nullptr;
  ControlServer* server = nullptr;
};
Watchers watchers;

/// From any thread; the server is for the loop's alone.
void tell_watchers(LogLevel level, std::string_view line) {
  Event event{level == LogLevel::kError ? "error" : "warning", std::string(line)};
  const std::lock_guard lock(watchers.mutex);
  if (watchers.context == nullptr) return;
  boost::asio::post(*watchers.context, [event = std::move(event)] {
    if (watchers.server != nullptr) watchers.server->publish(event_json(event));
  });
}

ControlAccess access_of(const AppOptions& options) {
  ControlAccess access;
  access.read_group = getegid();
  if (!options.control_group.empty()) {
    access.change_group = find_group(options.control_group, "--control-group");
    access.read_group = *access.change_group;
  }
  if (!options.control_read_group.empty()) {
    access.read_group = find_group(options.control_read_group, "--control-read-group");
  }
  return access;
}

}  // namespace

ControlEndpoint open_control(const AppOptions& options) {
  ControlEndpoint endpoint{access_of(options), nullptr};
  if (options.control == "none") return endpoint;
  endpoint.socket = std::make_unique<ControlSocket>(
      options.control ? *options.control : default_control_path(options.engine.interface),
      endpoint.access.read_group);
  return endpoint;
}

Control::Control(Engine& engine, EventLoop& loop, ControlEndpoint endpoint)
    : engine_(engine),
      commands_(engine, {.version = AFXFW_VERSION, .stop = [&loop] { loop.stop(); }}) {
  if (endpoint.socket == nullptr) return;
  server_ = std::make_unique<ControlServer>(
      loop.context(), std::move(endpoint.socket), ControlServer::Options{endpoint.access, {}},
      [this](const protocol::Request& request, const Peer& peer, const ControlReply& reply) {
        commands_.carry_out(request, peer, reply);
      });
  engine_.set_event_sink([this](const Event& event) { server_->publish(event_json(event)); });
  {
    const std::lock_guard lock(watchers.mutex);
    watchers.context = &loop.context();
    watchers.server = server_.get();
  }
  set_log_tap(tell_watchers);
  log_info("control socket {}", server_->path());
}

Control::~Control() {
  set_log_tap(nullptr);
  const std::lock_guard lock(watchers.mutex);
  watchers.context = nullptr;
  watchers.server = nullptr;
  engine_.set_event_sink({});
}

}  // namespace afxfw
