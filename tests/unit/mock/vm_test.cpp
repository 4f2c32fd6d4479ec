// SPDX-License-Identifier: Apache-2.0
// What only the mock can be asked to do; the rest is in the conformance suite.
#include "mock/vm.hpp"

#include "mock/hypervisor.hpp"
#include "support.hpp"

#include <cstdlib>

namespace visor::mock {
namespace {

using namespace std::chrono_literals;

class MockVmTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/visor-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Vm> create(Params params, VmConfig config = {}) {
    config.host.hypervisor_params = std::move(params);
    const auto run_dir = folder_ / std::to_string(++count_);
    std::filesystem::create_directory(run_dir);
    return hypervisor_.create(config, "vm", run_dir);
  }
  std::unique_ptr<Vm> started(Params params, VmConfig config = {}) {
    auto vm = create(std::move(params), std::move(config));
    vm->start(10s);
    return vm;
  }

  std::filesystem::path folder_;
  int count_ = 0;
  MockHypervisor hypervisor_{HostContext{}};
};

TEST_F(MockVmTest, EachRungOfTheLadderCanBeTheOneThatWorks) {
  StopOptions options;
  options.guest_grace = options.hypervisor_grace = options.terminate_grace = 1ms;
  for (const auto rung : {StopRung::guest, StopRung::hypervisor, StopRung::terminate, StopRung::kill}) {
    const auto vm = started({{"mock.stop_rung", std::string{to_string(rung)}}});
    EXPECT_EQ(vm->stop(options, 10s).rung, rung);
  }
}

TEST_F(MockVmTest, ADeadlineCutsTheGracesShort) {
  const auto vm = started({{"mock.stop_rung", "kill"}});
  StopOptions options;
  options.guest_grace = options.hypervisor_grace = options.terminate_grace = 1h;
  EXPECT_EQ(vm->stop(options, 5ms).rung, StopRung::kill);
}

TEST_F(MockVmTest, ASilentHypervisorTimesOutAndIsTerminated) {
  const auto vm = started({{"mock.silent_after_ms", "0"}});
  const auto status = vm->status(10s);
  EXPECT_EQ(status.state, VmState::running);
  EXPECT_FALSE(status.responsive);
  EXPECT_EQ(code_of([&] { vm->pause(1ms); }), Errc::timeout);
  EXPECT_THROW(vm->check(10s), Error);
  StopOptions options;
  options.guest_grace = options.hypervisor_grace = 1ms;
  EXPECT_EQ(vm->stop(options, 10s).rung, StopRung::terminate);
}

TEST_F(MockVmTest, APanickedGuestThatIsKeptIsPausedUntilItIsStopped) {
  VmConfig config;
  config.policy.on_panic = PanicPolicy::pause;
  const auto vm = started({{"mock.panic_after_ms", "0"}}, config);
  const auto status = vm->status(10s);
  EXPECT_EQ(status.state, VmState::paused);
  EXPECT_TRUE(status.guest_panicked);
  EXPECT_THROW(vm->check(10s), Error);
  EXPECT_EQ(vm->stop({}, 10s).exit.cause, ExitCause::guest_panic);
  EXPECT_EQ(vm->status(10s).state, VmState::failed);
}

TEST_F(MockVmTest, AStopEndsAHangingStart) {
  const auto vm = create({{"mock.start", "hang"}});
  class StopIt final : public ProgressSink {
   public:
    explicit StopIt(Vm& target) : vm{target} {}
    void progress(std::string_view, std::uint64_t, std::uint64_t) noexcept override { vm.stop({}, 10s); }
    Vm& vm;
  } sink{*vm};
  EXPECT_EQ(code_of([&] { vm->start(CallContext{std::chrono::steady_clock::now() + 60s, {}, &sink}); }),
            Errc::invalid_state);
  EXPECT_EQ(vm->status(10s).state, VmState::stopped);
}

TEST_F(MockVmTest, AnEarlyEndBreaksTheWaitForReadiness) {
  VmConfig config;
  config.ready.console_line = "ready";
  const auto vm = started({{"mock.ready_after_ms", "never"}, {"mock.error_after_ms", "20"}}, config);
  EXPECT_EQ(code_of([&] { vm->wait_ready(60s); }), Errc::disconnected);
}

TEST_F(MockVmTest, ALateReadinessIsWaitedFor) {
  VmConfig config;
  config.ready.port = "agent";
  const auto vm = started({{"mock.ready_after_ms", "20"}, {"mock.start_ms", "5"}}, config);
  EXPECT_NO_THROW(vm->wait_ready(60s));
}

TEST_F(MockVmTest, AWrongOptionIsToldAtTheFirstOccasion) {
  HostContext host;
  host.options = {{"mock.start", "never"}};
  EXPECT_EQ(code_of([&] { MockHypervisor hypervisor{host}; }), Errc::invalid_config);
  EXPECT_EQ(code_of([&] { create({{"mock.star", "ok"}}); }), Errc::invalid_config);
}

TEST_F(MockVmTest, InputForAPausedGuestIsBounded) {
  const auto vm = started({});
  vm->pause(10s);
  const auto console = vm->console(10s);
  EXPECT_EQ(code_of([&] { console->write(std::string(5000, 'x'), 5ms); }), Errc::timeout);
  vm->resume(10s);
  EXPECT_NO_THROW(console->write(std::string(5000, 'x'), 10s));
}

TEST_F(MockVmTest, EventTimesComeFromTheHostsClock) {
  struct Fixed final : Clock {
    [[nodiscard]] std::chrono::system_clock::time_point now() const noexcept override {
      return std::chrono::system_clock::time_point{std::chrono::seconds{7}};
    }
  };
  HostContext host;
  host.clock = std::make_shared<Fixed>();
  MockHypervisor hypervisor{host};
  std::filesystem::create_directory(folder_ / "c");
  const auto vm = hypervisor.create({}, "c", folder_ / "c");
  EXPECT_EQ(vm->stop({}, 10s).exit.time.time_since_epoch(), std::chrono::seconds{7});
}

}  // namespace
}  // namespace visor::mock
