// SPDX-License-Identifier: Apache-2.0
#include "subject.hpp"

namespace visor::conformance {
namespace {

std::function<void(VmConfig&)> with_option(std::string key, std::string value) {
  return [key = std::move(key), value = std::move(value)](VmConfig& config) {
    config.host.hypervisor_params.push_back({key, value});
  };
}

std::optional<DeviceConfig> mock_device(Feature feature, const std::string& id, const std::filesystem::path& scratch) {
  switch (feature) {
    case Feature::hotplug_vsock:
      return VsockConfig{id, 3};
    case Feature::hotplug_vfio:
      return VfioConfig{id, "0000:01:00.0", {}};
    case Feature::hotplug_vhost_user: {
      VhostUserConfig device;
      device.id = id;
      device.socket = (scratch / (id + ".sock")).string();
      return device;
    }
    default:
      return default_device(feature, id, scratch);
  }
}

Subject mock() {
  Subject subject;
  subject.name = "mock";
  subject.plugin = "mock";
  auto& config = subject.config;
  config.hypervisor = "mock";
  config.cpu.count = 2;
  config.cpu.max_count = 4;
  config.memory.size_mib = 256;
  config.memory.max_size_mib = 1024;
  subject.moment = std::chrono::milliseconds{20};
  subject.console_text = "booted\n";
  subject.console_input = "hello\n";
  subject.console_answer = "hello\n";
  subject.console_after_end = true;
  subject.device = mock_device;
  subject.too_many_disks = 31;
  subject.endings = {
      {"PowerOff", ExitCause::guest_shutdown, with_option("mock.exit_after_ms", "0"), {}},
      {"PowerOffLater", ExitCause::guest_shutdown, with_option("mock.exit_after_ms", "30"), {}},
      {"Reset", ExitCause::guest_reset, with_option("mock.reset_after_ms", "0"), {}},
      {"Panic", ExitCause::guest_panic, with_option("mock.panic_after_ms", "0"), {}},
      {"Crash", ExitCause::signal, with_option("mock.crash_after_ms", "0"), {}},
      {"Error", ExitCause::exit_code, with_option("mock.error_after_ms", "0"), {}},
  };
  subject.with_readiness = [](VmConfig& changed) { changed.ready.console_line = "ready"; };
  subject.obeys_power_button = true;
  subject.without_readiness = [](VmConfig& changed) {
    changed.ready.console_line = "ready";
    changed.host.hypervisor_params.push_back({"mock.ready_after_ms", "never"});
  };
  subject.failing_start = with_option("mock.start", "die");
  subject.hanging_start = with_option("mock.start", "hang");
  subject.refusing_unplug = with_option("mock.unplug", "refuse");
  subject.silent_unplug = with_option("mock.unplug", "pending");
  return subject;
}

/// The same with as little claimed as the suite can do with: shows that what is not claimed is refused everywhere.
Subject mock_bare() {
  auto subject = mock();
  subject.name = "mock_bare";
  subject.options = {{"mock.without",
                      "add_device,wait_ready,pause,resume,hotplug_disk,hotplug_nic,hotplug_serial_port,hotplug_vsock,"
                      "hotplug_vfio,hotplug_vhost_user,resize_memory,shrink_memory,resize_vcpus,shrink_vcpus,console,"
                      "events,check,attach,thread_ids,pids,multi_queue,shared_fs,iommu,nvdimm"}};
  return subject;
}

/// A start that fails before there is anything: the VM is as it was.
Subject mock_refusing() {
  auto subject = mock();
  subject.name = "mock_refusing";
  subject.failing_start = with_option("mock.start", "fail");
  subject.options = {{"mock.without", "shrink_memory,shrink_vcpus"}};
  return subject;
}

}  // namespace

std::vector<Subject> mock_subjects() { return {mock(), mock_bare(), mock_refusing()}; }

}  // namespace visor::conformance
