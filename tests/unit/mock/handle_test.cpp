// SPDX-License-Identifier: Apache-2.0
// Handles, the file between them, and other people's changes.
#include "mock/handle.hpp"

#include "support.hpp"

#include <cstdlib>
#include <thread>

namespace visor::mock {
namespace {

using namespace std::chrono_literals;

class MockHandle : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/visor-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    file().create(a_machine());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] MachineFile file() const { return {folder_, nullptr}; }

  std::filesystem::path folder_;
};

TEST_F(MockHandle, AFolderHoldsOneMachine) {
  EXPECT_EQ(code_of([&] { file().create(a_machine()); }), Errc::already_exists);
  EXPECT_EQ(code_of([&] { MachineFile(folder_ / "none", nullptr).create(a_machine()); }), Errc::not_found);
}

TEST_F(MockHandle, AChangeThatThrowsLeavesTheFile) {
  Handle handle{file()};
  EXPECT_EQ(code_of([&] {
              handle.change("test", 5s, [](Machine& machine, const Now&) {
                machine.detail = "half";
                throw Error(Errc::io_error, "no");
              });
            }),
            Errc::io_error);
  EXPECT_EQ(handle.look(5s).detail, "prelaunch");
}

TEST_F(MockHandle, AnotherHandlesChangeEndsAWait) {
  Handle waiting{file()};
  Handle changing{file()};
  std::thread other{[&] { changing.change("test", 5s, [](Machine& m, const Now& now) { m.start(false, now); }); }};
  EXPECT_TRUE(waiting.try_wait(60s, &Machine::live));
  other.join();
}

TEST_F(MockHandle, EventsOfOtherHandlesComeWithTheNextLook) {
  Handle listening{file()};
  Handle changing{file()};
  const auto queue = listening.subscribe();
  changing.change("test", 5s, [](Machine& m, const Now& now) { m.start(false, now); });
  EXPECT_FALSE(queue->try_next());
  listening.look(5s);
  EXPECT_EQ(queue->try_next()->kind, EventKind::state_changed);
}

TEST_F(MockHandle, WhoMissedTooMuchIsTold) {
  Handle listening{file()};
  Handle changing{file()};
  const auto queue = listening.subscribe();
  changing.change("test", 5s, [](Machine& m, const Now& now) {
    m.start(false, now);
    for (int i = 0; i < 100; ++i) {
      m.pause(now);
      m.resume(now);
    }
  });
  listening.look(5s);
  EXPECT_EQ(queue->try_next()->kind, EventKind::resynced);
}

TEST_F(MockHandle, TwoThreadsOfOneHandleOwnTogether) {
  Handle handle{file()};
  std::thread other{[&] { EXPECT_NO_THROW(handle.own("a", 60s)); }};
  EXPECT_NO_THROW(handle.own("b", 60s));
  other.join();
  Handle second{file()};
  EXPECT_EQ(code_of([&] { second.own("c", 0s); }), Errc::busy);
  handle.release();
  EXPECT_NO_THROW(second.own("c", 0s));
}

TEST_F(MockHandle, ALookDoesNotWaitForAWriterThatHangs) {
  Handle handle{file()};
  handle.change("test", 5s, [](Machine& m, const Now& now) {
    m.options.exit_after = 0ms;
    m.start(true, now);
    m.state = VmState::running;  // its end is due, and written down by nobody yet
    m.running_since = now.steady + 1ms;
  });
  const auto queue = handle.subscribe();
  const auto writer = OwnerLock::acquire(folder_ / "writer", "hang", 5s);
  while (!handle.look(0s).ended()) std::this_thread::yield();
  EXPECT_FALSE(queue->try_next()) << "an event that may never be written was handed out";
}

}  // namespace
}  // namespace visor::mock
