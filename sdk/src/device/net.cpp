// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/net.hpp"

#include "table.hpp"

namespace visor::sdk {
namespace {

constexpr std::string_view backend = "Network backend";
constexpr std::size_t longest_interface = 15;  // linux: IFNAMSIZ less the final NUL
constexpr std::uint32_t max_queues = 256;      // linux: drivers/net/tun.c, MAX_TAP_QUEUES

std::optional<PropertyBag::Property> on_when(bool set) {
  return set ? std::optional<PropertyBag::Property>{true} : std::nullopt;
}

bool is_named(const TapNetdev& tap) { return tap.fds.empty(); }
std::optional<PropertyBag::Property> vhost_of(const TapNetdev& tap) {
  return on_when(tap.vhost || !tap.vhost_fds.empty());
}
std::optional<PropertyBag::Property> queues_of(const TapNetdev& tap) {
  if (!tap.fds.empty() || tap.queues == 1) return std::nullopt;
  return std::uint64_t{tap.queues};
}
std::optional<PropertyBag::Property> several_of(const VirtioNet& card) { return on_when(card.queues > 0); }
std::optional<PropertyBag::Property> vectors_of(const VirtioNet& card) {
  if (card.queues == 0 || card.transport != VirtioTransport::pci) return std::nullopt;
  return std::uint64_t{card.queues} * 2 + 2;
}

}  // namespace

const DeviceTable& TapNetdev::describe() {
  using D = TapNetdev;
  constexpr std::uint32_t by_name = 2;
  static const DeviceTable table =
      TableBuilder<D>("TapNetdev", backend, "A tap interface, by its name or by descriptors.")
          .told_by(DeviceOption::netdev, "-netdev")
          .by<is_named>({{"one with fds", "tap", on_all, ""}, {"one with ifname", "tap", on_all, ""}})
          .with({
              id_field<&D::id>(),
              field<&D::ifname>("ifname", "ifname", "The interface, when there are no fds.")
                  .longest(longest_interface)
                  .only(by_name)
                  .needed(),
              field<&D::script>("script", "script", "Run when the interface is up; \"no\" runs none.")
                  .only(by_name)
                  .said(),
              field<&D::downscript>("downscript", "downscript", "Run when it goes; \"no\" runs none.")
                  .only(by_name)
                  .said(),
              computed<D, queues_of>("queues", "By name: from queues, which are as many as fds otherwise."),
              field<&D::queues>("queues", "", "Queues of the interface.").range(1, max_queues).in("queues"),
              field<&D::fds>("fds", "fds", "One descriptor a queue.").as(FieldType::fds),
              // Without vhostforce QEMU 7.2 aborts when vhost does not work (net_client_init1); with it, it says so.
              computed<D, vhost_of>("vhost", "The kernel moves the packets: vhost or vhost_fds are given."),
              computed<D, vhost_of>("vhostforce", "Says so when vhost does not work."),
              field<&D::vhost_fds>("vhost_fds", "vhostfds", "Descriptors of /dev/vhost-net, one a queue.")
                  .as(FieldType::fds),
              field<&D::vhost>("vhost", "", "The kernel moves the packets."),
              field<&D::kind>("kind", "", "How the interface came to be.").of({"tap", "macvtap", "ipvtap", "vethtap"}),
          });
  return table;
}

void TapNetdev::validate() const {
  check_fields(describe(), this);
  if (!fds.empty() && queues > 1 && queues != fds.size()) {
    refuse_device(describe(), this, "there must be one of fds a queue");
  }
  if (fds.size() > max_queues) refuse_device(describe(), this, "there must not be more than 256 of fds");
  if (!vhost_fds.empty() && vhost_fds.size() != fds.size()) {
    refuse_device(describe(), this,
                  "there must be as many vhost_fds (" + std::to_string(vhost_fds.size()) + ") as fds (" +
                      std::to_string(fds.size()) + ")");
  }
  if (fds.empty() && (kind == TapKind::macvtap || kind == TapKind::ipvtap)) {
    refuse_device(describe(), this, "QEMU opens no macvtap or ipvtap by name, give fds of /dev/tapN");
  }
}

PropertyBag TapNetdev::properties() const { return properties_of(describe(), this); }

void TapNetdev::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& UserNetdev::describe() {
  using D = UserNetdev;
  static const DeviceTable table =
      TableBuilder<D>("UserNetdev", backend, "QEMU's own network behind a NAT.")
          .told_by(DeviceOption::netdev, "-netdev")
          .is("user")
          .with({
              id_field<&D::id>(),
              field<&D::isolated>("isolated", "restrict", "The guest reaches neither the host nor anything outside."),
          });
  return table;
}

void UserNetdev::validate() const { check_fields(describe(), this); }

PropertyBag UserNetdev::properties() const { return properties_of(describe(), this); }

void UserNetdev::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& VhostUserNetdev::describe() {
  using D = VhostUserNetdev;
  static const DeviceTable table =
      TableBuilder<D>("VhostUserNetdev", backend, "A backend in another process, behind a character device.")
          .told_by(DeviceOption::netdev, "-netdev")
          .is("vhost-user")
          .with({
              id_field<&D::id>(),
              reference<&D::chardev>("chardev", "chardev", "Connected to the other process.").needed(),
              field<&D::queues>("queues", "queues", "Pairs of queues.").range(1, max_queues).in("queues"),
          });
  return table;
}

void VhostUserNetdev::validate() const { check_fields(describe(), this); }

PropertyBag VhostUserNetdev::properties() const { return properties_of(describe(), this); }

void VhostUserNetdev::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& VdpaNetdev::describe() {
  using D = VdpaNetdev;
  static const DeviceTable table =
      TableBuilder<D>("VdpaNetdev", backend, "A network device of the host that speaks virtio itself.")
          .told_by(DeviceOption::netdev, "-netdev")
          .is("vhost-vdpa")
          .with({
              id_field<&D::id>(),
              path_field<&D::path>("path", "vhostdev", "The device (\"/dev/vhost-vdpa-0\")."),
              field<&D::fd>("fd", "vhostfd", "A descriptor of it.").as(FieldType::fd),
              field<&D::queues>("queues", "queues", "Pairs of queues.").range(1, max_queues).in("queues"),
          });
  return table;
}

void VdpaNetdev::validate() const {
  check_fields(describe(), this);
  if (path.empty() == fd.empty()) refuse_device(describe(), this, "either path or fd must be given, and not both");
}

PropertyBag VdpaNetdev::properties() const { return properties_of(describe(), this); }

void VdpaNetdev::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& VirtioNet::describe() {
  using D = VirtioNet;
  static const DeviceTable table =
      TableBuilder<D>("VirtioNet", "Network card", "A virtio network card on a backend of any kind.")
          .is_virtio("virtio-net")
          .with({
              id_field<&D::id>(),
              reference<&D::netdev>("netdev", "netdev", "Its backend.").needed(),
              field<&D::mac>("mac", "mac", "Its address; not set: QEMU's choice.").as(FieldType::mac),
              computed<D, several_of>("mq", "It has several queues: queues is given."),
              computed<D, vectors_of>("vectors", "Two interrupt vectors a pair of queues, and two more.").on(on_pci),
              field<&D::queues>("queues", "", "Pairs of queues, as many as the backend has.")
                  .range(1, max_queues)
                  .in("queues"),
              field<&D::mtu>("mtu", "host_mtu", "What the guest is told.").range(68, 65535).in("bytes"),
              field<&D::boot_index>("boot_index", "bootindex", "Firmware tries low numbers first.")
                  .range(0, 0x7fffffff),
          })
          .placed<&D::place>();
  return table;
}

void VirtioNet::validate() const { check_fields(describe(), this); }

PropertyBag VirtioNet::properties() const { return properties_of(describe(), this); }

void VirtioNet::render(CommandLine& line) const { render_fields(describe(), this, line); }

}  // namespace visor::sdk
