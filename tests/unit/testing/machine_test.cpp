// SPDX-License-Identifier: Apache-2.0
// Run state, devices and vCPUs of the fake QEMU. The texts were measured on QEMU 7.2.
#include "machine_fixture.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace visor::testing {
namespace {

using RunState = MachineTest;
using Plug = MachineTest;
using Vcpus = MachineTest;
using Profiles = MachineTest;

const std::string gone = "DEVICE_DELETED ";

TEST_F(RunState, GoesThroughItsStates) {
  boot({"-S"});
  EXPECT_EQ(ask("query-status"), R"({"status":"prelaunch","singlestep":false,"running":false})");
  EXPECT_EQ(ask("stop"), "{}");
  EXPECT_EQ(before(), "");
  EXPECT_EQ(ask("cont"), "{}");
  EXPECT_EQ(before(), "RESUME\n");
  EXPECT_EQ(ask("cont"), "{}");
  EXPECT_EQ(before(), "");
  EXPECT_EQ(ask("stop"), "{}");
  EXPECT_EQ(before(), "STOP\n");
  EXPECT_EQ(ask("system_reset"), "{}");
  EXPECT_EQ(before(), "RESET {\"guest\":false,\"reason\":\"host-qmp-system-reset\"}\n");
  EXPECT_EQ(ask("query-status"), R"({"status":"prelaunch","singlestep":false,"running":false})");
  EXPECT_EQ(ask("quit"), "{}");
  EXPECT_EQ(before(), "SHUTDOWN {\"guest\":false,\"reason\":\"host-qmp-quit\"}\n");
  EXPECT_TRUE(machine().has_ended());
}

TEST_F(RunState, PowersOffOnlyWhenAGuestRuns) {
  boot({"-S"});
  EXPECT_EQ(ask("system_powerdown"), "{}");
  EXPECT_EQ(before() + after(), "POWERDOWN\n");
  boot({});
  EXPECT_EQ(ask("system_powerdown", "", Obedience::ignore), "{}");
  EXPECT_EQ(before() + after(), "POWERDOWN\n");
  EXPECT_EQ(ask("system_powerdown"), "{}");
  EXPECT_EQ(before(), "POWERDOWN\n");
  EXPECT_EQ(after(), "SHUTDOWN {\"guest\":true,\"reason\":\"guest-shutdown\"}\n");
  EXPECT_TRUE(machine().has_ended());
}

/// A migration through a descriptor, as MIGRATION and the run state tell it.
class Moves : public MachineTest {
 protected:
  void give(int fd) {
    machine().receive(UniqueFd{::dup(fd)});
    EXPECT_EQ(ask("getfd", R"({"fdname":"m"})"), "{}");
  }
  std::string status() { return parse_json(ask("query-migrate")).at("status").as_string(); }
};

TEST_F(Moves, GoThroughADescriptorToAnotherMachine) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const UniqueFd reader{pipe[0]};
  UniqueFd writer{pipe[1]};
  boot({"-m", "64"});
  EXPECT_EQ(ask("query-migrate"), "{}");
  EXPECT_EQ(ask("migrate", R"({"uri":"fd:m"})"), "File descriptor named 'm' has not been found");
  EXPECT_EQ(ask("migrate-incoming", R"({"uri":"fd:m"})"), "'-incoming' was not specified on the command line");
  EXPECT_EQ(ask("migrate-set-capabilities", R"({"capabilities":[{"capability":"events","state":true}]})"), "{}");
  give(writer.get());
  writer.reset();
  EXPECT_EQ(ask("migrate", R"({"uri":"fd:m"})"), "{}");
  EXPECT_EQ(before(),
            "MIGRATION {\"status\":\"setup\"}\nMIGRATION {\"status\":\"active\"}\n"
            "MIGRATION {\"status\":\"completed\"}\nSTOP\n");
  EXPECT_EQ(ask("query-status"), R"({"status":"postmigrate","singlestep":false,"running":false})");
  EXPECT_EQ(ask("migrate", R"({"uri":"fd:m"})"), "Can't migrate the vm that was paused due to previous migration");

