// SPDX-License-Identifier: Apache-2.0
// Real guests on User-Mode Linux: what a host program sees, and what is left when it is over.
#include "visor/core/error.hpp"
#include "visor/core/json.hpp"
#include "visor/runtime/runtime.hpp"
#include "visor/sdk/process/keeper.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cctype>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

namespace {

using namespace std::chrono_literals;
using namespace visor;

constexpr auto limit = 60s;         // a call that waits for no guest
constexpr auto guest_limit = 240s;  // a guest boots on the CPU that all other tests want, too

std::string guest_file(const std::string& name) {
  const char* folder = std::getenv("UML_GUEST");
  return std::string{folder != nullptr ? folder : "/nowhere"} + "/" + name;
}

/// How many processes are in the session that this one led.
int processes_in_session(std::int32_t leader) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    if (!std::isdigit(static_cast<unsigned char>(entry.path().filename().string().front()))) continue;
    std::ifstream file{entry.path() / "stat"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const auto end_of_name = text.rfind(')');
    if (end_of_name == std::string::npos) continue;
    std::istringstream rest{text.substr(end_of_name + 1)};
    std::string state;
    std::int32_t parent = 0;
    std::int32_t group = 0;
    std::int32_t session = 0;
    rest >> state >> parent >> group >> session;
    if (session == leader && state != "Z") ++count;
  }
  return count;
}

class Reader {
 public:
  explicit Reader(Vm& vm) : console_{vm.console(limit)} {}

  /// The rest of the line that this text begins.
  std::string line_with(const std::string& text, const CallContext& call) {
    for (;;) {
      const auto begin = seen_.find(text);
      const auto end = begin == std::string::npos ? begin : seen_.find('\n', begin);
      if (end != std::string::npos) {
        auto line = seen_.substr(begin, end - begin);
        seen_.erase(0, end + 1);
        return line;
      }
      if (!read(call)) throw Error(Errc::disconnected, "The console ended before " + text + ", after: " + seen_);
    }
  }
  /// Reads until nothing has come for a while. Returns whether that was so before the limit.
  bool falls_silent() {
    const CallContext whole{limit};
    try {
      while (!whole.expired()) {
        if (!read(1s)) return false;
      }
    } catch (const Error& error) {
      return error.code() == Errc::timeout;
    }
    return false;
  }

 private:
  bool read(const CallContext& call) {
    char buffer[512];
    const auto size = console_->read(buffer, sizeof buffer, call);
    seen_.append(buffer, size);
    return size > 0;
  }
  std::unique_ptr<Console> console_;
  std::string seen_;
};

class Uml : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = "/tmp/visor-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    RuntimeOptions options;
    options.plugin_dirs = {UML_PLUGIN_DIR};
    options.run_dir = folder_ / "run";
    runtime_ = std::make_unique<Runtime>(options);
    config_.hypervisor = "uml";
    config_.memory.size_mib = 128;
    config_.boot.initrd = guest_file("initrd");
  }
  void TearDown() override {
    for (const auto& entry : runtime_->list(limit)) runtime_->remove(entry.id, true, limit);
    for (const auto leader : leaders_) EXPECT_EQ(processes_in_session(leader), 0);
    runtime_.reset();
    std::filesystem::remove_all(folder_);
  }
  std::unique_ptr<Vm> started() {
    auto vm = runtime_->create(config_);
    vm->start(limit);
    leaders_.push_back(vm->pids().at(0));
    return vm;
  }
  void add_param(const std::string& key, const std::string& value) {
    config_.boot.kernel_params.push_back({key, value});
  }
  static Value report(Vm& vm) { return parse_json(Reader{vm}.line_with(R"({"visor-guest")", guest_limit)); }
  Errc refusal() {
    try {
      (void)runtime_->create(config_);
    } catch (const Error& error) {
      message_ = error.message();
      return error.code();
    }
    return {};
  }

  std::filesystem::path folder_;
  std::unique_ptr<Runtime> runtime_;
  VmConfig config_;
  std::vector<std::int32_t> leaders_;
  std::string message_;
};

