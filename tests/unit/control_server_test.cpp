#include "control/control_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ctl/connection.h"
#include "util/json.h"

namespace afxfw {
namespace {

using namespace std::chrono_literals;
using protocol::Command;
using protocol::Request;

const char* const kStatus = "{\"version\":1,\"command\":\"status\"}\n";

/// A client that says what it likes.
class Client {
 public:
  explicit Client(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    connected_ =
        connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    const timeval limit{10, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  }

  void say(const std::string& text) const {
    EXPECT_TRUE(connected_);
    EXPECT_EQ(send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  /// "": the end.
  std::string line() {
    while (input_.find('\n') == std::string::npos) {
      char buffer[4096];
      const ssize_t count = recv(socket_.get(), buffer, sizeof(buffer), 0);
      if (count <= 0) return "";
      input_.append(buffer, static_cast<std::size_t>(count));
    }
    std::string line = input_.substr(0, input_.find('\n'));
    input_.erase(0, line.size() + 1);
    return line;
  }

 private:
  Fd socket_;
  bool connected_ = false;
  std::string input_;
};

class ControlServerTest : public testing::Test {
 protected:
  ControlServerTest() {
    std::string name = (std::filesystem::temp_directory_path() / "afxfw-control-XXXXXX").string();
    directory_ = mkdtemp(name.data());
    path_ = directory_ + "/sock";
    options_.limits.transfer_time = 300ms;
    options_.limits.idle_time = 600ms;
    // Of nobody here, so that what lets the tests in is that they run as the same user.
    options_.access.read_group = getegid();
    if (geteuid() != 0) options_.access.change_group = getegid();
  }
  void TearDown() override {
    stop();
    std::filesystem::remove_all(directory_);
  }

  void start() {
    server_ = std::make_unique<ControlServer>(
        context_, std::make_unique<ControlSocket>(path_, getegid()), options_,
        [this](const Request& request, const Peer& peer, const ControlReply& reply) {
          requests_.push_back(request);
          peer_ = peer;
          if (request.command == Command::kMonitor) return reply.monitor();
          if (request.command == Command::kReload) {
            later_ = reply;
            return;
          }
          reply(Json{{"asked", name(request.command)}});
        });
    thread_ = std::thread([this] { context_.run(); });
  }

  void stop() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
  }

  std::string directory_;
  std::string path_;
  ControlServer::Options options_;
  boost::asio::io_context context_{1};
  std::unique_ptr<ControlServer> server_;
  std::thread thread_;
  // Of the loop's thread; to be looked at after stop().
  std::vector<Request> requests_;
  Peer peer_;
  std::optional<ControlReply> later_;
};

TEST_F(ControlServerTest, AnswersRequestAfterRequest) {
  start();
  ControlConnection connection(path_);
  EXPECT_EQ(connection.require({.command = Command::kStatus})["asked"], "status");
  EXPECT_EQ(connection.require({.command = Command::kConfirm})["asked"], "confirm");
  EXPECT_EQ(connection.server_pid(), getpid());
  stop();
  ASSERT_EQ(requests_.size(), 2U);
  EXPECT_EQ(peer_.pid, getpid());
  EXPECT_EQ(peer_.uid, getuid());
}

TEST_F(ControlServerTest, AnswersInTheOrderOfRequestsThatComeAtOnce) {
  start();
  Client client(path_);
  client.say(std::string(kStatus) + "{\"version\":1,\"command\":\"confirm\"}\nrubbish\n" + kStatus);
  EXPECT_NE(client.line().find("\"status\""), std::string::npos);
  EXPECT_NE(client.line().find("\"confirm\""), std::string::npos);
  EXPECT_NE(client.line().find("\"malformed\""), std::string::npos);
  EXPECT_NE(client.line().find("\"status\""), std::string::npos);
}

TEST_F(ControlServerTest, CutsOffWhoStopsInTheMiddle) {
  start();
  Client slow(path_);
  slow.say("{\"version\"");
  const auto begin = std::chrono::steady_clock::now();
  // Bytes now and then do not give it more time.
  std::thread dripping([&] {
    for (int i = 0; i < 3; ++i) {
      std::this_thread::sleep_for(60ms);
      slow.say(" ");
    }
  });
  EXPECT_EQ(slow.line(), "");
  dripping.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  ControlConnection other(path_);
  EXPECT_EQ(other.require({.command = Command::kStatus})["asked"], "status");
}

TEST_F(ControlServerTest, CutsOffWhoSaysNothing) {
  start();
  Client silent(path_);
  EXPECT_EQ(silent.line(), "");
}

TEST_F(ControlServerTest, AnAnswerMayComeLater) {
  start();
  Client client(path_);
  client.say("{\"version\":1,\"command\":\"reload\"}\n");
  // Longer than any time that it has to say something.
  std::this_thread::sleep_for(800ms);
  boost::asio::post(context_, [this] { (*later_)(Json{{"late", true}}); });
  EXPECT_NE(client.line().find("\"late\":true"), std::string::npos);
}

TEST_F(ControlServerTest, AnAnswerAfterTheEndIsNoHarm) {
  start();
  {
    Client client(path_);
    client.say("{\"version\":1,\"command\":\"reload\"}\n");
    std::this_thread::sleep_for(200ms);
  }
  stop();
  bool after = false;
  (*later_)(Json::object(), [&] { after = true; });
  EXPECT_TRUE(after);
}

TEST_F(ControlServerTest, HasRoomForSoManyClients) {
  options_.limits.clients = 3;
  options_.limits.reserved_clients = 0;
  options_.limits.idle_time = 10s;
  start();
  std::vector<std::unique_ptr<Client>> clients;
  clients.reserve(3);
  for (int i = 0; i < 3; ++i) clients.push_back(std::make_unique<Client>(path_));
  clients.back()->say(kStatus);
  EXPECT_NE(clients.back()->line(), "");
  Client refused(path_);
  EXPECT_NE(refused.line().find("\"busy\""), std::string::npos);
  EXPECT_EQ(refused.line(), "");
  clients.pop_back();
  std::this_thread::sleep_for(100ms);
  Client accepted(path_);
  accepted.say(kStatus);
  EXPECT_NE(accepted.line().find("\"status\""), std::string::npos);
}

TEST_F(ControlServerTest, MonitorsGetEventsAndOthersDoNot) {
  start();
  Client monitor(path_);
  Client other(path_);
  monitor.say("{\"version\":1,\"command\":\"monitor\"}\n");
  EXPECT_NE(monitor.line().find("\"ok\":true"), std::string::npos);
  boost::asio::post(context_, [this] { server_->publish({{"kind", "one"}}); });
  boost::asio::post(context_, [this] { server_->publish({{"kind", "two"}}); });
  EXPECT_EQ(monitor.line(), R"({"event":{"kind":"one"}})");
  EXPECT_EQ(monitor.line(), R"({"event":{"kind":"two"}})");
  other.say(kStatus);
  EXPECT_NE(other.line().find("\"status\""), std::string::npos);
}

TEST_F(ControlServerTest, TheSocketIsPrivateAndGoesWithTheServer) {
  start();
  struct stat status {};
  ASSERT_EQ(lstat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0660U);
  EXPECT_TRUE(ControlSocket::is_live(path_));
  EXPECT_THROW(ControlSocket(path_, getegid()), Error);
  stop();
  EXPECT_NE(lstat(path_.c_str(), &status), 0);
}

TEST_F(ControlServerTest, ASocketThatNobodyListensOnIsReplaced) {
  {
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    ASSERT_EQ(bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  EXPECT_FALSE(ControlSocket::is_live(path_));
  start();
  EXPECT_TRUE(ControlSocket::is_live(path_));
}

TEST(ControlAccess, IsRootsAndThatOfGroups) {
  const ControlAccess access{.read_group = 7, .change_group = 8};
  const auto peer = [](uid_t uid, std::vector<gid_t> groups) {
    return Peer{.pid = 1, .uid = uid, .groups = std::move(groups)};
  };
  EXPECT_TRUE(access.may_change(peer(0, {9})));
  EXPECT_TRUE(access.may_change(peer(12345, {9, 8})));
  EXPECT_TRUE(access.may_read(peer(12345, {8})));
  EXPECT_FALSE(access.may_change(peer(12345, {7})));
  EXPECT_TRUE(access.may_read(peer(12345, {9, 7})));
  EXPECT_FALSE(access.may_read(peer(12345, {0})));
  EXPECT_FALSE(ControlAccess{.read_group = 7}.may_change(peer(12345, {7})));
}

}  // namespace
}  // namespace afxfw
