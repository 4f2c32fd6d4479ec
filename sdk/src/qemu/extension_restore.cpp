// SPDX-License-Identifier: Apache-2.0
// VMs that begin with what was saved, or with a template.
#include "extensions.hpp"
#include "qemu_vm.hpp"
#include "state/saved_folder.hpp"
#include "state/template_files.hpp"
#include "visor/core/error.hpp"

#include <filesystem>
#include <utility>

namespace visor::sdk {
namespace {

/// The folder was empty when it was given to this.
void empty_folder(const std::filesystem::path& folder) noexcept {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator{folder, error}) {
    std::filesystem::remove_all(entry.path(), error);
  }
}

class QemuRestore final : public RestoreExtension {
 public:
  explicit QemuRestore(std::shared_ptr<const Driver> driver) : driver_{std::move(driver)} {}

  std::unique_ptr<Vm> restore(const std::filesystem::path& source, const std::string& vm_id,
                              const std::filesystem::path& run_dir, bool ephemeral, const CallContext& call) override {
    call.check("a saved VM to be read");
    const auto folder = std::filesystem::absolute(source);
    auto manifest = read_manifest_file(folder);
    manifest.config.ephemeral = ephemeral;
    if (manifest.plugin != driver_->name()) {
      throw Error(Errc::unsupported, "The VM in " + folder.string() + " was saved by plugin " + manifest.plugin +
                                         ", not by " + driver_->name());
    }
    offered(*driver_, manifest.config).require(Feature::snapshot, driver_->name());
    check_needed_files(manifest.files);
    (void)open_state(folder, manifest);
    auto vm = create_vm(driver_, manifest.config, vm_id, run_dir);
    try {
      vm->note(saved_in, folder.string());
    } catch (...) {
      vm.reset();
      empty_folder(run_dir);
      throw;
    }
    return vm;
  }

  std::unique_ptr<Vm> clone(const VmConfig& config, const std::string& vm_id, const std::filesystem::path& run_dir,
                            const CallContext& call) override {
    if (!config.vm_template.from) {
      throw Error(Errc::invalid_config, "template.from: not set, and a clone begins with what a template has");
    }
    offered(*driver_, config).require(Feature::snapshot, driver_->name());
    auto vm = create_vm(driver_, config, vm_id, run_dir);
    try {
      (void)vm->find_state(call);
    } catch (...) {
      vm.reset();
      empty_folder(run_dir);
      throw;
    }
    return vm;
  }

 private:
  std::shared_ptr<const Driver> driver_;
};

}  // namespace

std::shared_ptr<RestoreExtension> make_restore_extension(std::shared_ptr<const Driver> driver) {
  return std::make_shared<QemuRestore>(std::move(driver));
}

}  // namespace visor::sdk