TEST_F(Uml, BootsAndObeysThePowerButton) {
  add_param("visor.nonce", "n0nce");
  const auto vm = started();
  const auto guest = report(*vm);
  EXPECT_EQ(guest.at("nonce").as_string(), "n0nce");
  EXPECT_EQ(guest.at("cpu_model").as_string(), "UML");
  EXPECT_EQ(guest.at("cpus").as_uint(), 1U);
  EXPECT_GT(guest.at("mem_total_kib").as_uint(), 64U * 1024);
  EXPECT_LE(guest.at("mem_total_kib").as_uint(), 128U * 1024);
  const auto result = vm->stop({.guest_grace = 120s}, guest_limit);
  EXPECT_EQ(to_string(result.rung), "guest");
  EXPECT_EQ(to_string(result.exit.cause), "guest_shutdown") << result.exit.text;
  EXPECT_EQ(result.exit.code, 0);
  EXPECT_EQ(to_string(vm->status(limit).state), "stopped");
  EXPECT_FALSE(std::filesystem::exists(vm->record().run_dir / "uml"));
}

TEST_F(Uml, BootsFromAnImage) {
  config_.boot.initrd.clear();
  config_.boot.image = guest_file("image.ext4");
  config_.boot.root_partition = 0;
  const auto vm = started();
  const auto guest = report(*vm);
  EXPECT_EQ(guest.at("root").as_string(), "/dev/ubda");
  EXPECT_EQ(guest.at("root_fstype").as_string(), "ext4");
}

TEST_F(Uml, AGuestThatDoesNotObeyIsHalted) {
  add_param("visor.ignore_power_button", "1");
  add_param("visor.ticks", "1");
  const auto vm = started();
  (void)Reader{*vm}.line_with("tick ", guest_limit);  // it ticks once it ignores the button
  const auto result = vm->stop({.guest_grace = 500ms, .hypervisor_grace = 60s}, guest_limit);
  EXPECT_EQ(to_string(result.rung), "hypervisor");
  EXPECT_EQ(to_string(result.exit.cause), "stopped") << result.exit.text;
}

/// The keeper knows how the VM ends, and may be gone before it can be asked again.
TEST_F(Uml, AStopAsksTheKeeperOnce) {
  add_param("visor.ignore_power_button", "1");
  add_param("visor.ticks", "1");
  const auto vm = started();
  (void)Reader{*vm}.line_with("tick ", guest_limit);
  auto stopped = std::async(std::launch::async,
                            [&] { return vm->stop({.guest_grace = 3s, .hypervisor_grace = 60s}, guest_limit); });
  const auto folder = vm->record().run_dir;
  const auto keeper = sdk::Keeper::attach(folder.string(), limit);
  while (!keeper.status(limit).stopping) std::this_thread::yield();
  std::filesystem::rename(folder / "keeper.sock", folder / "moved");
  const auto result = stopped.get();
  EXPECT_EQ(to_string(result.rung), "hypervisor");
  EXPECT_EQ(result.exit.text, "It was stopped");
}

/// Ticks are counted by the guest: one that was made while it stood still would be missing afterwards.
TEST_F(Uml, APausedGuestStandsStill) {
  add_param("visor.ticks", "1");
  const auto vm = started();
  Reader console{*vm};
  (void)console.line_with("tick ", guest_limit);
  vm->pause(limit);
  EXPECT_EQ(to_string(vm->status(limit).state), "paused");
  EXPECT_TRUE(console.falls_silent());
  vm->resume(limit);
  EXPECT_EQ(to_string(vm->status(limit).state), "running");
  (void)console.line_with("tick ", guest_limit);
}

