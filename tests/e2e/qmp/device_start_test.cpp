// SPDX-License-Identifier: Apache-2.0
// A QEMU of each architecture that is started with what the SDK's structs render, and asked what it has.
#include "bare_qemu.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/core/json.hpp"
#include "visor/sdk/device/boot.hpp"
#include "visor/sdk/device/chardev.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/fs.hpp"
#include "visor/sdk/device/machine.hpp"
#include "visor/sdk/device/memory.hpp"
#include "visor/sdk/device/net.hpp"
#include "visor/sdk/device/pci.hpp"
#include "visor/sdk/device/process.hpp"
#include "visor/sdk/device/serial.hpp"
#include "visor/sdk/qmp/commands/qom.hpp"

#include <fstream>
#include <set>

#include <sys/stat.h>

namespace visor::test {
namespace {

class QmpDeviceStart : public EachQemu {};
INSTANTIATE_TEST_SUITE_P(, QmpDeviceStart, ::testing::ValuesIn(qemu_targets()), target_name);

/// A command line of structs, each checked.
struct Line {
  sdk::CommandLine line;
  void add(const auto& device) {
    device.validate();
    device.render(line);
  }
  /// Without the program.
  [[nodiscard]] std::vector<std::string> arguments() const {
    auto argv = line.argv("");
    argv.erase(argv.begin());
    return argv;
  }
};

Value ask(sdk::qmp::Client& client, const char* query) { return client.call({query}, qemu_limit).value(); }

std::set<std::string> names_in(const Value& list, const char* key) {
  std::set<std::string> names;
  for (const auto& item : list.as_list()) names.insert(item.at(key).as_string());
  return names;
}

/// Whether all are there.
void expect_names(const std::set<std::string>& there, const std::set<std::string>& wanted) {
  for (const auto& name : wanted) EXPECT_TRUE(there.contains(name)) << name;
}

void add_machine(Line& line, const QemuTarget& target) {
  const bool s390x = target.name == "s390x";
  const auto comma = target.machine.find(',');
  sdk::Machine machine{.type = target.machine.substr(0, comma), .accelerator = "tcg"};
  for (auto at = comma; at != std::string::npos;) {
    const auto next = target.machine.find(',', at + 1);
    machine.options.push_back(target.machine.substr(at + 1, next - at - 1));
    at = next;
  }
  if (s390x) machine.memory_backend = "m0";
  line.add(machine);
  line.add(sdk::Smp{.cpus = 1, .max_cpus = 2, .sockets = 2, .cores = 1, .threads = 1});
  line.add(sdk::GuestMemory{.size_mib = 256, .max_mib = s390x ? 0U : 512U, .slots = s390x ? 0U : 2U});
  line.add(sdk::MemoryBackend{.id = "m0", .size_bytes = 256U << 20U, .kind = sdk::MemoryKind::memfd, .share = true});
  if (!s390x) line.add(sdk::NumaNode{.node = 0, .memdev = "m0", .first_cpu = 0, .last_cpu = 1});
}

TEST_P(QmpDeviceStart, TakesWhatConcernsTheProcess) {
  const TestFolder folder;
  Line line;
  add_machine(line, GetParam());
  line.add(sdk::Name{.guest = "a=b,c", .process = "p,q", .debug_threads = true});
  line.add(sdk::ProcessSettings{.uuid = "2e0cbd0e-5d0f-4a43-9a4c-1a0d4e2b4f4e",
                                .vga = "none",
                                .pid_file = folder.file("a,b.pid"),
                                .log_file = folder.file("a,b.log")});
  line.add(sdk::Knobs{.no_user_config = true, .no_defaults = true, .no_reboot = true, .stopped = true, .cpu_pm = true});
  line.add(sdk::Rtc{.base = "2026-01-31T12:00:00", .clock = "vm"});
  line.add(sdk::GlobalProperty{.driver = "virtio-blk-device", .property = "serial", .value = "a,b"});
  line.add(sdk::Sandbox{.obsolete = "deny", .elevate_privileges = "deny", .spawn = "deny", .resource_control = "deny"});
  line.add(sdk::IoThreadObject{
      .id = "io0", .poll_max_ns = 0, .aio_max_batch = 4, .thread_pool_min = 1, .thread_pool_max = 8});
  line.add(sdk::GenericObject{.type = "rng-random", .id = "r0", .props = {{"filename", "/dev/urandom"}}});
  line.add(sdk::Incoming{.kind = sdk::IncomingKind::unix_socket, .path = folder.file("in,coming")});
  const auto qemu = std::make_unique<BareQemu>(GetParam(), line.arguments());
  auto& client = qemu->client();
  EXPECT_EQ(ask(client, "query-name").at("name"), Value{"a=b,c"});
  EXPECT_EQ(ask(client, "query-uuid").at("UUID"), Value{"2e0cbd0e-5d0f-4a43-9a4c-1a0d4e2b4f4e"});
  EXPECT_EQ(ask(client, "query-status").at("status"), Value{"inmigrate"});
  expect_names(names_in(ask(client, "query-iothreads"), "id"), {"io0"});
  EXPECT_EQ(sdk::qmp::qom_get(client, "/objects/io0", "thread-pool-max", qemu_limit), Value{8});
  expect_names(names_in(ask(client, "query-memdev"), "id"), {"m0"});
  EXPECT_NE(read_file(folder.file("a,b.pid")), "");
}

TEST_P(QmpDeviceStart, TakesCharacterDevicesOfEachBackendThatNeedsNoHardware) {
  const TestFolder folder;
  ASSERT_EQ(::mkfifo(folder.file("pi,pe").c_str(), 0600), 0);
  using enum sdk::ChardevBackend;
  Line line;
  line.add(sdk::Machine{.type = "none"});
  line.add(sdk::Chardev{.id = "c-socket", .path = folder.file("so,cket"), .server = true});
  line.add(sdk::Chardev{.id = "c-client", .path = folder.file("so,cket"), .reconnect_s = 60});
  line.add(sdk::Chardev{.id = "c-pipe", .backend = pipe, .path = folder.file("pi,pe")});
  line.add(sdk::Chardev{.id = "c-file", .backend = file, .path = folder.file("fi,le"), .append = true});
  line.add(sdk::Chardev{.id = "c-pty", .backend = pty});
  line.add(sdk::Chardev{.id = "c-stdio", .backend = stdio, .signals = false});
  line.add(sdk::Chardev{.id = "c-null", .backend = null, .log_path = folder.file("lo,g"), .log_append = true});
  line.add(sdk::Chardev{.id = "c-ring", .backend = ringbuf, .ring_bytes = 4096});
  line.add(sdk::Monitor{.id = "people", .chardev = "c-stdio", .mode = sdk::MonitorMode::readline});
  line.add(sdk::QmpSocket{.id = "second", .path = folder.file("q,mp"), .pretty = true});
  const auto qemu = std::make_unique<BareQemu>(GetParam(), line.arguments());
  const auto chardevs = ask(qemu->client(), "query-chardev");
  expect_names(names_in(chardevs, "label"),
               {"c-socket", "c-client", "c-pipe", "c-file", "c-pty", "c-stdio", "c-null", "c-ring", "second-chardev"});
  EXPECT_NE(to_json(chardevs).find("unix:" + folder.file("so,cket")), std::string::npos) << to_json(chardevs);
}

void add_devices(Line& line, VirtioTransport transport, const TestFolder& folder) {
  line.add(sdk::Chardev{.id = "c0", .backend = sdk::ChardevBackend::null});
  line.add(sdk::Chardev{.id = "c1", .backend = sdk::ChardevBackend::null});
  line.add(sdk::IoThreadObject{.id = "io0"});
  line.add(sdk::FsBackend{.id = "fs0",
                          .path = folder.file("sha,re"),
                          .security_model = sdk::FsSecurity::mapped_file,
                          .multidevs = sdk::FsMultidevs::remap,
                          .write_through = true,
                          .file_mode = 0600,
                          .folder_mode = 0700});
  line.add(sdk::UserNetdev{.id = "net0", .isolated = true});
  line.add(sdk::VirtioBalloon{.id = "balloon0",
                              .deflate_on_oom = true,
                              .free_page_reporting = true,
                              .free_page_hint = true,
                              .iothread = "io0",
                              .transport = transport});
  line.add(sdk::Virtio9p{.id = "share0", .fsdev = "fs0", .mount_tag = "a,b", .transport = transport});
  line.add(sdk::VirtioNet{.id = "nic0", .netdev = "net0", .transport = transport, .mtu = 1500});
  line.add(sdk::VirtioRng{.id = "rng0", .transport = transport, .max_bytes = 1024, .period_ms = 100});
  line.add(sdk::VirtioSerial{.id = "serial0", .transport = transport, .max_ports = 4});
  line.add(sdk::VirtioPort{.id = "port0", .chardev = "c0", .bus = "serial0.0", .name = "a,b", .number = 2});
  line.add(sdk::VirtioBlk{.id = "disk0",
                          .backing = {.path = folder.file("di,sk"), .discard = true},
                          .transport = transport,
                          .serial = "a,b",
                          .iothread = "io0",
                          .queue_size = 128,
                          .write_cache_config = false});
  line.add(sdk::ScsiController{
      .id = "scsi0", .transport = transport, .iothread = "io0", .num_queues = 1, .queue_size = 64, .max_sectors = 128});
  line.add(sdk::ScsiDisk{.id = "disk1",
                         .backing = {.path = folder.file("sc,si")},
                         .bus = "scsi0.0",
                         .scsi_id = 1,
                         .lun = 2,
                         .serial = "c,d"});
  line.add(sdk::Loader{.id = "loader0", .address = 4096, .data = 7, .data_bytes = 4});
}

/// On machines with PCI Express; what else they need is there on the PC alone.
void add_buses(Line& line, const QemuTarget& target) {
  line.add(sdk::PcieRootPort{.id = "rp0",
                             .chassis = 1,
                             .slot = 1,
                             .bus_reserve = 2,
                             .pref64_reserve_bytes = 1U << 21U,
                             .mem_reserve_bytes = 1U << 20U,
                             .io_reserve_bytes = 4096,
                             .hotplug = true,
                             .place = {.bus = "pcie.0", .addr = "10"}});
  line.add(sdk::PciBridge{.id = "br0", .kind = sdk::BridgeKind::pcie, .place = {.bus = "rp0", .addr = "0"}});
  line.add(sdk::PciBridge{.id = "br1",
                          .chassis = 7,
                          .shpc = false,
                          .mem_reserve_bytes = 1U << 20U,
                          .place = {.bus = "pcie.0", .addr = "11", .romfile = ""}});
  line.add(sdk::SerialPort{.id = "uart1", .kind = sdk::SerialCard::pci, .chardev = "c1", .place = {.addr = "12"}});
  line.add(sdk::FwCfg{.name = "opt/visor/a,b", .text = "c,d"});
  line.add(sdk::MemoryBackend{.id = "m1", .size_bytes = 128U << 20U, .reserve = false});
  if (target.name != "x86_64") return;
  line.add(sdk::VirtioMem{.id = "mem1", .memdev = "m1", .requested_bytes = 4U << 20U, .block_bytes = 2U << 20U});
  line.add(sdk::IntelIommu{.id = "iommu0", .device_iotlb = true, .caching_mode = true, .address_bits = 48});
}

void write_file_of(const std::string& path, std::size_t size) {
  std::ofstream{path, std::ios::binary} << std::string(size, '\0');
}

TEST_P(QmpDeviceStart, HasTheDevicesThatWereAskedFor) {
  const TestFolder folder;
  ASSERT_EQ(::mkdir(folder.file("sha,re").c_str(), 0700), 0);
  write_file_of(folder.file("di,sk"), 1U << 20U);
  write_file_of(folder.file("sc,si"), 1U << 20U);
  const auto& target = GetParam();
  Line line;
  add_machine(line, target);
  add_devices(line, target.transport == "ccw" ? VirtioTransport::ccw : VirtioTransport::pci, folder);
  std::set<std::string> wanted{"balloon0", "share0", "nic0",  "rng0",  "serial0",
                               "port0",    "disk0",  "scsi0", "disk1", "loader0"};
  if (target.name == "x86_64" || target.name == "aarch64") {
    add_buses(line, target);
    wanted.insert({"rp0", "br0", "br1", "uart1"});
  }
  if (target.name == "x86_64") wanted.insert({"mem1", "iommu0"});
  const auto qemu = std::make_unique<BareQemu>(target, line.arguments());
  auto& client = qemu->client();
  std::set<std::string> there;
  for (const auto& property : sdk::qmp::qom_list(client, "/machine/peripheral", qemu_limit))
    there.insert(property.name);
  expect_names(there, wanted);
  EXPECT_EQ(sdk::qmp::qom_get(client, "share0", "mount_tag", qemu_limit), Value{"a,b"});
  EXPECT_EQ(sdk::qmp::qom_get(client, "disk0", "serial", qemu_limit), Value{"a,b"});
  EXPECT_EQ(sdk::qmp::qom_get(client, "disk1", "serial", qemu_limit), Value{"c,d"});
  EXPECT_EQ(sdk::qmp::qom_get(client, "disk1", "lun", qemu_limit), Value{2});
  EXPECT_EQ(sdk::qmp::qom_get(client, "port0", "name", qemu_limit), Value{"a,b"});
  EXPECT_EQ(sdk::qmp::qom_get(client, "scsi0", "virtqueue_size", qemu_limit), Value{64});
  EXPECT_EQ(sdk::qmp::qom_get(client, "serial0", "max_ports", qemu_limit), Value{4});
  EXPECT_EQ(sdk::qmp::qom_get(client, "balloon0", "free-page-reporting", qemu_limit), Value{true});
  const auto blocks = to_json(ask(client, "query-named-block-nodes"));
  EXPECT_NE(blocks.find(folder.file("di,sk")), std::string::npos) << blocks;
}

}  // namespace
}  // namespace visor::test
