# SPDX-License-Identifier: Apache-2.0
set(visor_sdk_qemu_headers include/visor/sdk/cloud_init.hpp include/visor/sdk/console.hpp include/visor/sdk/exit.hpp
    include/visor/sdk/gate.hpp include/visor/sdk/launch.hpp include/visor/sdk/qemu/arch_rules.hpp
    include/visor/sdk/qemu/qemu_plugin.hpp include/visor/sdk/vm_tracker.hpp)
set(visor_sdk_qemu_sources arch_rules caps/ask_caps caps/caps_cache caps/caps_codec caps/caps_source caps/nearest
    caps/probe_caps cloud_init driver_caps event_feed exit_cause extension_balloon extension_dump extension_migration
    extension_restore extension_snapshot extension_stats guest_address helpers last_console_line live_devices
    monitor_totals plan/allowed plan/check_caps plan/choices plan/host_needs plan/plan plan/plan_boot plan/plan_buses
    plan/plan_devices plan/plan_disks plan/plan_host_devices plan/plan_memory plan/plan_nets plan/plan_plug
    plan/plan_problems plan/plan_shares plan/plan_small_devices plan/raw_places prepared probe processes
    qemu_hypervisor qemu_vm qemu_vm_accelerator qemu_vm_connect qemu_vm_extensions qemu_vm_hotplug qemu_vm_resize
    qemu_vm_start qemu_vm_state qemu_vm_stop qmp_events resize/memory_steps resize/plugged_memory resize/vcpus session
    state/leave state/manifest state/saved_folder state/state_stream state/template_files tether unplug_watch
    vsock_cid)
list(TRANSFORM visor_sdk_qemu_sources PREPEND src/qemu/)
list(TRANSFORM visor_sdk_qemu_sources APPEND .cpp)
list(APPEND visor_sdk_qemu_sources src/cloud_init.cpp src/console.cpp src/exit.cpp src/gate.cpp src/launch.cpp
  src/vm_tracker.cpp)
