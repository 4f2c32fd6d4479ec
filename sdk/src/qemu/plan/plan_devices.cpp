// SPDX-License-Identifier: Apache-2.0
#include "plan.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/device/devices.hpp"

#include <algorithm>

namespace visor::sdk::plan {
namespace {

constexpr std::string_view serial_bus = "visor-serial";

struct Builder {
  const Input& input;
  Plan& plan;
  int& next_fd;
  VirtioTransport transport;
  DeviceChoices choices;

  template <class Device>
  void add(const Device& device) {
    device.validate();
    device.render(plan.line);
  }

  Listener listen(std::string path) { return {next_fd++, std::move(path)}; }

  void operator()(const SerialPortConfig& port) {
    const auto listener = listen(port_socket(port, input.run_dir));
    const SocketChardev chardev{.id = port.id + "-chardev", .fd = listener.fd};
    add(chardev);
    add(VirtioPort{.id = port.id, .chardev = chardev.id, .bus = std::string{serial_bus} + ".0", .name = port.name});
    plan.ports.push_back(listener);
  }

  void operator()(const DiskConfig& disk) {
    if (disk.bus != DiskBus::automatic && disk.bus != DiskBus::virtio_blk) {
      throw Error(Errc::unsupported, "Disk '" + disk.id + "': only bus virtio-blk is offered by this version");
    }
    static constexpr const char* aio[] = {"threads", "native", "io_uring"};
    const auto facts = input.files.find(disk.path);
    add(VirtioBlk{.id = disk.id,
                  .backing = {.path = disk.path,
                              .format = disk.format == DiskFormat::raw ? "raw" : "qcow2",
                              .host_device = facts != input.files.end() && facts->second.block_device,
                              .read_only = disk.read_only,
                              .cache_direct = disk.cache_direct,
                              .cache_no_flush = disk.cache_no_flush,
                              .discard = disk.discard,
                              .aio = aio[static_cast<std::size_t>(disk.aio)]},
                  .transport = transport,
                  .share_rw = disk.share_rw,
                  .serial = disk.serial,
                  .iothread = disk.iothread,
                  .logical_block_size_bytes = disk.logical_block_size_bytes,
                  .physical_block_size_bytes = disk.physical_block_size_bytes});
  }

  void operator()(const RngConfig& rng) {
    add(VirtioRng{.id = rng.id,
                  .source = rng.source,
                  .transport = transport,
                  .max_bytes = rng.max_bytes,
                  .period_ms = rng.period_ms});
  }

  void operator()(const PanicConfig& panic) { add(PanicDevice{.id = panic.id, .driver = choices.panic}); }

  template <class Other>
  void operator()(const Other& other) {
    throw Error(Errc::unsupported, "Device '" + other.id + "': this version of the QEMU driver has no " +
                                       std::string{device_type(DeviceConfig{other})} + " devices yet");
  }
};

void add_console(const Input& input, Builder& builder) {
  const auto type = input.config.console.type;
  if (type == ConsoleType::none) return;
  auto& plan = builder.plan;
  plan.line.section("console");
  plan.line.because("console");
  const auto console = input.arch.console(input.arch_input());
  plan.console = builder.listen((input.run_dir / console_chardev_socket).string());
  const SocketChardev chardev{.id = "visor-console-chardev", .fd = plan.console.fd};
  builder.add(chardev);
  if (console.virtio) {
    builder.add(
        VirtioPort{.id = "visor-console", .chardev = chardev.id, .bus = std::string{serial_bus} + ".0", .name = {}});
  } else {
    builder.add(SerialConsole{.kind = console.serial, .chardev = chardev.id});
  }
}

bool needs_serial_bus(const Input& input) {
  const bool port = std::ranges::any_of(
      input.config.devices, [](const auto& device) { return std::holds_alternative<SerialPortConfig>(device); });
  return port || (input.config.console.type != ConsoleType::none && input.arch.console(input.arch_input()).virtio);
}

bool has_panic_device(const VmConfig& config) {
  return std::ranges::any_of(config.devices,
                             [](const auto& device) { return std::holds_alternative<PanicConfig>(device); });
}

}  // namespace

std::string port_socket(const SerialPortConfig& port, const std::filesystem::path& run_dir) {
  return port.socket.empty() ? (run_dir / ("port-" + port.id + ".sock")).string() : port.socket;
}

void detail::add_fixed_devices(const Input& input, Plan& plan, int& next_fd) {
  const auto in = input.arch_input();
  Builder builder{input, plan, next_fd, input.arch.buses(in).transport, input.arch.devices(in)};
  if (needs_serial_bus(input)) {
    plan.line.section("buses");
    plan.line.because("serial ports and the virtio console sit on it");
    builder.add(VirtioSerial{.id = std::string{serial_bus}, .transport = builder.transport});
  }
  add_console(input, builder);
  if (!builder.choices.panic.empty() && !has_panic_device(input.config)) {
    plan.line.section("devices");
    plan.line.because("without it a panic looks like a reset");
    builder.add(PanicDevice{.id = "visor-panic", .driver = builder.choices.panic});
  }
}

void detail::add_user_devices(const Input& input, Plan& plan, int& next_fd) {
  const auto in = input.arch_input();
  Builder builder{input, plan, next_fd, input.arch.buses(in).transport, input.arch.devices(in)};
  plan.line.section("devices");
  for (std::size_t i = 0; i < input.config.devices.size(); ++i) {
    plan.line.because("devices[" + std::to_string(i) + "]");
    std::visit(builder, input.config.devices[i]);
  }
}

}  // namespace visor::sdk::plan
