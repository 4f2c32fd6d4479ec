// SPDX-License-Identifier: Apache-2.0
// Memory and CPUs come, and go where QEMU lets them.
#include "machine.hpp"
#include "visor/sdk/device/cpu.hpp"
#include "visor/sdk/hotplug/plug.hpp"
#include "visor/sdk/qmp/commands/device.hpp"
#include "visor/sdk/qmp/unplug.hpp"

namespace visor::test {
namespace {

constexpr std::uint64_t module_size = 256U << 20U;  // what ppc64 wants a multiple of

class Memory : public MachineTest {
 protected:
  const sdk::MemoryBackend backend_{.id = "m0", .size_bytes = module_size};
  const sdk::PcDimm module_{.id = "dimm0", .memdev = "m0"};
};

TEST_P(Memory, AModuleComesAndWhatFailsLeavesNothing) {
  start();
  sdk::hotplug::plug(*client_, backend_, module_, plenty);
  EXPECT_TRUE(has_device("dimm0"));
  EXPECT_TRUE(has_object("m0"));
  const sdk::MemoryBackend odd{.id = "m1", .size_bytes = 1U << 20U};
  for (int i = 0; i < 2; ++i) {
    const auto error =
        error_of([&] { sdk::hotplug::plug(*client_, odd, sdk::PcDimm{.id = "dimm1", .memdev = "m1"}, plenty); });
    ASSERT_TRUE(error);
    EXPECT_NE(error->message().find("multiple of"), std::string::npos) << error->message();
    EXPECT_FALSE(has_object("m1"));
  }
  const auto again = error_of([&] { sdk::hotplug::plug(*client_, backend_, module_, plenty); });
  ASSERT_TRUE(again);
  EXPECT_NE(again->message().find("duplicate property 'm0'"), std::string::npos) << again->message();
  EXPECT_TRUE(has_object("m0"));
}

TEST_P(Memory, AModuleGoesWhereNoGuestIsAsked) {
  start();
  sdk::hotplug::plug(*client_, backend_, module_, plenty);
  if (GetParam().name != "ppc64le") {
    EXPECT_EQ(sdk::hotplug::unplug(*client_, module_, 300ms).outcome, UnplugOutcome::pending);
    EXPECT_TRUE(has_object("m0"));
    return;
  }
  EXPECT_EQ(sdk::hotplug::unplug(*client_, module_, plenty).outcome, UnplugOutcome::gone);
  EXPECT_FALSE(has_object("m0"));
  sdk::hotplug::plug(*client_, backend_, module_, plenty);
}

class NoMemory : public Memory {};

TEST_P(NoMemory, AModuleIsRefusedAndItsBackendRemoved) {
  start();
  const auto error = error_of([&] { sdk::hotplug::plug(*client_, backend_, module_, plenty); });
  ASSERT_TRUE(error);
  EXPECT_NE(error->message().find("'pc-dimm' is not a valid device model name"), std::string::npos);
  EXPECT_FALSE(has_object("m0"));
}

class FileMemory : public MachineTest {};

TEST_P(FileMemory, ComesAndStays) {
  start();
  sdk::Nvdimm nvdimm{.id = "nv0",
                     .backend_id = "m0",
                     .path = make_file("image", 2U << 20U),
                     .size_bytes = 2U << 20U,
                     .read_only = false};
  nvdimm.pmem = false;
  sdk::hotplug::plug(*client_, nvdimm, plenty);
  EXPECT_TRUE(has_device("nv0"));
  const auto report = sdk::qmp::unplug(*client_, "nv0", plenty);
  EXPECT_EQ(report.outcome, UnplugOutcome::refused);
  EXPECT_EQ(report.reason, "QEMU refused: nvdimm device hot unplug is not supported yet.");
  EXPECT_TRUE(has_device("nv0"));
}

class Cpus : public MachineTest {
 protected:
  /// The entry of a CPU that is not there yet.
  Value free_entry() {
    const auto list = client_->execute("query-hotpluggable-cpus", plenty);
    for (const auto& entry : list.as_list()) {
      if (!entry.find("qom-path")) return entry;
    }
    throw Error(Errc::not_found, "No CPU can be plugged");
  }
};

TEST_P(Cpus, OneComesByTheListedPropertiesAndGoesWhereItMay) {
  start();
  const auto entry = free_entry();
  const auto cpu = sdk::CpuDevice::from_entry(entry, "cpu1");
  cpu.validate();
  sdk::qmp::device_add(*client_, cpu.properties().to_value(), plenty);
  EXPECT_TRUE(has_device("cpu1"));
  EXPECT_THROW((void)free_entry(), Error);
  const auto twin = sdk::CpuDevice::from_entry(entry, "cpu2");
  EXPECT_TRUE(error_of([&] { sdk::qmp::device_add(*client_, twin.properties().to_value(), plenty); }));
  const auto report = sdk::qmp::unplug(*client_, "cpu1", plenty);
  const bool gone = GetParam().name == "ppc64le";
  EXPECT_EQ(report.outcome, gone ? UnplugOutcome::gone : UnplugOutcome::refused) << report.reason;
  EXPECT_EQ(has_device("cpu1"), !gone);
}

bool has_modules(const Machine& machine) { return machine.memory_modules; }
bool has_no_modules(const Machine& machine) { return !machine.memory_modules; }
bool has_cpus(const Machine& machine) { return machine.cpus; }
INSTANTIATE_TEST_SUITE_P(On, Memory, testing::ValuesIn(machines(has_modules)), name_of);
INSTANTIATE_TEST_SUITE_P(On, NoMemory, testing::ValuesIn(machines(has_no_modules)), name_of);
INSTANTIATE_TEST_SUITE_P(On, FileMemory, testing::ValuesIn(machines(is_amd64)), name_of);
INSTANTIATE_TEST_SUITE_P(On, Cpus, testing::ValuesIn(machines(has_cpus)), name_of);

}  // namespace
}  // namespace visor::test
