// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/machine.hpp"

#include "table.hpp"

namespace visor::sdk {
namespace {

using Property = std::optional<PropertyBag::Property>;

constexpr std::uint64_t max_node = 127;  // qemu: MAX_NODES
constexpr std::uint64_t most_mib = std::uint64_t{64} << 20U;

Property in_mib(std::uint64_t size) { return size == 0 ? Property{} : Property{std::to_string(size) + 'M'}; }
Property size_of(const GuestMemory& memory) { return in_mib(memory.size_mib); }
Property max_of(const GuestMemory& memory) { return in_mib(memory.max_mib); }

Property cpus_of(const NumaNode& node) {
  if (!node.first_cpu) return std::nullopt;
  const auto first = std::to_string(*node.first_cpu);
  return node.last_cpu ? first + '-' + std::to_string(*node.last_cpu) : first;
}

template <auto Member>
FieldBuilder count(std::string_view name, std::string_view key, std::string_view doc) {
  return field<Member>(name, key, doc).range(1, 4096);
}

}  // namespace

const DeviceTable& Machine::describe() {
  using D = Machine;
  static const DeviceTable table =
      TableBuilder<D>("Machine", "Machine", "The board.")
          .told_by(DeviceOption::worded, "-machine")
          .with({
              field<&D::type>("type", "", "Which of QEMU's machines.").needed(),
              field<&D::accelerator>("accelerator", "accel", "How guest code runs.").of({"kvm", "tcg", "kvm:tcg"}),
              reference<&D::memory_backend>("memory_backend", "memory-backend", "Where its memory is."),
              field<&D::kernel_irqchip>("kernel_irqchip", "kernel_irqchip", "What the kernel does for interrupts.")
                  .of({"on", "off", "split"}),
              field<&D::gic_version>("gic_version", "gic-version", "The interrupt controller of virt.")
                  .of({"2", "3", "4", "max", "host"}),
              field<&D::iommu>("iommu", "iommu", "The IOMMU of virt.").of({"none", "smmuv3"}),
              field<&D::nvdimm>("nvdimm", "nvdimm", "Takes non-volatile memory."),
              field<&D::usb>("usb", "usb", "Has a USB controller."),
              field<&D::graphics>("graphics", "graphics", "Is for a screen."),
              field<&D::options>("options", "", "More, as key=value.").as(FieldType::options),
          });
  return table;
}

void Machine::validate() const {
  check_fields(describe(), this);
  if (!is_property_name(type)) refuse_device(describe(), this, "'" + type + "' is no name of a machine");
}

PropertyBag Machine::properties() const {
  auto bag = PropertyBag::machine(type);
  add_properties(bag, describe(), this);
  for (const auto& option : options) {
    const auto equals = option.find('=');
    bag.set(option.substr(0, equals), option.substr(equals + 1));
  }
  return bag;
}

void Machine::render(CommandLine& line) const { line.add("-machine", properties()); }

const DeviceTable& CpuModel::describe() {
  static const DeviceTable table = TableBuilder<CpuModel>("CpuModel", "CPU model", "The processors and their features.")
                                       .told_by(DeviceOption::plain, "")
                                       .with({field<&CpuModel::model>("model", "-cpu", "In QEMU's words.").needed()});
  return table;
}

void CpuModel::validate() const { check_fields(describe(), this); }

void CpuModel::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& Smp::describe() {
  using D = Smp;
  static const DeviceTable table =
      TableBuilder<D>("Smp", "Processors", "How many processors, and in what groups.")
          .told_by(DeviceOption::keyval, "-smp")
          .with({
              count<&D::cpus>("cpus", "cpus", "At start.").said(),
              count<&D::max_cpus>("max_cpus", "maxcpus", "With those that can be plugged."),
              count<&D::sockets>("sockets", "sockets", "On the board."),
              count<&D::dies>("dies", "dies", "A socket."),
              count<&D::cores>("cores", "cores", "A die, or a socket."),
              count<&D::threads>("threads", "threads", "A core."),
          });
  return table;
}

void Smp::validate() const {
  check_fields(describe(), this);
  if (max_cpus != 0 && max_cpus < cpus) {
    refuse_device(
        describe(), this,
        "max_cpus (" + std::to_string(max_cpus) + ") must not be less than cpus (" + std::to_string(cpus) + ")");
  }
  // QEMU makes up a group that is not said, so that the product comes out; a die that is not said is one a socket.
  if (sockets == 0 || cores == 0 || threads == 0) return;
  const auto product = std::uint64_t{sockets} * (dies == 0 ? 1 : dies) * cores * threads;
  const auto most = max_cpus == 0 ? cpus : max_cpus;
  if (product != most) {
    refuse_device(describe(), this,
                  "sockets, dies, cores and threads multiply to " + std::to_string(product) + ", not to the " +
                      std::to_string(most) + " of max_cpus");
  }
}

void Smp::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& GuestMemory::describe() {
  using D = GuestMemory;
  static const DeviceTable table =
      TableBuilder<D>("GuestMemory", "Memory", "The guest's memory.")
          .told_by(DeviceOption::keyval, "-m")
          .with({
              computed<D, size_of>("size", "From size_mib."),
              field<&D::size_mib>("size_mib", "", "At start.").range(1, most_mib).in("MiB").needed(),
              field<&D::slots>("slots", "slots", "For memory modules.").range(1, 256).in("slots"),
              computed<D, max_of>("maxmem", "From max_mib."),
              field<&D::max_mib>("max_mib", "", "What plugging can reach.").range(1, most_mib).in("MiB"),
          });
  return table;
}

void GuestMemory::validate() const {
  check_fields(describe(), this);
  if (max_mib != 0 && max_mib < size_mib) refuse_device(describe(), this, "max_mib must not be less than size_mib");
  if (slots != 0 && max_mib == 0) refuse_device(describe(), this, "slots needs max_mib");
}

void GuestMemory::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& NumaNode::describe() {
  using D = NumaNode;
  static const DeviceTable table =
      TableBuilder<D>("NumaNode", "NUMA node", "A NUMA node with the memory of a backend.")
          .told_by(DeviceOption::worded, "-numa")
          .is("node")
          .with({
              field<&D::node>("node", "nodeid", "Its number; not set: the next.").range(0, max_node),
              computed<D, cpus_of>("cpus", "From first_cpu and last_cpu."),
              reference<&D::memdev>("memdev", "memdev", "Its memory."),
              field<&D::first_cpu>("first_cpu", "", "The first of its vCPUs.").range(0, 4095),
              field<&D::last_cpu>("last_cpu", "", "The last of them; not set: the first one.").range(0, 4095),
          });
  return table;
}

void NumaNode::validate() const {
  check_fields(describe(), this);
  if (last_cpu && (!first_cpu || *last_cpu < *first_cpu)) {
    refuse_device(describe(), this, "last_cpu must not be less than first_cpu");
  }
}

void NumaNode::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& NumaDistance::describe() {
  using D = NumaDistance;
  static const DeviceTable table =
      TableBuilder<D>("NumaDistance", "NUMA distance", "How far two nodes are from each other.")
          .told_by(DeviceOption::worded, "-numa")
          .is("dist")
          .with({
              field<&D::from>("from", "src", "A node.").range(0, max_node).said(),
              field<&D::to>("to", "dst", "Another node.").range(0, max_node).said(),
              field<&D::distance>("distance", "val", "10 is a node's own memory, 255 cannot be reached.")
                  .range(10, 255)
                  .needed(),
          });
  return table;
}

void NumaDistance::validate() const {
  check_fields(describe(), this);
  if ((from == to) != (distance == 10))
    refuse_device(describe(), this, "distance must be 10 to itself, and only there");
}

void NumaDistance::render(CommandLine& line) const { render_fields(describe(), this, line); }

}  // namespace visor::sdk
