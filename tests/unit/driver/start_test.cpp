// SPDX-License-Identifier: Apache-2.0
// A start that fails at any of its steps: one clear error, nothing left, and the next start works.
#include "fixture.hpp"
#include "qemu-amd64/amd64_arch.hpp"
#include "visor/core/vm_record.hpp"
#include "visor/sdk/device/addresses.hpp"
#include "visor/sdk/qemu/qemu_plugin.hpp"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <ostream>

namespace visor::sdk {
namespace {

using StartTest = DriverTest;

struct Failure {
  const char* word;  // what the fake QEMU does
  std::chrono::milliseconds limit;
  Errc code;
  const char* text;
  friend std::ostream& operator<<(std::ostream& out, const Failure& failure) { return out << failure.word; }
};

class FailsAt : public DriverTest, public ::testing::WithParamInterface<Failure> {};

TEST_P(FailsAt, LeavesNothingAndTheNextStartWorks) {
  const auto vm = create();
  set_words({GetParam().word, "exit-code=3", "stderr=qemu: no such thing"});
  const auto error = error_of([&] { vm->start(GetParam().limit); });
  EXPECT_EQ(to_string(error.code()), to_string(GetParam().code)) << error.what();
  EXPECT_NE(error.message().find("Cannot start VM 'vm'"), std::string::npos) << error.what();
  EXPECT_NE(error.message().find(GetParam().text), std::string::npos) << error.what();
  EXPECT_EQ(vm->status(limit).state, VmState::created);
  EXPECT_TRUE(vm->pids().empty());
  expect_nothing_runs();
  set_words({});
  vm->start(limit);
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  vm->stop({.force = true}, limit);
}

TEST_F(StartTest, TheRecordSaysWhichAddressesAreLeft) {
  const auto vm = create();
  EXPECT_EQ(vm->record().blob.find("addresses"), nullptr);
  vm->start(limit);
  auto addresses = Addresses::from_value(read_record(run_dir()).blob.at("addresses"));
  EXPECT_EQ(addresses.free(AddressSpace::root_port), 4U);
  EXPECT_EQ(addresses.take_place("late").bus, "visor-port0");
  const auto other = hypervisor().attach(read_record(run_dir()), limit);
  EXPECT_EQ(other->record().blob.at("addresses"), vm->record().blob.at("addresses"));
  vm->stop({.force = true}, limit);
}

constexpr auto short_limit = 300ms;  // where nothing but the deadline can end the start

INSTANTIATE_TEST_SUITE_P(
    Steps, FailsAt,
    ::testing::Values(Failure{"start=exit", limit, Errc::disconnected, "exit code 3: qemu: no such thing"},
                      Failure{"start=hang", short_limit, Errc::timeout, ""},
                      Failure{"greeting=silence", short_limit, Errc::timeout, ""},
                      Failure{"greeting=garbage", limit, Errc::disconnected, "QEMU of VM 'vm'"},
                      Failure{"greeting=hang", short_limit, Errc::timeout, ""},
                      Failure{"greeting=error", limit, Errc::disconnected, "QEMU of VM 'vm'"},
                      Failure{"greeting=close", limit, Errc::disconnected, "before its greeting"},
                      Failure{"greeting=exit", limit, Errc::disconnected, "exit code 3: qemu: no such thing"},
                      Failure{"qmp_capabilities=silence", short_limit, Errc::timeout, ""},
                      Failure{"qmp_capabilities=hang", short_limit, Errc::timeout, ""},
                      Failure{"qmp_capabilities=garbage", limit, Errc::disconnected, "QEMU of VM 'vm'"},
                      Failure{"qmp_capabilities=close", limit, Errc::disconnected, "before it was ready"},
                      Failure{"qmp_capabilities=error", limit, Errc::hypervisor_error,
                              "the fake refuses qmp_capabilities"},
                      Failure{"qmp_capabilities=exit", limit, Errc::disconnected, "exit code 3: qemu: no such thing"},
                      Failure{"cont=silence", short_limit, Errc::timeout, ""},
                      Failure{"cont=hang", short_limit, Errc::timeout, ""},
                      Failure{"cont=garbage", limit, Errc::disconnected, "QEMU of VM 'vm'"},
                      Failure{"cont=close", limit, Errc::disconnected, ""},
                      Failure{"cont=error", limit, Errc::hypervisor_error, "the fake refuses cont"},
                      Failure{"cont=exit", limit, Errc::disconnected, "exit code 3: qemu: no such thing"}),
    [](const auto& failure) {
      std::string name = failure.param.word;
      std::ranges::replace_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
      return name;
    });

/// Cancels a call when it comes to a stage.
class CancelAt final : public ProgressSink {
 public:
  explicit CancelAt(std::string stage) : stage_{std::move(stage)} {}
  void progress(std::string_view stage, std::uint64_t, std::uint64_t) noexcept override {
    if (stage == stage_) source_.cancel();
  }
  CallContext call() { return {std::chrono::steady_clock::now() + limit, source_.token(), this}; }
  [[nodiscard]] bool cancelled() const { return source_.token().cancelled(); }