  boot({"-m", "64", "-S", "-incoming", "defer"});
  EXPECT_EQ(ask("query-status"), R"({"status":"inmigrate","singlestep":false,"running":false})");
  give(reader.get());
  EXPECT_EQ(ask("migrate-incoming", R"({"uri":"fd:m"})"), "{}");
  EXPECT_EQ(status(), "completed");
  EXPECT_EQ(ask("query-status"), R"({"status":"paused","singlestep":false,"running":false})");
}

TEST_F(Moves, WhatIsOfAnotherMachineEndsIt) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const UniqueFd reader{pipe[0]};
  UniqueFd writer{pipe[1]};
  boot({"-m", "64"});
  give(writer.get());
  writer.reset();
  EXPECT_EQ(ask("migrate", R"({"uri":"fd:m"})"), "{}");
  boot({"-m", "128", "-S", "-incoming", "defer"});
  give(reader.get());
  EXPECT_EQ(ask("migrate-incoming", R"({"uri":"fd:m"})"), "{}");
  EXPECT_TRUE(machine().has_ended());
  EXPECT_TRUE(machine().has_failed());
}

TEST_F(Moves, OneThatStallsIsCalledOffAndOneThatIsBlockedSaysWhy) {
  const UniqueFd nowhere{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  boot({});
  give(nowhere.get());
  EXPECT_EQ(ask("migrate", R"({"uri":"fd:m"})", Obedience::ignore), "{}");
  EXPECT_EQ(status(), "active");
  EXPECT_EQ(ask("migrate", R"({"uri":"fd:m"})"), "There's a migration process in progress");
  EXPECT_EQ(ask("migrate_cancel"), "{}");
  EXPECT_EQ(status(), "cancelled");
  EXPECT_EQ(ask("query-status"), R"({"status":"running","singlestep":false,"running":true})");
  boot({"-fake", "blocked=a folder is mounted"});
  EXPECT_EQ(ask("query-migrate"), R"({"blocked-reasons":["a folder is mounted"]})");
  EXPECT_EQ(ask("migrate", R"({"uri":"fd:m"})"), "a folder is mounted");
}

TEST_F(RunState, RefusesWhatItDoesNotKnow) {
  boot({});
  EXPECT_EQ(ask("query-block"), "CommandNotFound: The command query-block has not been found");
  EXPECT_EQ(ask("stop", R"({"x":1})"), "Parameter 'x' is unexpected");
  EXPECT_EQ(ask("stop", "[]"), "QMP input member 'arguments' must be an object");
  EXPECT_EQ(ask("qmp_capabilities", R"({"enable":["bogus"]})"), "Parameter 'null' does not accept value 'bogus'");
  EXPECT_EQ(ask("quit", "", Obedience::ignore), "{}");
  EXPECT_FALSE(machine().has_ended());
}

TEST_F(RunState, AnswersQuestionsAboutItsCommandLine) {
  boot({"-name", "guest=vm0,process=x", "-uuid", "u", "-machine", "pseries,accel=tcg", "-m", "size=1G,slots=2"});
  EXPECT_EQ(ask("query-name"), R"({"name":"vm0"})");
  EXPECT_EQ(ask("query-uuid"), R"({"UUID":"u"})");
  EXPECT_EQ(ask("query-target"), R"({"arch":"ppc64"})");
  EXPECT_EQ(ask("query-memory-size-summary"), R"({"base-memory":1073741824,"plugged-memory":0})");
  EXPECT_EQ(ask("query-version"), R"({"qemu":{"micro":22,"minor":2,"major":7},"package":"fake"})");
  EXPECT_EQ(ask("query-kvm"), R"({"enabled":false,"present":false})");
  EXPECT_EQ(ask("query-migrate"), "{}");
  EXPECT_NE(ask("query-commands").find(R"({"name":"device_add"})"), std::string::npos);
}

TEST_F(Plug, TellsOfAProxyTwiceAfterTheAnswer) {
  boot({"-machine", "q35", "-device", "pcie-root-port,id=rp0"});
  EXPECT_EQ(ask("device_add", R"({"driver":"virtio-rng-pci","id":"r0","bus":"rp0"})"), "{}");
  EXPECT_EQ(ask("device_del", R"({"id":"r0"})"), "{}");
  EXPECT_EQ(before(), "");
  EXPECT_EQ(after(), gone + "{\"path\":\"/machine/peripheral/r0/virtio-backend\"}\n" + gone +
                         "{\"device\":\"r0\",\"path\":\"/machine/peripheral/r0\"}\n");
  EXPECT_EQ(ask("device_del", R"({"id":"r0"})"), "DeviceNotFound: Device 'r0' not found");
}

TEST_F(Plug, WaitsForAGuestThatDoesNotRun) {
  boot({"-S", "-machine", "pc"});
  EXPECT_EQ(ask("device_add", R"({"driver":"virtio-rng-pci","id":"r0"})"), "{}");
  EXPECT_EQ(ask("device_del", R"({"id":"/machine/peripheral/r0"})"), "{}");
  EXPECT_EQ(before() + after(), "");
  EXPECT_EQ(ask("device_del", R"({"id":"r0"})"), "Device r0 is already in the process of unplug");
  EXPECT_EQ(ask("cont"), "{}");
  EXPECT_EQ(before(), "RESUME\n");
  EXPECT_NE(after().find(R"("device":"r0")"), std::string::npos);
}

TEST_F(Plug, MemoryWaitsForTheGuestAlsoAfterAReset) {
  for (const auto* machine : {"pc", "virt"}) {
    boot({"-S", "-machine", machine, "-object", "memory-backend-ram,id=m0,size=128M"});
    EXPECT_EQ(ask("device_add", R"({"driver":"pc-dimm","id":"d0","memdev":"m0"})"), "{}");
    for (int i = 0; i < 2; ++i) EXPECT_EQ(ask("device_del", R"({"id":"d0"})"), "{}");
    EXPECT_EQ(ask("system_reset"), "{}");
    EXPECT_EQ(after(), "");
    EXPECT_EQ(ask("cont"), "{}");
    EXPECT_EQ(after(), gone + "{\"device\":\"d0\",\"path\":\"/machine/peripheral/d0\"}\n") << machine;
  }
}

TEST_F(Plug, AResetTakesAPciDeviceOut) {
  boot({"-S", "-machine", "pc"});
  EXPECT_EQ(ask("device_add", R"({"driver":"virtio-rng-pci","id":"r0"})"), "{}");
  EXPECT_EQ(ask("device_del", R"({"id":"r0"})"), "{}");
  EXPECT_EQ(ask("system_reset"), "{}");
  EXPECT_NE(after().find(R"("device":"r0")"), std::string::npos);
}

TEST_F(Plug, GuestMayRefuse) {
  boot({"-machine", "q35", "-device", "pcie-root-port,id=rp0", "-object", "memory-backend-ram,id=m0,size=128M"});
  EXPECT_EQ(ask("device_add", R"({"driver":"virtio-rng-pci","id":"r0","bus":"rp0"})"), "{}");
  EXPECT_EQ(ask("device_del", R"({"id":"r0"})", Obedience::guest_refuses), "{}");
  EXPECT_EQ(after(), "DEVICE_UNPLUG_GUEST_ERROR {\"device\":\"r0\",\"path\":\"/machine/peripheral/r0\"}\n");
  EXPECT_EQ(ask("device_add", R"({"driver":"pc-dimm","id":"d0","memdev":"m0"})"), "{}");
  EXPECT_EQ(ask("device_del", R"({"id":"d0"})", Obedience::guest_refuses), "{}");
  EXPECT_EQ(after().rfind("MEM_UNPLUG_ERROR {\"device\":\"d0\",\"msg\"", 0), 0U);
}

TEST_F(Plug, ASlotHasFunctionsWhenItsFirstSaysSo) {
  boot({"-machine", "pc"});
  const auto add = [&](const std::string& rest) {
    return ask("device_add", R"({"driver":"virtio-rng-pci",)" + rest + "}");
  };
  EXPECT_EQ(add(R"("id":"a","addr":"5.0","multifunction":true)"), "{}");
  EXPECT_EQ(add(R"("id":"b","addr":"5.1")"), "{}");
  EXPECT_EQ(add(R"("addr":"5.1")"),
            "PCI: slot 5 function 1 not available for virtio-rng-pci, in use by virtio-rng-pci,id=b");
  EXPECT_EQ(add(R"("addr":"0x1e.0")"), "{}");
  EXPECT_EQ(add(R"("addr":"0x1e.1")"), "PCI: single function device can't be populated in function 1e.1");
  EXPECT_EQ(add(R"("addr":"6.8")"), "Property 'virtio-rng-pci.addr' doesn't take value '6.8'");
}

TEST_F(Plug, RefusesInTheWordsOfQemu) {
  boot({"-machine", "q35", "-device", "pcie-root-port,id=rp0", "-device", "virtio-serial-pci,id=s0,bus=pcie.0"});
  const auto add = [&](const std::string& rest) { return ask("device_add", "{" + rest + "}"); };
  EXPECT_EQ(add(R"("driver":"virtio-rng-pci","id":"r0","bus":"rp0")"), "{}");
  EXPECT_EQ(ask("device_add"), "Parameter 'driver' is missing");
  EXPECT_EQ(add(R"("driver":1)"), "Invalid parameter type for 'driver', expected: string");
  EXPECT_EQ(add(R"("driver":"nosuch")"), "'nosuch' is not a valid device model name");
  EXPECT_EQ(add(R"("driver":"virtio-rng-ccw")"), "'virtio-rng-ccw' is not a valid device model name");
  EXPECT_EQ(add(R"("driver":"vmcoreinfo")"), "Parameter 'driver' expects a pluggable device type");
  EXPECT_EQ(add(R"("driver":"virtio-rng-pci","id":"0r")"), "Parameter 'id' expects an identifier");
  EXPECT_EQ(add(R"("driver":"virtio-rng-pci","bus":"rp0","id":"r0")"), "Duplicate device ID 'r0'");
  EXPECT_EQ(add(R"("driver":"virtio-rng-pci","bus":"nope")"), "Bus 'nope' not found");
  EXPECT_EQ(add(R"("driver":"virtio-rng-pci")"), "Bus 'pcie.0' does not support hotplugging");
  EXPECT_EQ(add(R"("driver":"virtio-rng-pci","bus":"rp0","addr":"0x0")"),
            "PCI: slot 0 function 0 not available for virtio-rng-pci, in use by virtio-rng-pci,id=r0");
  EXPECT_EQ(add(R"("driver":"virtio-rng-pci","bus":"rp0","addr":"zz")"),
            "Property 'virtio-rng-pci.addr' doesn't take value 'zz'");
  EXPECT_EQ(add(R"("driver":"scsi-hd")"), "No 'SCSI' bus found for device 'scsi-hd'");
  EXPECT_EQ(add(R"("driver":"virtserialport","chardev":"nope")"),
            "Property 'virtserialport.chardev' can't find value 'nope'");
  EXPECT_EQ(add(R"("driver":"virtio-blk-pci","bus":"rp0","drive":"nope")"),
            "Property 'virtio-blk-device.drive' can't find value 'nope'");
  EXPECT_EQ(add(R"("driver":"pc-dimm","memdev":"nope")"), "DeviceNotFound: Device 'nope' not found");
  EXPECT_EQ(add(R"("driver":"pc-dimm")"), "'memdev' property must be set");
  EXPECT_EQ(ask("device_del", R"({"id":"rp0"})"), "Bus 'pcie.0' does not support hotplugging");
  EXPECT_EQ(ask("device_del"), "Parameter 'id' is missing");
  for (int slot = 1; slot < 32; ++slot) EXPECT_EQ(add(R"("driver":"virtio-rng-pci","bus":"rp0")"), "{}");
  EXPECT_EQ(add(R"("driver":"virtio-rng-pci","bus":"rp0")"),
            "PCI: no slot/function available for virtio-rng-pci, all in use or reserved");
}

TEST_F(Plug, ListsDevicesAndTheirPciAddresses) {
  boot({"-machine", "q35", "-device", "pcie-root-port,id=port0,chassis=1,addr=1e.0"});
  (void)ask("device_add", R"({"driver":"virtio-rng-pci","id":"r0","bus":"port0"})");
  EXPECT_EQ(ask("qom-list", R"({"path":"/machine/peripheral"})"),
            R"([{"name":"type","type":"string"},{"name":"port0","type":"child<pcie-root-port>"},)"
            R"({"name":"r0","type":"child<virtio-rng-pci>"}])");
  EXPECT_NE(ask("query-pci").find(R"("bus":1,"slot":0,"function":0,"qdev_id":"r0")"), std::string::npos);
  EXPECT_EQ(ask("qom-list", R"({"path":"/x"})"), "DeviceNotFound: Device '/x' not found");
}

TEST_F(Plug, ListsMemory) {
  boot({"-machine", "pc", "-object", R"({"qom-type":"memory-backend-ram","id":"m0","size":134217728})"});
  EXPECT_EQ(ask("object-add", R"({"qom-type":"memory-backend-ram","id":"m1","size":268435456})"), "{}");
  EXPECT_EQ(ask("device_add", R"({"driver":"pc-dimm","id":"d0","memdev":"m0"})"), "{}");
  EXPECT_EQ(ask("device_add", R"({"driver":"pc-dimm","id":"d1","memdev":"m0"})"), "can't use already busy memdev: m0");
  EXPECT_EQ(ask("device_add", R"({"driver":"pc-dimm","id":"d1","memdev":"m1"})"), "{}");
  const auto dimm = [](int i, const std::string& addr, const std::string& size) {
    const auto n = std::to_string(i);
    return R"({"type":"dimm","data":{"memdev":"/objects/m)" + n + R"(","hotplugged":true,"addr":)" + addr +
           R"(,"hotpluggable":true,"size":)" + size + R"(,"slot":)" + n + R"(,"node":0,"id":"d)" + n + R"("}})";
  };
  EXPECT_EQ(ask("query-memory-devices"),
            "[" + dimm(0, "4294967296", "134217728") + "," + dimm(1, "4429185024", "268435456") + "]");
  EXPECT_EQ(ask("query-memory-size-summary"), R"({"base-memory":134217728,"plugged-memory":402653184})");
  EXPECT_EQ(ask("object-del", R"({"id":"m1"})"), "object 'm1' is in use, can not be deleted");
  EXPECT_EQ(ask("device_del", R"({"id":"d1"})"), "{}");
  EXPECT_EQ(ask("object-del", R"({"id":"m1"})"), "{}");
}

TEST_F(Vcpus, AreListedHighestFirstAndPluggedByTheirPlace) {
  boot({"-machine", "q35", "-smp", "cpus=1,maxcpus=4,sockets=2"});
  const std::string type = R"("driver":"qemu64-x86_64-cpu")";
  EXPECT_EQ(
      ask("query-hotpluggable-cpus")
          .rfind(R"([{"props":{"core-id":1,"thread-id":0,"socket-id":1},"vcpus-count":1,"type":"qemu64-x86_64-cpu"})",
                 0),
      0U);
  const auto add = [&](const std::string& rest) { return ask("device_add", "{" + type + rest + "}"); };
  EXPECT_EQ(add(R"(,"core-id":0,"thread-id":0)"), "CPU socket-id is not set");
  EXPECT_EQ(add(R"(,"socket-id":1,"core-id":9,"thread-id":0)"), "Invalid CPU core-id: 9 must be in range 0:1");
  EXPECT_EQ(add(R"(,"socket-id":0,"core-id":0,"thread-id":0)"), "CPU[0] with APIC ID 0 exists");
  EXPECT_EQ(add(R"(,"socket-id":1,"core-id":"1","thread-id":0,"id":"c3")"), "{}");
  EXPECT_EQ(ask("device_add", R"({"driver":"max-x86_64-cpu","socket-id":1,"core-id":0,"thread-id":0})"),
            "Invalid CPU type, expected cpu type: 'qemu64-x86_64-cpu'");
  EXPECT_NE(ask("query-cpus-fast").find(R"("qom-path":"/machine/peripheral/c3","cpu-index":3,"target":"x86_64")"),
            std::string::npos);
  EXPECT_EQ(ask("device_del", R"({"id":"c3"})"), "{}");
  EXPECT_EQ(before(), "");
  const std::string of_slot = R"("slot":"3","slot-type":"CPU"}})"
                              "\n";
  EXPECT_EQ(after(), R"(ACPI_DEVICE_OST {"info":{"device":"c3","source":3,"status":132,)" + of_slot + gone +
                         "{\"path\":\"/machine/peripheral/c3/lapic\"}\n" +
                         R"(ACPI_DEVICE_OST {"info":{"source":3,"status":0,)" + of_slot);
  EXPECT_EQ(ask("query-cpus-fast").find("c3"), std::string::npos);
}

TEST_F(Vcpus, OfX86AreUnpluggedByARunningGuest) {
  boot({"-S", "-machine", "q35", "-smp", "cpus=1,maxcpus=2"});
  EXPECT_EQ(ask("device_add", R"({"driver":"qemu64-x86_64-cpu","socket-id":0,"core-id":1,"thread-id":0,"id":"c1"})"),
            "{}");
  const std::string refused = "acpi: device unplug request for not supported device type: qemu64-x86_64-cpu";
  EXPECT_EQ(ask("device_del", R"({"id":"c1"})"), refused);
  EXPECT_EQ(ask("device_del", R"({"id":"c1"})", Obedience::guest_refuses), refused);
  EXPECT_EQ(ask("cont"), "{}");
  EXPECT_EQ(ask("stop"), "{}");
  EXPECT_EQ(ask("device_del", R"({"id":"c1"})"), "{}");
  EXPECT_EQ(after(), "");
  EXPECT_EQ(ask("cont"), "{}");
  EXPECT_NE(after().find("/machine/peripheral/c1/lapic"), std::string::npos);
  EXPECT_EQ(ask("query-cpus-fast").find("c1"), std::string::npos);
}

TEST_F(Vcpus, DifferByTarget) {
  boot({"-machine", "pseries", "-smp", "1,maxcpus=2"});
  const std::string core = R"("driver":"power9_v2.0-spapr-cpu-core")";
  EXPECT_EQ(ask("device_add", "{" + core + R"(,"core-id":0})"), "core 0 already populated");
  EXPECT_EQ(ask("device_add", "{" + core + R"(,"core-id":9})"), "core id 9 out of range");
  EXPECT_EQ(ask("device_add", "{" + core + R"(,"core-id":1,"socket-id":0})"),
            "Property 'power9_v2.0-spapr-cpu-core.socket-id' not found");
  EXPECT_EQ(ask("device_add", "{" + core + R"(,"core-id":1,"id":"c1"})"), "{}");
  EXPECT_EQ(ask("device_del", R"({"id":"c1"})"), "{}");
  EXPECT_EQ(before(), gone + "{\"path\":\"/machine/peripheral/c1/thread[0]/icp\"}\n" + gone +
                          "{\"path\":\"/machine/peripheral/c1/thread[0]/xive-tctx\"}\n" + gone +
                          "{\"path\":\"/machine/peripheral/c1/thread[0]\"}\n" + gone +
                          "{\"device\":\"c1\",\"path\":\"/machine/peripheral/c1\"}\n");
  boot({"-machine", "s390-ccw-virtio", "-smp", "1,maxcpus=2"});
  EXPECT_EQ(ask("device_add", R"({"driver":"qemu-s390x-cpu"})"),
            "Unable to add CPU with core-id: 0, it already exists");
  EXPECT_EQ(ask("device_add", R"({"driver":"qemu-s390x-cpu","core-id":1,"id":"c1"})"), "{}");
  EXPECT_EQ(ask("device_del", R"({"id":"c1"})"), "CPU hot unplug not supported on this machine");
  EXPECT_EQ(ask("device_add", R"({"driver":"virtio-rng-ccw","id":"r"})"), "{}");
  EXPECT_EQ(ask("device_add", R"({"driver":"virtio-rng-pci"})"), "No 'PCI' bus found for device 'virtio-rng-pci'");
  boot({"-machine", "virt"});
  EXPECT_EQ(ask("query-hotpluggable-cpus"), "The feature 'query-hotpluggable-cpus' is not enabled");
  EXPECT_EQ(ask("device_add", R"({"driver":"cortex-a15-arm-cpu"})"),
            "Parameter 'driver' expects a pluggable device type");
}

TEST_F(Profiles, ChangeWhatLaterReleasesChanged) {
  const auto memory = [&](std::string_view profile) {
    boot({"-machine", "pc", "-object", "memory-backend-ram,id=m0,size=1M"}, profile);
    EXPECT_EQ(ask("device_add", R"({"driver":"pc-dimm","id":"d0","memdev":"m0"})"), "{}");
    EXPECT_EQ(ask("device_del", R"({"id":"d0"})", Obedience::guest_refuses), "{}");
    return after().find("MEM_UNPLUG_ERROR") != std::string::npos;
  };
  const auto has_singlestep = [&] { return ask("query-status").find("singlestep") != std::string::npos; };
  const auto device = [&](const std::string& rest) {
    return ask("device_add", R"({"driver":"virtio-blk-pci",)" + rest + "}");
  };
  const std::string reconnect =
      R"({"id":"c","backend":{"type":"socket","data":{"addr":{},"server":false,"reconnect-ms":5}}})";
  for (const auto* old : {"7.2", "8.2"}) {
    EXPECT_TRUE(memory(old) && has_singlestep()) << old;
  }
  for (const auto* old : {"7.2", "8.2", "9.1"}) {
    boot({"-machine", "pc"}, old);
    EXPECT_EQ(device(R"("share-rw":"on","num-queues":"4","addr":16)"), "{}") << old;
    EXPECT_EQ(ask("chardev-add", reconnect), "Parameter 'backend.data.reconnect-ms' is unexpected") << old;
  }
  for (const auto* later : {"9.1", "9.2", "10.0"}) EXPECT_FALSE(memory(later) || has_singlestep()) << later;
  for (const auto* later : {"9.2", "10.0"}) {
    boot({"-machine", "pc"}, later);
    EXPECT_EQ(device(R"("share-rw":"on")"), "Invalid parameter type for 'share-rw', expected: boolean") << later;
    EXPECT_EQ(device(R"("num-queues":"4")"), "Invalid parameter type for 'num-queues', expected: integer") << later;
    EXPECT_EQ(device(R"("addr":16)"), "Invalid parameter type for 'addr', expected: string") << later;
    EXPECT_EQ(device(R"("share-rw":true,"num-queues":4,"addr":"0x10")"), "{}") << later;
    EXPECT_EQ(ask("chardev-add", reconnect), "{}") << later;
  }
}

TEST_F(Profiles, SayWhichReleaseTheyAreAndWhetherItWasMeasured) {
  for (const auto& profile : profiles()) {
    const auto version = std::to_string(profile.greeting.major) + "." + std::to_string(profile.greeting.minor);
    EXPECT_EQ(profile.name, version);
    EXPECT_EQ(profile.verified, profile.name == "7.2");
  }
  EXPECT_EQ(find_profile("6.0"), nullptr);
}

}  // namespace
}  // namespace visor::testing
