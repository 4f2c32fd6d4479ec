// SPDX-License-Identifier: Apache-2.0
// Which program a VM is started with, and what is said when there is none.
#include "fixture.hpp"
#include "qemu-amd64/amd64_arch.hpp"
#include "support/in_path.hpp"
#include "visor/core/params.hpp"
#include "visor/sdk/qemu/qemu_plugin.hpp"

#include <cstdlib>
#include <filesystem>
#include <utility>

namespace visor::sdk {
namespace {

/// The facts of amd64, but its QEMU has another name and comes with another package.
class RenamedArch final : public QemuArch {
 public:
  explicit RenamedArch(std::string binary) : binary_{std::move(binary)} {}
  [[nodiscard]] std::string_view name() const override { return amd64_.name(); }
  [[nodiscard]] std::string_view default_machine() const override { return amd64_.default_machine(); }
  [[nodiscard]] std::vector<QemuMachine> machines() const override { return amd64_.machines(); }
  [[nodiscard]] std::string_view binary() const override { return binary_; }
  [[nodiscard]] std::string_view package() const override { return "qemu-for-tests"; }
  [[nodiscard]] std::vector<QemuOption> machine_options(const ArchInput& in) const override {
    return amd64_.machine_options(in);
  }
  [[nodiscard]] std::string cpu_model(const ArchInput& in) const override { return amd64_.cpu_model(in); }
  [[nodiscard]] std::uint32_t max_vcpus(const ArchInput& in) const override { return amd64_.max_vcpus(in); }
  [[nodiscard]] SmpTopology smp(const ArchInput& in) const override { return amd64_.smp(in); }
  [[nodiscard]] MemoryTopology memory(const ArchInput& in) const override { return amd64_.memory(in); }
  [[nodiscard]] BusLayout buses(const ArchInput& in) const override { return amd64_.buses(in); }
  [[nodiscard]] ImagePlan image(const ArchInput& in) const override { return amd64_.image(in); }
  [[nodiscard]] FirmwarePlan firmware(const ArchInput& in) const override { return amd64_.firmware(in); }
  [[nodiscard]] Params kernel_params(const ArchInput& in) const override { return amd64_.kernel_params(in); }
  [[nodiscard]] ConsolePlan console(const ArchInput& in) const override { return amd64_.console(in); }
  [[nodiscard]] DeviceChoices devices(const ArchInput& in) const override { return amd64_.devices(in); }
  [[nodiscard]] std::vector<QemuOption> globals(const ArchInput& in) const override { return amd64_.globals(in); }
  [[nodiscard]] MigrationRules migration(const ArchInput& in) const override { return amd64_.migration(in); }
  [[nodiscard]] Capabilities capabilities(const ArchInput& in) const override { return amd64_.capabilities(in); }
  void validate(const ArchInput& in) const override { amd64_.validate(in); }

 private:
  amd64::Amd64Arch amd64_;
  std::string binary_;
};

class FindTest : public DriverTest {
 protected:
  static HostContext without_cache() {
    HostContext host;
    add_param(host.options, "caps_cache_dir", "off");
    return host;
  }
  /// The error of making a VM whose QEMU has this name.
  Error error_with(const std::string& binary, const VmConfig& config) {
    const auto hypervisor = make_qemu_hypervisor(without_cache(), std::make_unique<RenamedArch>(binary));
    std::filesystem::create_directory(run_dir());
    return error_of([&] { (void)hypervisor->create(config, "vm", run_dir()); });
  }
};

TEST_F(FindTest, NoQemuAnywhereNamesThePackage) {
  auto config = this->config();
  config.host.hypervisor_path.clear();
  const auto error = error_with("qemu-system-nowhere", config);
  EXPECT_EQ(to_string(error.code()), "not_found");
  EXPECT_NE(error.message().find("qemu-system-nowhere"), std::string::npos) << error.what();
  EXPECT_NE(error.message().find("Debian's package qemu-for-tests"), std::string::npos) << error.what();
  EXPECT_NE(error.message().find("host.hypervisor_path"), std::string::npos) << error.what();
  EXPECT_TRUE(std::filesystem::is_empty(run_dir()));
}

TEST_F(FindTest, AConfiguredProgramIsNotLookedForElsewhere) {
  auto config = this->config();
  config.host.hypervisor_path = "/nonexistent/qemu";
  const auto error = error_with("sh", config);
  EXPECT_EQ(to_string(error.code()), "not_found");
  EXPECT_NE(error.message().find("host.hypervisor_path: /nonexistent/qemu"), std::string::npos) << error.what();
}

TEST_F(FindTest, AProgramThatTheHostDoesNotAllowIsRefused) {
  auto config = this->config();
  config.host.allowed_hypervisor_paths = {"/usr/bin/qemu-*"};
  const auto error = error_with("sh", config);
  EXPECT_EQ(to_string(error.code()), "permission_denied");
  EXPECT_NE(error.message().find("allowed_hypervisor_paths"), std::string::npos) << error.what();
}

TEST_F(FindTest, AFolderInThePathIsEnough) {
  auto config = this->config();
  config.host.hypervisor_path.clear();
  const std::filesystem::path fake{VISOR_TEST_FAKE_QEMU};
  const test::InPath with_fake{fake.parent_path()};
  const auto hypervisor = make_qemu_hypervisor(without_cache(), std::make_unique<RenamedArch>(fake.filename()));
  std::filesystem::create_directory(run_dir());
  EXPECT_EQ(hypervisor->create(config, "vm", run_dir())->status(limit).state, VmState::created);
}

}  // namespace
}  // namespace visor::sdk
