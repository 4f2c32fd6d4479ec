# SPDX-License-Identifier: Apache-2.0
set(headers call capabilities describe device_config error events extension extensions file host host_context hypervisor
    json log owner_lock params plugin_abi problems qemu_arch qemu_caps unique_fd value vm vm_config vm_record vm_state)
set(sources assets boot_files call capabilities describe_check describe_codec describe_read describe_write device_config
    device_config_check error events file host interfaces json owner_lock params problems qemu_caps section_boot
    section_devices section_host section_machine section_vm units value vm_config vm_config_devices vm_record vm_state)
list(TRANSFORM headers PREPEND include/visor/core/)
list(TRANSFORM headers APPEND .hpp)
list(TRANSFORM sources PREPEND src/core/)
list(TRANSFORM sources APPEND .cpp)
visor_add_library(core SOURCES ${sources} HEADERS ${headers} LINK_PRIVATE nlohmann_json::nlohmann_json
  PkgConfig::nettle)
