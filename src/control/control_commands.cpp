#include "control/control_commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <memory>
#include <utility>

#include "control/listing_json.h"
#include "control/sources_json.h"
#include "control/stats_json.h"
#include "util/log.h"

namespace afxfw {

namespace {

using protocol::Command;
using protocol::Request;
using protocol::RequestError;
using protocol::Response;

protocol::ErrorCode code_of(ChangeError::Kind kind) {
  switch (kind) {
    case ChangeError::Kind::kInvalid:
      return protocol::ErrorCode::kInvalid;
    case ChangeError::Kind::kBusy:
      return protocol::ErrorCode::kBusy;
    case ChangeError::Kind::kFailed:
      break;
  }
  return protocol::ErrorCode::kFailed;
}

Response refusal(ChangeError error) {
  return tl::unexpected(RequestError{code_of(error.kind), std::move(error.message)});
}

/// Answers with what came of a change.
ChangeDone answer_to(const ControlReply& reply) {
  return [reply](tl::expected<ChangeOutcome, ChangeError> outcome) {
    if (!outcome) return reply(refusal(std::move(outcome.error())));
    reply(Json{{"changed", outcome->changed}, {"notes", outcome->notes}});
  };
}

VerdictMask mask_of(protocol::CapturedVerdict verdict) {
  switch (verdict) {
    case protocol::CapturedVerdict::kAll:
      break;
    case protocol::CapturedVerdict::kDrop:
      return kCaptureDropped;
    case protocol::CapturedVerdict::kAccept:
      return kCaptureAccepted;
  }
  return kCaptureAll;
}

double unix_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

Json event_json(const Event& event) {
  Json json = {{"time", unix_time()}, {"kind", event.kind}, {"text", event.text}};
  for (const auto& [name, value] : event.fields) json[std::string(name)] = value;
  return json;
}

void ControlCommands::carry_out(const Request& request, const Peer& peer,
                                const ControlReply& reply) {
  switch (request.command) {
    case Command::kStatus:
      return reply(status_json(engine_.snapshot()));
    case Command::kTopSources:
      return reply(
          sources_json(engine_.hottest_sources(), request.count.value_or(protocol::kUsualSources)));
    case Command::kListRules:
      return reply(rules_json(engine_.rules()));
    case Command::kListSets:
      return reply(Json{{"sets", sets_json(engine_.rules().sets())}});
    case Command::kListSet: {
      auto set = set_json(engine_.rules(), request.set, request.offset);
      if (set) return reply(std::move(*set));
      return reply(refusal({ChangeError::Kind::kInvalid, std::move(set.error())}));
    }
    case Command::kVersion:
      return reply(Json{{"version", options_.version},
                        {"protocol", protocol::kProtocolVersion},
                        {"interface", engine_.interface()},
                        {"pid", getpid()}});
    case Command::kMonitor:
      return reply.monitor();
    case Command::kResetCounters:
      engine_.rules().publisher().reset_counts();
      return reply(Json::object());
    case Command::kAddElements:
    case Command::kDeleteElements:
    case Command::kFlushSet:
      return change(request, peer, reply);
    case Command::kReload:
      return reload(request, peer, reply);
    case Command::kConfirm:
      if (auto confirmed = engine_.rules().confirm(describe(peer)); !confirmed) {
        return reply(refusal(std::move(confirmed.error())));
      }
      return reply(Json::object());
    case Command::kDetach:
      return reply(Json{{"interface", engine_.interface()}, {"pid", getpid()}}, options_.stop);
    case Command::kCapture:
      return capture(request, peer, reply);
  }
}

void ControlCommands::change(const Request& request, const Peer& peer, const ControlReply& reply) {
  ElementChange change;
  change.kind = request.command == Command::kAddElements      ? ElementChange::Kind::kAdd
                : request.command == Command::kDeleteElements ? ElementChange::Kind::kDelete
                                                              : ElementChange::Kind::kFlush;
  change.set = request.set;
  change.elements = request.elements;
  change.timeout_s = request.timeout_s;
  change.comment = request.comment;
  change.by = describe(peer);
  engine_.rules().change(change, answer_to(reply));
}

void ControlCommands::reload(const Request& request, const Peer& peer, const ControlReply& reply) {
  // Errors show the lines that are wrong: of files, then, that others may not read.
  if (request.rules && peer.uid != 0) {
    return reply(tl::unexpected(
        RequestError{protocol::ErrorCode::kDenied,
                     "only root may name another rule file; a reload without one is allowed"}));
  }
  engine_.rules().reload({request.rules, request.confirm_s, describe(peer)},
                         [this, reply](tl::expected<ChangeOutcome, ChangeError> outcome) {
                           if (!outcome) return reply(refusal(std::move(outcome.error())));
                           reply(load_json(engine_.rules().load_record()));
                         });
}

void ControlCommands::capture(const Request& request, const Peer& peer, const ControlReply& reply) {
  // A sender still sends the last packets when its capture is over.
  const bool sending = capture_sender_ != nullptr && !capture_sender_->ended();
  std::shared_ptr<PacketCapture> capture =
      sending ? nullptr
              : engine_.start_capture(
                    {.verdicts = mask_of(request.verdict), .snap_length = request.snap_length});
  if (capture == nullptr) {
    return reply(tl::unexpected(
        RequestError{protocol::ErrorCode::kBusy,
                     fmt::format("a capture of {} runs, and there can be one at a time; try again "
                                 "when it has ended",
                                 capture_client_)}));
  }
  capture_client_ = describe(peer);
  log_info("capture for {}: begins; verdict {}, {} bytes of a packet", capture_client_,
           name(request.verdict), request.snap_length);
  capture_sender_.reset();
  Json answer = capture_json(*capture, engine_.interface());
  reply.hand_over(std::move(answer), [this, capture = std::move(capture)](Fd connection) {
    try {
      capture_sender_ =
          std::make_unique<CaptureSender>(std::move(connection), capture, capture_client_);
    } catch (const std::exception& error) {
      capture->close();
      log_warn("capture for {}: cannot begin: {}", capture_client_, error.what());
    }
  });
}

}  // namespace afxfw