TEST_F(Uml, AKilledOneHasFailedAndLeavesNoProcess) {
  const auto vm = started();
  const auto leader = leaders_.front();
  ::kill(leader, SIGKILL);
  const auto exit = vm->wait_exit(limit);
  EXPECT_EQ(to_string(exit.cause), "signal");
  EXPECT_EQ(exit.signal, SIGKILL);
  EXPECT_EQ(to_string(vm->status(limit).state), "failed");
  EXPECT_THROW(vm->check(limit), Error);
  EXPECT_EQ(processes_in_session(leader), 0);
}

TEST_F(Uml, APanicIsToldAsOne) {
  add_param("visor.panic", "0");
  const auto vm = started();
  const auto exit = vm->wait_exit(guest_limit);
  EXPECT_EQ(to_string(exit.cause), "guest_panic") << exit.text;
  EXPECT_NE(exit.stderr_tail.find("Kernel panic"), std::string::npos);
  EXPECT_TRUE(vm->status(limit).guest_panicked);
}

TEST_F(Uml, AnotherHandleFindsItAndMayStopIt) {
  const auto vm = started();
  (void)report(*vm);
  const auto other = runtime_->attach(vm->id(), limit);
  EXPECT_EQ(other->config(), vm->config());
  EXPECT_EQ(to_string(other->status(limit).state), "running");
  const auto result = other->stop({.guest_grace = 120s}, guest_limit);
  EXPECT_EQ(to_string(result.rung), "owner");
  EXPECT_EQ(to_string(vm->wait_exit(limit).cause), "guest_shutdown");
}

TEST_F(Uml, ItOutlivesItsKeeperAndStillStops) {
  const auto vm = started();
  (void)report(*vm);
  const auto pids = vm->pids();
  ASSERT_EQ(pids.size(), 2U);
  ::kill(pids[1], SIGKILL);
  EXPECT_EQ(to_string(vm->status(limit).state), "running");
  const auto result = vm->stop({.guest_grace = 120s}, guest_limit);
  EXPECT_EQ(to_string(result.rung), "guest");
  EXPECT_EQ(to_string(result.exit.cause), "stopped");
}

TEST_F(Uml, WhatItCannotDoIsRefusedByName) {
  const auto plain = config_;
  config_.devices.emplace_back(NicConfig{});
  EXPECT_EQ(refusal(), Errc::unsupported);
  EXPECT_NE(message_.find("nic"), std::string::npos) << message_;
  config_ = plain;
  config_.memory.huge_pages = true;
  EXPECT_EQ(refusal(), Errc::unsupported);
  EXPECT_NE(message_.find("memory.huge_pages"), std::string::npos) << message_;
  config_ = plain;
  config_.cpu.count = 2;
  EXPECT_EQ(refusal(), Errc::invalid_config);
  config_ = plain;
  config_.boot.kernel = "/nowhere/linux.uml";
  EXPECT_EQ(refusal(), Errc::not_found);
  EXPECT_NE(message_.find("user-mode-linux"), std::string::npos) << message_;
}

TEST_F(Uml, AGuestsParametersCannotNameFilesOfTheHost) {
  for (const auto* key : {"ubdb", "con1", "con", "ssl0", "hostfs", "initrd", "umid", "eth0", "virtio_uml.device"}) {
    config_.boot.kernel_params = {{key, "/etc/shadow"}};
    EXPECT_EQ(refusal(), Errc::invalid_config) << key;
    EXPECT_NE(message_.find(key), std::string::npos) << message_;
  }
  config_.boot.kernel_params = {{"console", "tty0"}, {"memmap", "1"}};
  EXPECT_NE(runtime_->create(config_), nullptr);
}

TEST_F(Uml, AProgramThatIsNoUmlEndsInItsWords) {
  config_.boot.kernel = "/bin/ls";  // complains about its arguments
  const auto vm = runtime_->create(config_);
  try {
    vm->start(limit);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::disconnected);
    EXPECT_NE(error.message().find("mem=128M"), std::string::npos) << error.message();
  }
  EXPECT_EQ(to_string(vm->status(limit).state), "created");
  EXPECT_TRUE(vm->pids().empty());
}

}  // namespace