 private:
  std::string stage_;
  CancelSource source_;
};

class CancelledAt : public DriverTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(CancelledAt, LeavesNothingAndTheNextStartWorks) {
  const auto vm = create();
  CancelAt cancel{GetParam()};
  const auto error = error_of([&] { vm->start(cancel.call()); });
  EXPECT_TRUE(cancel.cancelled());
  EXPECT_EQ(to_string(error.code()), "cancelled") << error.what();
  EXPECT_EQ(vm->status(limit).state, VmState::created);
  expect_nothing_runs();
  vm->start(limit);
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  vm->stop({.force = true}, limit);
}

INSTANTIATE_TEST_SUITE_P(Stages, CancelledAt, ::testing::Values("spawn", "negotiate", "run"),
                         [](const auto& stage) { return std::string{stage.param}; });

/// Sends the keeper a signal as soon as QEMU runs.
class SignalKeeper final : public ProgressSink {
 public:
  SignalKeeper(const Vm& vm, int signal) : vm_{vm}, signal_{signal} {}
  void progress(std::string_view stage, std::uint64_t, std::uint64_t) noexcept override {
    if (stage == "negotiate") sent_ = ::kill(vm_.record().keeper.pid, signal_) == 0;
  }
  [[nodiscard]] bool sent() const { return sent_; }

 private:
  const Vm& vm_;
  int signal_;
  bool sent_ = false;
};

class WithoutKeeper : public DriverTest, public ::testing::WithParamInterface<int> {};

TEST_P(WithoutKeeper, AFailedStartLeavesNothingAndTheNextStartWorks) {
  const auto vm = create();
  set_words({"greeting=silence", "sigterm=ignore"});
  SignalKeeper sink{*vm, GetParam()};
  const CallContext call{std::chrono::steady_clock::now() + short_limit, {}, &sink};
  EXPECT_EQ(to_string(error_of([&] { vm->start(call); }).code()), "timeout");
  EXPECT_TRUE(sink.sent());
  EXPECT_EQ(vm->status(limit).state, VmState::created);
  expect_nothing_runs();
  set_words({});
  vm->start(limit);
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  vm->stop({.force = true}, limit);
}

INSTANTIATE_TEST_SUITE_P(Keepers, WithoutKeeper, ::testing::Values(SIGKILL, SIGSTOP),
                         [](const auto& signal) { return std::string{signal.param == SIGKILL ? "dead" : "hanging"}; });

/// There is no session yet to end anything through, but the processes are known.
TEST_F(StartTest, AKeeperThatHearsNothingAfterItsLaunchIsEndedWithQemu) {
  HostContext host;
  host.keeper_path = VISOR_TEST_DEAF_KEEPER;
  add_param(host.options, "caps_cache_dir", "off");
  const auto hypervisor = make_qemu_hypervisor(host, std::make_unique<amd64::Amd64Arch>());
  std::filesystem::create_directory(run_dir());
  const auto vm = hypervisor->create(config(), "vm", run_dir());
  const auto error = error_of([&] { vm->start(1s); });
  EXPECT_EQ(to_string(error.code()), "timeout") << error.what();
  EXPECT_NE(error.message().find("hello"), std::string::npos) << error.what();
  EXPECT_EQ(vm->status(limit).state, VmState::created);
  EXPECT_TRUE(vm->pids().empty());
  expect_nothing_runs();
}

TEST_F(StartTest, ANewHandleStartsAVmWhoseStartFailed) {
  const auto record = [&] {
    const auto vm = create();
    set_words({"start=exit"});
    (void)error_of([&] { vm->start(limit); });
    return vm->record();
  }();
  set_words({});
  const auto vm = hypervisor().attach(record, limit);
  EXPECT_EQ(vm->status(limit).state, VmState::created);
  vm->start(limit);
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  vm->stop({.force = true}, limit);
}

}  // namespace
}  // namespace visor::sdk
