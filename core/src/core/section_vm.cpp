// SPDX-License-Identifier: Apache-2.0
#include "describe_field.hpp"
#include "describe_sections.hpp"

namespace visor {

const Section& vm_config_section() {
  using namespace detail;  // NOLINT(google-build-using-namespace): core's own
  using V = VmConfig;
  static const auto table = make_section<V>(
      "vm", "A virtual machine.",
      {
          field<&V::name>("name", "Name shown to people."),
          field<&V::hypervisor>("hypervisor", "Plugin that runs it: qemu picks the one for `arch`.").admin(),
          field<&V::arch>("arch", "Guest architecture (amd64, arm64, ppc64le, s390x); not set: the host's."),
          field<&V::debug>("debug", "Makes hypervisor and guest kernel tell more."),
          field<&V::ephemeral>("ephemeral", "Ends the VM together with the program that started it."),
          section<&V::machine>("machine", machine_section()),
          section<&V::cpu>("cpu", cpu_section()),
          section<&V::memory>("memory", memory_section()),
          section<&V::boot>("boot", boot_section()),
          sections<&V::assets>("assets", asset_section(), "Files that take the place of configured ones."),
          section<&V::vm_template>("template", template_section()),
          section<&V::storage>("storage", storage_section()),
          section<&V::shared_fs>("shared_fs", shared_fs_section()),
          section<&V::network>("network", network_section()),
          section<&V::console>("console", console_section()),
          section<&V::ready>("ready", ready_section()),
          section<&V::policy>("policy", policy_section()),
          section<&V::host>("host", host_section()),
          field<&V::devices>("devices", "Devices, each with its `type`."),
      });
  return table;
}

bool is_config_field(std::string_view text) {
  if (text.find_first_of(" :") != std::string_view::npos) return false;
  return vm_config_section().find(text.substr(0, text.find_first_of(".["))) != nullptr;
}

}  // namespace visor
