// SPDX-License-Identifier: Apache-2.0
// Run state, CPUs, memory and objects of each of the four QEMU programs.
#include "bare_qemu.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace visor::test {
namespace {

using namespace sdk::qmp;  // NOLINT(google-build-using-namespace): all of this file is about it

class QmpMachine : public EachQemu {
 protected:
  [[nodiscard]] bool is(const char* name) const { return GetParam().name == name; }
};
INSTANTIATE_TEST_SUITE_P(, QmpMachine, ::testing::ValuesIn(qemu_targets()), target_name);

TEST_P(QmpMachine, StartsPausedAndQuits) {
  const auto qemu =
      BareQemu::with_machine(GetParam(), {"-name", "vm-1", "-uuid", "8a2d5b52-6d55-4c5e-b6f5-0123456789ab"});
  auto& client = qemu->client();
  const auto status = query_status(client, qemu_limit);
  EXPECT_EQ(status.status, "prelaunch");
  EXPECT_FALSE(status.running);
  EXPECT_EQ(query_name(client, qemu_limit), "vm-1");
  EXPECT_EQ(query_uuid(client, qemu_limit), "8a2d5b52-6d55-4c5e-b6f5-0123456789ab");
  EXPECT_EQ(query_version(client, qemu_limit), client.version());
  quit(client, qemu_limit);
  EXPECT_EQ(qemu->wait_end(), 0) << qemu->stderr_text();
}

TEST_P(QmpMachine, TellsOfEachChangeBeforeItAnswers) {
  const auto qemu = BareQemu::with_machine(GetParam());
  auto& client = qemu->client();
  const auto events = client.subscribe({"STOP", "RESUME", "POWERDOWN"});
  const auto next = [&] {
    const auto event = events->try_next();
    return event ? event->name : "none";
  };
  stop(client, qemu_limit);  // it does not run yet
  EXPECT_EQ(next(), "none");
  cont(client, qemu_limit);
  EXPECT_EQ(next(), "RESUME");
  stop(client, qemu_limit);
  // A machine without an operating system may have stopped by itself: s390x panics.
  if (!is("s390x")) {
    EXPECT_EQ(next(), "STOP");
  }
  while (events->try_next()) continue;
  system_powerdown(client, qemu_limit);
  EXPECT_EQ(next(), "POWERDOWN");
  EXPECT_FALSE(query_status(client, qemu_limit).running);
  system_reset(client, qemu_limit);
  EXPECT_THROW(system_wakeup(client, qemu_limit), Error);
}

TEST_P(QmpMachine, CpusHaveThreadsAndTheIdsOfTheirArchitecture) {
  const auto qemu = BareQemu::with_machine(GetParam(), {"-smp", "2"});
  const auto cpus = query_cpus_fast(qemu->client(), qemu_limit);
  ASSERT_EQ(cpus.size(), 2U);
  for (const auto& cpu : cpus) {
    EXPECT_EQ(cpu.target, GetParam().name);
    EXPECT_GT(cpu.thread_id, 0);
    EXPECT_EQ(cpu.qom_path.find("/machine/"), 0U);
    EXPECT_TRUE(cpu.properties.core);
    EXPECT_EQ(cpu.properties.socket.has_value(), is("x86_64") || is("aarch64"));
    EXPECT_EQ(cpu.properties.cluster.has_value(), is("aarch64"));
    EXPECT_EQ(cpu.s390_state.empty(), !is("s390x"));
  }
  EXPECT_NE(cpus[0].index, cpus[1].index);
}

TEST_P(QmpMachine, FreePlacesForCpusTakeWhatTheyList) {
  const auto qemu = BareQemu::with_machine(GetParam(), {"-smp", "1,maxcpus=2"});
  auto& client = qemu->client();
  const auto places = query_hotpluggable_cpus(client, qemu_limit);
  if (is("aarch64")) {
    EXPECT_EQ(places, std::nullopt);
    return;
  }
  ASSERT_TRUE(places);
  ASSERT_EQ(places->size(), 2U);
  const auto free = std::find_if(places->begin(), places->end(), [](const auto& it) { return !it.qom_path; });
  ASSERT_NE(free, places->end());
  EXPECT_EQ(free->vcpus, 1U);
  EXPECT_EQ(std::count_if(places->begin(), places->end(), [](const auto& it) { return !!it.qom_path; }), 1);
  auto device = Value::map({{"driver", free->type}, {"id", "cpu-1"}});
  const auto ids = free->properties.to_value();
  for (const auto& [name, id] : ids.as_map()) device.set(name, id);
  EXPECT_EQ(check_properties(device, device_list_properties(client, free->type, qemu_limit)),
            std::vector<std::string>{});
  (void)client.execute("device_add", device, qemu_limit);
  EXPECT_EQ(query_cpus_fast(client, qemu_limit).size(), 2U);
}

TEST_P(QmpMachine, MemoryDevicesAreOfTheirKind) {
  if (is("aarch64") || is("s390x")) {  // needs firmware, or has none
    const auto qemu = BareQemu::with_machine(GetParam());
    EXPECT_TRUE(query_memory_devices(qemu->client(), qemu_limit).empty());
    return;
  }
  const auto qemu = BareQemu::with_machine(GetParam(), {"-m", "256,slots=2,maxmem=1G"});
  auto& client = qemu->client();
  (void)client.execute("object-add",
                       Value::map({{"qom-type", "memory-backend-ram"}, {"id", "m0"}, {"size", 256 << 20}}), qemu_limit);
  (void)client.execute("device_add", Value::map({{"driver", "pc-dimm"}, {"id", "d0"}, {"memdev", "m0"}}), qemu_limit);
  const auto devices = query_memory_devices(client, qemu_limit);
  ASSERT_EQ(devices.size(), 1U);
  EXPECT_EQ(devices[0].type, "dimm");
  EXPECT_EQ(devices[0].id, "d0");
  EXPECT_EQ(devices[0].memory_backend, "/objects/m0");
  EXPECT_EQ(devices[0].size_bytes, 256U << 20U);
  EXPECT_EQ(devices[0].hotpluggable, true);
  EXPECT_TRUE(devices[0].address && devices[0].slot && devices[0].node && devices[0].hotplugged);
  const auto size = query_memory_size_summary(client, qemu_limit);
  EXPECT_EQ(size.base_bytes, 256U << 20U);
  EXPECT_EQ(size.plugged_bytes, 256U << 20U);
}

/// A machine that only one target has.
std::unique_ptr<BareQemu> x86_machine(const std::string& machine, std::vector<std::string> arguments) {
  auto target = qemu_targets().front();
  if (qemu_program(target).empty()) return nullptr;
  target.machine = machine;
  return BareQemu::with_machine(target, std::move(arguments));
}

TEST(QmpMachineX86, MicrovmHasNoPlacesForCpus) {
  const auto qemu = x86_machine("microvm", {"-smp", "1,maxcpus=2"});
  if (!qemu) GTEST_SKIP() << "qemu-system-x86_64 is not installed";
  EXPECT_EQ(query_hotpluggable_cpus(qemu->client(), qemu_limit), std::nullopt);
  EXPECT_EQ(query_cpus_fast(qemu->client(), qemu_limit).size(), 1U);
}

TEST(QmpMachineX86, EachKindOfMemoryDeviceHasItsMembers) {
  const TestFolder folder;
  const auto qemu =
      x86_machine("q35,nvdimm=on", {"-m", "256,slots=4,maxmem=2G", "-object",
                                    "memory-backend-file,id=n,size=128M,mem-path=" + folder.file("n"), "-device",
                                    "nvdimm,id=n0,memdev=n", "-object", "memory-backend-ram,id=v,size=256M", "-device",
                                    "virtio-mem-pci,id=v0,memdev=v,requested-size=64M", "-object",
                                    "memory-backend-file,id=p,share=on,size=128M,mem-path=" + folder.file("p"),
                                    "-device", "virtio-pmem-pci,id=p0,memdev=p"});
  if (!qemu) GTEST_SKIP() << "qemu-system-x86_64 is not installed";
  std::map<std::string, MemoryDevice> by_id;
  for (const auto& device : query_memory_devices(qemu->client(), qemu_limit)) by_id[device.id.value_or("")] = device;
  ASSERT_EQ(by_id.size(), 3U);
  EXPECT_EQ(by_id["n0"].type, "nvdimm");
  EXPECT_EQ(by_id["n0"].hotplugged, false);
  EXPECT_TRUE(by_id["n0"].slot);
  const auto& virtio = by_id["v0"];
  EXPECT_EQ(virtio.type, "virtio-mem");
  EXPECT_EQ(virtio.size_bytes, 0U);  // no driver in the guest takes it
  EXPECT_EQ(virtio.requested_bytes, 64U << 20U);
  EXPECT_EQ(virtio.max_bytes, 256U << 20U);
  EXPECT_GT(virtio.block_bytes.value_or(0), 0U);
  EXPECT_FALSE(virtio.slot);
  qom_set(qemu->client(), "v0", "requested-size", std::uint64_t{128} << 20U, qemu_limit);
  EXPECT_EQ(qom_get(qemu->client(), "v0", "requested-size", qemu_limit), Value{128 << 20});
  EXPECT_EQ(by_id["p0"].type, "virtio-pmem");
  EXPECT_EQ(by_id["p0"].size_bytes, 128U << 20U);
  EXPECT_TRUE(by_id["p0"].address);
}

TEST_P(QmpMachine, ObjectsKeep64Bits) {
  constexpr auto max_bytes = std::numeric_limits<std::int64_t>::max();
  const auto qemu = BareQemu::with_machine(
      GetParam(), {"-device", "virtio-rng-" + GetParam().transport + ",id=r0,max-bytes=" + std::to_string(max_bytes)});
  auto& client = qemu->client();
  EXPECT_TRUE(qom_get(client, "/machine", "type", qemu_limit).is_string());
  EXPECT_EQ(qom_get(client, "r0", "max-bytes", qemu_limit), Value{max_bytes});
  bool listed = false;
  for (const auto& property : qom_list(client, "/machine/peripheral/r0", qemu_limit)) {
    listed = listed || (property.name == "max-bytes" && property.type == "uint64");
  }
  EXPECT_TRUE(listed);
  EXPECT_THROW(qom_set(client, "r0", "max-bytes", 1, qemu_limit), Error);  // it is realized
  EXPECT_EQ(qom_get(client, "r0", "max-bytes", qemu_limit), Value{max_bytes});
  const auto nowhere =
      client.call({.name = "qom-get", .arguments = Value::map({{"path", "nosuch"}, {"property", "x"}})}, qemu_limit);
  EXPECT_TRUE(nowhere.refused(ErrorClass::device_not_found));
}

TEST_P(QmpMachine, BalloonIsAskedOfTheDevice) {
  const auto without = BareQemu::with_machine(GetParam());
  EXPECT_TRUE(balloon(without->client(), 128 << 20, qemu_limit).refused(ErrorClass::device_not_active));
  EXPECT_EQ(query_balloon(without->client(), qemu_limit), std::nullopt);
  const auto with = BareQemu::with_machine(GetParam(), {"-device", "virtio-balloon-" + GetParam().transport});
  EXPECT_TRUE(balloon(with->client(), 128 << 20, qemu_limit).ok());
  EXPECT_EQ(query_balloon(with->client(), qemu_limit), 256U << 20U);  // no driver in the guest follows
  EXPECT_TRUE(balloon(with->client(), std::numeric_limits<std::int64_t>::max(), qemu_limit).ok());
}

}  // namespace
}  // namespace visor::test
