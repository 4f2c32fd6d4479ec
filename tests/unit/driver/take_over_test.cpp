// SPDX-License-Identifier: Apache-2.0
// A handle that looks becomes the owner, or fails to.
#include "fixture.hpp"
#include "support/suspend.hpp"
#include "support/unix_sockets.hpp"
#include "visor/sdk/process/keeper.hpp"
#include "visor/sdk/qmp/client.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <csignal>
#include <future>
#include <thread>

namespace visor::sdk {
namespace {

using TakeOverTest = DriverTest;

/// Until then the journal is all that tells it of events.
TEST_F(TakeOverTest, WhoFailsAtItStillHearsOfEvents) {
  const auto owner = start();
  const auto observer = hypervisor().attach(owner->record(), limit);
  const auto events = observer->events();
  owner->disconnect();
  // QEMU serves one client a socket; the next one waits.
  auto monitor = qmp::Client::connect((run_dir() / "qmp-owner.sock").string(), {}, limit);
  EXPECT_EQ(to_string(error_of([&] { observer->pause(300ms); }).code()), "timeout");
  qmp::stop(*monitor, limit);
  const auto event = events->next(limit);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->name, "STOP");
  monitor.reset();
  EXPECT_EQ(to_string(observer->stop({.force = true}, limit).exit.cause), "stopped");
}

TEST_F(TakeOverTest, ItWaitsForAConnectionThatIsBeingMade) {
  const auto owner = start();
  const auto record = owner->record();
  owner->disconnect();
  const auto observer = hypervisor().attach(record, limit);
  ASSERT_TRUE(test::suspend(record.keeper.pid));
  const auto socket = keeper_socket_path(run_dir().string());
  const auto before = test::sockets_at(socket);
  auto exit = std::async(std::launch::async, [&] { return observer->wait_exit(limit); });
  while (test::sockets_at(socket) == before) std::this_thread::yield();
  const auto error = error_of([&] { observer->pause(200ms); });
  EXPECT_EQ(to_string(error.code()), "timeout");
  EXPECT_NE(error.message().find("a connection to the VM"), std::string::npos) << error.what();
  ASSERT_EQ(::kill(record.keeper.pid, SIGCONT), 0);
  EXPECT_EQ(to_string(observer->stop({}, limit).rung), "guest");
  EXPECT_EQ(to_string(exit.get().cause), "guest_shutdown");
}

}  // namespace
}  // namespace visor::sdk
