// SPDX-License-Identifier: Apache-2.0
#include "describe_field.hpp"
#include "describe_sections.hpp"

namespace visor::detail {

const Section& boot_section() {
  using B = BootConfig;
  static const auto table = make_section<B>(
      "boot", "What the guest boots: a kernel, and either an image or an initrd.",
      {
          path<&B::kernel>("kernel", "Guest kernel."),
          path<&B::image>("image", "Disk image with the guest's root file system. Not together with `initrd`."),
          path<&B::initrd>("initrd", "Initial RAM disk that is the guest's whole root. Not together with `image`."),
          path<&B::early_initrd>("early_initrd",
                                 "Initial RAM disk that only loads modules and then switches to the image's root. It "
                                 "goes beside `image`."),
          path<&B::firmware>("firmware", "Firmware file; not set: the hypervisor's own."),
          path<&B::pflash>("pflash",
                           "Flash images, in the order of their units. A single one is written; of two the first is "
                           "code and only read, the second is written. arm64 takes two or none, ppc64le and s390x "
                           "none."),
          field<&B::kernel_params>(
              "kernel_params", "Kernel parameters, behind those of the plugin: the guest honours the last of a key."),
          field<&B::image_attachment>("image_attachment", "As what device the image is attached."),
          number<&B::root_partition>("root_partition", 0, 128,
                                     "Partition of the image that is the root; 0: the whole image."),
          field<&B::root_fs_type>("root_fs_type", "File system of the root."),
      });
  return table;
}

const Section& asset_section() {
  using A = CustomAsset;
  static const auto table = make_section<A>(
      "asset", "A file that takes the place of a configured one.",
      {
          field<&A::kind>("kind", "Which file it replaces.").needed(),
          path<&A::path>("path", "The file.").needed(),
          field<&A::sha512>("sha512",
                            "SHA-512 that the file must have, 128 lower-case hex digits; not set: not checked."),
      });
  return table;
}

const Section& template_section() {
  using T = TemplateConfig;
  static const auto table = make_section<T>(
      "template", "VM templates: a VM saved right after its boot, and VMs that start from it.",
      {
          field<&T::to_be>("to_be", "This VM becomes a template. Not together with `from`."),
          field<&T::from>("from", "This VM starts from a template."),
          path<&T::memory_path>("memory_path", "File with the template's memory; needed with `to_be` and with `from`."),
          path<&T::state_path>("state_path", "File with the template's device state; needed with `from`."),
      });
  return table;
}

const Section& ready_section() {
  using R = ReadyConfig;
  static const auto table = make_section<R>(
      "ready", "How the guest tells that it is ready.",
      {
          field<&R::port>("port", "Name of the serial port that the guest opens when it is ready."),
          field<&R::console_line>("console_line", "Text that a console line holds when the guest is ready."),
      });
  return table;
}

const Section& policy_section() {
  using P = PolicyConfig;
  static const auto table =
      make_section<P>("policy", "What happens when the guest ends.",
                      {
                          field<&P::on_reboot>("on_reboot", "When the guest resets the machine."),
                          field<&P::on_panic>("on_panic", "When the guest reports a kernel panic."),
                          field<&P::on_shutdown>("on_shutdown", "When the guest powers off."),
                      });
  return table;
}

}  // namespace visor::detail
