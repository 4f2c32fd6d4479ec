// SPDX-License-Identifier: Apache-2.0
#include "device_case.hpp"
#include "visor/sdk/device/boot.hpp"
#include "visor/sdk/device/cpu.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/machine.hpp"
#include "visor/sdk/device/memory.hpp"
#include "visor/sdk/device/pci.hpp"

namespace visor::sdk {
namespace {

DeviceCase machine() {
  return {kit_of<Machine>(),
          {"type"},
          {{"type", "q35", "-machine q35"},
           {"accelerator", "kvm:tcg", "accel=kvm:tcg"},
           {"memory_backend", "m0", "memory-backend=m0"},
           {"kernel_irqchip", "split", "kernel_irqchip=split"},
           {"gic_version", "max", "gic-version=max"},
           {"iommu", "smmuv3", "iommu=smmuv3"},
           {"nvdimm", true, "nvdimm=on"},
           {"usb", false, "usb=off"},
           {"graphics", false, "graphics=off"},
           {"options", Value::list({"hpet=off", "x=a=b"}), "hpet=off,x=a=b"}}};
}

std::vector<DeviceCase> processors() {
  return {{kit_of<CpuModel>(), {"model"}, {{"model", "max,-svm", "-cpu max,-svm"}}},
          {kit_of<CpuDevice>([](CpuDevice& cpu, std::size_t) { cpu.props = {{"core-id", 1}}; }),
           {"id", "driver"},
           {{"id", "cpu1", "id=cpu1,core-id=1"}, {"driver", "qemu64-x86_64-cpu", "-device qemu64-x86_64-cpu"}}},
          {kit_of<Smp>(),
           {},
           {{"cpus", 4, "cpus=4"},
            {"max_cpus", 8, "maxcpus=8"},
            {"sockets", 2, "sockets=2"},
            {"dies", 1, "dies=1"},
            {"cores", 4, "cores=4"},
            {"threads", 1, "threads=1", {"cpus", "cores", "sockets", "max_cpus"}, {}, {3}}}}};
}

std::vector<DeviceCase> numa() {
  return {{kit_of<GuestMemory>(),
           {"size_mib"},
           {{"size_mib", 512, "size=512M"},
            {"slots", 2, "slots=2", {"max_mib"}},
            {"max_mib", 1024, "maxmem=1024M", {}, {}, {511}}}},
          {kit_of<NumaNode>(),
           {},
           {{"node", 1, "nodeid=1"},
            {"memdev", "m0", "memdev=m0"},
            {"first_cpu", 2, "cpus=2"},
            {"last_cpu", 3, "cpus=2-3", {"first_cpu"}, {}, {1}}}},
          {kit_of<NumaDistance>(),
           {"distance", "to"},
           {{"from", 3, "-numa dist,src=3"}, {"to", 2, "dst=2"}, {"distance", 20, "val=20", {}, {}, {10}}}}};
}

std::vector<DeviceCase> boot() {
  return {
      {kit_of<Kernel>(),
       {"path"},
       {{"path", "/k,v", "-kernel /k,v"}, {"initrd", "/i", "-initrd /i"}, {"params", "a=b,c d", "-append a=b,c d"}}},
      {kit_of<Bios>(), {"path"}, {{"path", "/b", "-bios /b"}}},
      {kit_of<Pflash>(),
       {"path"},
       {{"path", "/a,b", "-drive if=pflash,format=raw,file=/a,,b"},
        {"read_only", true, "-drive if=pflash,format=raw,readonly=on,file=/a,,b"}}},
      {kit_of<FwCfg>(),
       {"name", "file"},
       {{"name", "opt/a,b", "-fw_cfg name=opt/a,,b", {}, {}, {"etc/x", "opt/", "opt/a b", "opt/\xc3\xa4"}},
        {"file", "/f", "file=/f"},
        {"text", "a,b", "string=a,,b", {}, {"file"}}}},
      {kit_of<Loader>(),
       {"id", "file"},
       {{"id", "l0", "-device loader,id=l0"},
        {"file", "/f", "file=/f"},
        {"address", 4096, "addr=4096"},
        {"data", 7, "data=7", {"address", "data_bytes"}, {"file"}},
        {"data_bytes", 4, "data-len=4", {"address", "data"}, {"file"}},
        {"data_big_endian", true, "data-be=on", {"address", "data", "data_bytes"}, {"file"}},
        {"raw", true, "force-raw=on"},
        {"cpu", 0, "cpu-num=0"}}},
      {kit_of<Incoming>(choose<&Incoming::kind, Incoming>),
       {"fd", "path", "port"},
       {{"fd", "7", "-incoming fd:7"},
        {"path", "/s", "-incoming unix:/s"},
        {"host", "::1", "-incoming tcp:[::1]:44", {}, {}, {"a,b", "[::1]", "a b"}},
        {"port", 44, "-incoming tcp::44"},
        {"command", "cat"}}},
  };
}

std::vector<FieldCase> reserves() {
  return with_place({{"bus_reserve", 2, "bus-reserve=2"},
                     {"pref64_reserve_bytes", 1048576, "pref64-reserve=1048576"},
                     {"pref32_reserve_bytes", 1048576, "pref32-reserve=1048576"},
                     {"mem_reserve_bytes", 0, "mem-reserve=0"},
                     {"io_reserve_bytes", 4096, "io-reserve=4096"}});
}

std::vector<DeviceCase> buses() {
  auto bridge = reserves();
  bridge.insert(bridge.begin(), {{"id", "b0", "id=b0"}, {"chassis", 3, "chassis_nr=3"}, {"shpc", false, "shpc=off"}});
  auto port = reserves();
  port.insert(port.begin(), {{"id", "rp0", "id=rp0"},
                             {"chassis", 1, "chassis=1"},
                             {"slot", 2, "slot=2"},
                             {"multifunction", true, "multifunction=on"},
                             {"hotplug", false, "hotplug=off"}});
  return {{kit_of<PciBridge>(choose<&PciBridge::kind, PciBridge>), {"id", "chassis"}, bridge},
          {kit_of<PcieRootPort>(), {"id"}, port},
          {kit_of<IntelIommu>(),
           {"id"},
           {{"id", "i0", "-device intel-iommu,id=i0"},
            {"interrupt_remapping", "on", "intremap=on"},
            {"device_iotlb", true, "device-iotlb=on"},
            {"caching_mode", true, "caching-mode=on"},
            {"address_bits", 48, "aw-bits=48", {}, {}, {40}}}},
          {kit_of<VirtioIommu>(),
           {"id"},
           with_place({{"id", "i0", "-device virtio-iommu-pci,id=i0"}, {"boot_bypass", false, "boot-bypass=off"}})}};
}

}  // namespace

std::vector<DeviceCase> machine_cases() {
  std::vector<DeviceCase> all{machine()};
  for (auto* part : {processors, numa, boot, buses}) {
    for (auto& one : part()) all.push_back(std::move(one));
  }
  return all;
}

std::vector<DeviceCase> memory_cases() {
  return {
      {kit_of<MemoryBackend>(choose<&MemoryBackend::kind, MemoryBackend>),
       {"id", "size_bytes", "path"},
       {{"id", "m0", "id=m0"},
        {"path", "/f", "mem-path=/f"},
        {"size_bytes", 4096, "size=4096"},
        {"share", true, "share=on"},
        {"prealloc", true, "prealloc=on"},
        {"prealloc_threads", 2, "prealloc-threads=2", {"prealloc"}},
        {"reserve", false, "reserve=off"},
        {"dump", false, "dump=off"},
        {"merge", true, "merge=on"},
        {"huge_pages", true, "hugetlb=on"},
        {"huge_page_bytes", 2097152, "hugetlbsize=2097152", {"huge_pages"}},
        {"read_only", true, "readonly=on"},
        {"discard_data", true, "discard-data=on"},
        {"pmem", true, "pmem=on"},
        {"align_bytes", 4096, "align=4096"}}},
      {kit_of<PcDimm>(),
       {"id", "memdev"},
       {{"id", "d0", "id=d0"},
        {"memdev", "m0", "memdev=m0"},
        {"node", 1, "node=1"},
        {"slot", 0, "slot=0"},
        {"address", 4294967296U, "addr=4294967296"}}},
      {kit_of<Nvdimm>(),
       {"id", "backend_id", "path", "size_bytes"},
       {{"id", "n0", "id=n0"},
        {"backend_id", "m0", "memdev=m0"},
        {"path", "/f", "mem-path=/f"},
        {"size_bytes", 1048576, "size=1048576"},
        {"read_only", false, "unarmed=off"},
        {"share", false, "share=off"},
        {"pmem", true, "pmem=on"},
        {"label_bytes", 131072, "label-size=131072", {}, {}, {1048576}},
        {"slot", 1, "slot=1"},
        {"node", 1, "node=1"},
        {"address", 4096, "addr=4096"}}},
      {kit_of<VirtioMem>(),
       {"id", "memdev"},
       with_place({{"id", "v0", "id=v0"},
                   {"memdev", "m0", "memdev=m0"},
                   {"requested_bytes", 4194304, "requested-size=4194304", {"block_bytes"}, {}, {1048577}},
                   {"block_bytes", 2097152, "block-size=2097152"},
                   {"node", 0, "node=0"},
                   {"address", 4096, "memaddr=4096"},
                   {"prealloc", true, "prealloc=on"}})},
      {kit_of<VirtioBalloon>(),
       {"id"},
       with_place({{"id", "b0", "id=b0"},
                   {"deflate_on_oom", true, "deflate-on-oom=on"},
                   {"free_page_reporting", true, "free-page-reporting=on"},
                   {"free_page_hint", true, "free-page-hint=on", {"iothread"}},
                   {"iothread", "io0", "iothread=io0"}})},
  };
}

}  // namespace visor::sdk
