// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include "qemu-amd64/amd64_arch.hpp"
#include "support/left_over.hpp"
#include "visor/core/params.hpp"
#include "visor/sdk/process/reaper.hpp"
#include "visor/sdk/qemu/qemu_plugin.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace visor::sdk {

void DriverLog::write(LogLevel /*level*/, std::string_view /*vm*/, std::string_view text) noexcept {
  const std::scoped_lock lock{mutex_};
  lines_.emplace_back(text);
  written_.notify_all();
}

void DriverLog::expect(std::string_view text, std::size_t times) {
  const auto has = [&](const std::string& line) { return line.find(text) != std::string::npos; };
  std::unique_lock lock{mutex_};
  EXPECT_TRUE(written_.wait_for(lock, limit,
                                [&] { return static_cast<std::size_t>(std::ranges::count_if(lines_, has)) >= times; }))
      << "nothing was logged about: " << text;
}

void DriverTest::SetUp() {
  test::adopt_orphans();
  fds_before_ = test::open_fds();
  std::string pattern = "/tmp/visor-driver-XXXXXX";
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  dir_ = pattern;
  for (const auto* file : {"kernel", "initrd"}) std::ofstream{dir_ / file} << "not really a " << file;
  HostContext host;
  host.log = log_;
  use_host(std::move(host));
}

void DriverTest::use_host(HostContext host) {
  host.keeper_path = VISOR_TEST_KEEPER;
  host.options.insert(host.options.begin(), {"caps_cache_dir", "off"});  // unless the test says otherwise
  hypervisor_ = make_qemu_hypervisor(host, std::make_unique<amd64::Amd64Arch>());
}

void DriverTest::TearDown() {
  expect_nothing_runs();
  hypervisor_.reset();
  EXPECT_EQ(test::open_fds(), fds_before_) << "a descriptor was left open";
  std::filesystem::remove_all(dir_);
}

void DriverTest::expect_nothing_runs() const {
  reap_left_over();
  EXPECT_EQ(test::left_processes(10s), std::vector<std::string>{});
  EXPECT_EQ(test::sockets_in(dir_), std::vector<std::string>{});
}

VmConfig DriverTest::config() const {
  VmConfig config;
  config.hypervisor = "qemu-amd64";
  config.machine.accelerator = Accelerator::tcg;
  config.cpu.count = 2;
  config.memory.size_mib = 64;
  config.boot.kernel = (dir_ / "kernel").string();
  config.boot.initrd = (dir_ / "initrd").string();
  config.host.hypervisor_path = VISOR_TEST_FAKE_QEMU;
  add_param(config.host.hypervisor_params, "fake", "script=" + (dir_ / "words").string());
  return config;
}

void DriverTest::set_words(const std::vector<std::string>& words) const {
  std::ofstream file{dir_ / "words"};
  for (const auto& word : words) file << word << '\n';
}

std::unique_ptr<Vm> DriverTest::create(const std::vector<std::string>& words) {
  auto config = this->config();
  for (const auto& word : words) add_param(config.host.hypervisor_params, "fake", word);
  std::filesystem::create_directory(run_dir());
  return hypervisor_->create(config, "vm", run_dir());
}

std::unique_ptr<Vm> DriverTest::start(const std::vector<std::string>& words) {
  auto vm = create(words);
  vm->start(limit);
  return vm;
}

}  // namespace visor::sdk
