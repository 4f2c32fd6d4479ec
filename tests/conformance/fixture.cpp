// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include "methods.hpp"
#include "support/left_over.hpp"
#include "visor/core/describe.hpp"
#include "visor/core/json.hpp"
#include "visor/runtime/plugin_registry.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace visor::conformance {
namespace {

std::string joined(const std::multiset<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += "\n  " + text;
  return all;
}

}  // namespace

std::shared_ptr<Hypervisor> load_hypervisor(const Subject& subject) {
  HostContext host;
  host.options = subject.options;
  PluginSearch search;
  search.use_environment = false;
  if (!subject.plugin_dir.empty()) search.directories = {subject.plugin_dir};
  PluginRegistry registry{std::move(host), search};
  return registry.open_hypervisor(subject.plugin);
}

ScratchFolder::ScratchFolder() {
  std::string name = "/tmp/visor-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw system_error("Cannot make a scratch folder", errno);
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::multiset<std::string> open_descriptors() {
  std::multiset<std::string> targets;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(entry.path(), error).string();
    if (error || target.starts_with("/proc/")) continue;
    // Numbers of pipes and sockets change; their count is what matters.
    targets.insert(target.substr(0, target.find(":[")));
  }
  return targets;
}

std::string error_of(Errc code, const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(to_string(error.code()), to_string(code)) << error.what();
    return error.code() == code ? error.message() : std::string{};
  }
  ADD_FAILURE() << "nothing was thrown where " << to_string(code) << " was expected";
  return {};
}

void Conformance::SetUp() {
  if (subject().missing) {
    if (const auto why = subject().missing(); !why.empty()) GTEST_SKIP() << why;
  }
  scratch_.emplace();
  descriptors_before_ = open_descriptors();
  hypervisor_ = load_hypervisor(subject());
}

void Conformance::TearDown() {
  if (!hypervisor_) return;
  end_all();
  hypervisor_.reset();
  EXPECT_EQ(joined(open_descriptors()), joined(descriptors_before_)) << "descriptors were leaked";
  // A VM's end may be seen before its last process is gone.
  EXPECT_EQ(test::left_processes(subject().call_limit), std::vector<std::string>{}) << "processes were left running";
  scratch_.reset();
}

void Conformance::end_all() {
  for (const auto& record : records_) {
    if (!claims(Feature::attach, record.config) || !std::filesystem::exists(record.run_dir / "record.json")) continue;
    const auto vm = hypervisor_->attach(record, quick());
    if (!std::filesystem::exists(record.run_dir)) continue;
    StopOptions options;
    options.force = true;
    vm->stop(options, quick());
  }
}

bool Conformance::claims(Feature feature) { return claims(feature, subject().config); }
bool Conformance::claims(Feature feature, const VmConfig& config) {
  return hypervisor().capabilities(config).has(feature);
}

std::filesystem::path Conformance::new_folder() {
  auto folder = scratch() / ("vm" + std::to_string(records_.size()));
  for (int i = 0; std::filesystem::exists(folder); ++i) folder += "-" + std::to_string(i);
  if (::mkdir(folder.c_str(), 0700) != 0) throw system_error("Cannot make a VM's folder", errno);
  return folder;
}

std::unique_ptr<Vm> Conformance::create() { return create(subject().config); }

std::unique_ptr<Vm> Conformance::create(const VmConfig& config) {
  const auto folder = new_folder();
  auto vm = hypervisor().create(config, folder.filename().string(), folder);
  records_.push_back(vm->record());
  return vm;
}

std::unique_ptr<Vm> Conformance::started() { return started(subject().config); }

std::unique_ptr<Vm> Conformance::started(const VmConfig& config) {
  auto vm = create(config);
  vm->start(quick());
  return vm;
}

std::unique_ptr<Vm> Conformance::ended(const Ending& ending, VmConfig config) {
  if (ending.prepare) ending.prepare(config);
  auto vm = started(config);
  if (ending.trigger) ending.trigger(*vm);
  vm->wait_exit(patient());
  return vm;
}

std::unique_ptr<Vm> Conformance::in_state(VmState state, VmConfig config) {
  switch (state) {
    case VmState::created:
      return create(config);
    case VmState::running:
      return started(config);
    case VmState::paused: {
      auto vm = create(config);
      vm->start(true, quick());
      return vm;
    }
    case VmState::stopped: {
      auto vm = started(config);
      vm->stop({.force = true}, quick());
      return vm;
    }
    case VmState::failed: {
      const auto* ending = failing_end(subject());
      return ending == nullptr ? nullptr : ended(*ending, std::move(config));
    }
    case VmState::undefined:
      break;
  }
  return nullptr;
}

std::unique_ptr<Vm> Conformance::in_table_state(VmState state, bool attached) {
  const auto config = table_config(subject(), scratch());
  if (attached && !claims(Feature::attach, config)) return nullptr;
  auto vm = in_state(state, config);
  if (!vm) std::puts("[   note   ] no way to a failed VM: not looked at");
  if (!vm || !attached) return vm;
  const auto record = vm->record();
  vm.reset();
  return hypervisor().attach(record, quick());
}

std::unique_ptr<Vm> Conformance::attach(const Vm& vm) { return hypervisor().attach(vm.record(), quick()); }

std::string Conformance::picture(Vm& vm) const {
  const auto status = vm.status(quick());
  return std::string{to_string(status.state)} + " " + status.detail + "\n" + to_json(to_value(vm.config(), true), 1) +
         "\n" + to_json(to_value(vm.record()), 1);
}

}  // namespace visor::conformance
