// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "subject.hpp"
#include "visor/core/call.hpp"
#include "visor/core/error.hpp"
#include "visor/core/hypervisor.hpp"
#include "visor/core/vm_record.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace visor::conformance {

/// A hypervisor loaded from its plugin, as every host program gets it.
std::shared_ptr<Hypervisor> load_hypervisor(const Subject& subject);

/// An empty folder of its own, removed with all that is in it. Its path is short enough for sockets.
class ScratchFolder {
 public:
  ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder();
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// What each descriptor of this process refers to, one text each; descriptors of the reader itself left out.
std::multiset<std::string> open_descriptors();

/// The message of the Error that a call must throw; "" and a test failure when it does not, or with another code.
std::string error_of(Errc code, const std::function<void()>& call);

/// A fresh plugin and folder for each test, and fresh VMs. At its end every VM that a test left is ended, and no file
/// descriptor and no descendant of this process may be left.
class Conformance : public ::testing::TestWithParam<Subject> {
 protected:
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] static const Subject& subject() { return GetParam(); }
  [[nodiscard]] Hypervisor& hypervisor() { return *hypervisor_; }
  [[nodiscard]] const std::filesystem::path& scratch() const { return scratch_->path(); }
  [[nodiscard]] CallContext quick() const { return subject().call_limit; }
  [[nodiscard]] CallContext patient() const { return subject().guest_limit; }
  [[nodiscard]] CallContext moment() const { return subject().moment; }

  /// Whether a VM of this configuration (by default the subject's) claims a feature.
  [[nodiscard]] bool claims(Feature feature);
  [[nodiscard]] bool claims(Feature feature, const VmConfig& config);

  /// A new private folder for a VM; its name is the id to use.
  std::filesystem::path new_folder();
  std::unique_ptr<Vm> create();
  std::unique_ptr<Vm> create(const VmConfig& config);
  std::unique_ptr<Vm> started();
  std::unique_ptr<Vm> started(const VmConfig& config);
  /// A VM brought into this state, or null when the subject has no way to.
  std::unique_ptr<Vm> in_state(VmState state, VmConfig config);
  /// The same with the configuration of the table of methods; `attached`: by a handle that found it there, or null when
  /// the plugin cannot attach.
  std::unique_ptr<Vm> in_table_state(VmState state, bool attached);
  /// A started VM that has come to its end in this way.
  std::unique_ptr<Vm> ended(const Ending& ending, VmConfig config);
  std::unique_ptr<Vm> attach(const Vm& vm);

  [[nodiscard]] VmState state_of(Vm& vm) const { return vm.status(quick()).state; }
  /// Everything about a VM that a refused call must leave as it was.
  [[nodiscard]] std::string picture(Vm& vm) const;

 private:
  void end_all();

  std::optional<ScratchFolder> scratch_;
  std::shared_ptr<Hypervisor> hypervisor_;
  std::vector<VmRecord> records_;
  std::multiset<std::string> descriptors_before_;
};

}  // namespace visor::conformance

// NOLINTBEGIN(bugprone-macro-parentheses): the arguments are names to be declared
/// Makes a test suite on the fixture run for every subject.
#define VISOR_CONFORMANCE_SUITE(suite)                                                                    \
  class suite : public ::visor::conformance::Conformance {};                                              \
  INSTANTIATE_TEST_SUITE_P(Conformance, suite, ::testing::ValuesIn(::visor::conformance::all_subjects()), \
                           [](const auto& test) { return test.param.name; })
// NOLINTEND(bugprone-macro-parentheses)

/// Leaves a test that needs a feature which the plugin does not claim.
#define VISOR_NEEDS(feature)                                                                  \
  if (!claims(feature))                                                                       \
  GTEST_SKIP() << subject().name << " does not claim " << ::visor::to_string(feature) << ": " \
               << hypervisor().capabilities(subject().config).reason(feature)

/// Leaves a test for which the subject describes no way.
#define VISOR_NEEDS_FROM_SUBJECT(member) \
  if (!subject().member) GTEST_SKIP() << subject().name << " describes no " #member
