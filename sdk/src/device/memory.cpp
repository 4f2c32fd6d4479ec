// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/memory.hpp"

#include "table.hpp"

namespace visor::sdk {
namespace {

constexpr std::uint64_t any_size = ~0ULL;
constexpr std::uint64_t page = 4096;
constexpr std::uint64_t max_node = 127;  // qemu: MAX_NODES

}  // namespace

const DeviceTable& MemoryBackend::describe() {
  using D = MemoryBackend;
  using enum MemoryKind;
  static const DeviceTable table =
      TableBuilder<D>("MemoryBackend", "Memory backend", "Memory of the host for a guest.")
          .told_by(DeviceOption::object, "-object")
          .by<&D::kind>({{"ram", "memory-backend-ram", on_all, ""},
                         {"a file", "memory-backend-file", on_all, ""},
                         {"memfd", "memory-backend-memfd", on_all, ""}})
          .with({
              id_field<&D::id>(),
              path_field<&D::path>("path", "mem-path", "The file, or a folder for a nameless one.")
                  .only(variants_of(file))
                  .needed(),
              field<&D::size_bytes>("size_bytes", "size", "How much.").range(1, any_size).in("bytes").needed(),
              field<&D::share>("share", "share", "Others that map it see what the guest writes.").said(),
              field<&D::prealloc>("prealloc", "prealloc", "Takes all of it at start."),
              field<&D::prealloc_threads>("prealloc_threads", "prealloc-threads", "How many threads take it.")
                  .range(1, 256)
                  .in("threads"),
              field<&D::reserve>("reserve", "reserve", "Sets swap space or huge pages aside for it."),
              field<&D::dump>("dump", "dump", "It is in a core dump of QEMU."),
              field<&D::merge>("merge", "merge", "The kernel may merge equal pages of it."),
              field<&D::huge_pages>("huge_pages", "hugetlb", "From the host's huge pages.").only(variants_of(memfd)),
              field<&D::huge_page_bytes>("huge_page_bytes", "hugetlbsize", "Their size.")
                  .range(page, any_size)
                  .powers()
                  .in("bytes")
                  .only(variants_of(memfd)),
              field<&D::read_only>("read_only", "readonly", "The file is opened for reading.").only(variants_of(file)),
              field<&D::discard_data>("discard_data", "discard-data", "The file's content is lost when QEMU ends.")
                  .only(variants_of(file)),
              field<&D::pmem>("pmem", "pmem", "The file lies in persistent memory.").only(variants_of(file)),
              field<&D::align_bytes>("align_bytes", "align", "Of its mapping.")
                  .range(page, any_size)
                  .powers()
                  .in("bytes")
                  .only(variants_of(file)),
          });
  return table;
}

void MemoryBackend::validate() const {
  check_fields(describe(), this);
  if (reserve == false && prealloc) refuse_device(describe(), this, "reserve and prealloc contradict each other");
  if (prealloc_threads != 0 && !prealloc) refuse_device(describe(), this, "prealloc_threads needs prealloc");
  if (huge_page_bytes != 0 && !huge_pages) refuse_device(describe(), this, "huge_page_bytes needs huge_pages");
}

PropertyBag MemoryBackend::properties() const { return properties_of(describe(), this); }

void MemoryBackend::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& PcDimm::describe() {
  using D = PcDimm;
  static const DeviceTable table =
      TableBuilder<D>("PcDimm", "Memory module", "A memory module.")
          .is("pc-dimm")
          .with({
              id_field<&D::id>(),
              reference<&D::memdev>("memdev", "memdev", "Its backend.").needed(),
              field<&D::node>("node", "node", "The NUMA node.").range(0, max_node),
              field<&D::slot>("slot", "slot", "Its slot; not set: QEMU's choice.").range(0, 255),
              field<&D::address>("address", "addr", "In the guest's physical memory; not set: QEMU's choice."),
          });
  return table;
}

void PcDimm::validate() const { check_fields(describe(), this); }

PropertyBag PcDimm::properties() const { return properties_of(describe(), this); }

void PcDimm::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& VirtioMem::describe() {
  using D = VirtioMem;
  static const DeviceTable table =
      TableBuilder<D>("VirtioMem", "Virtio memory", "Memory that grows and shrinks in blocks.")
          .is_virtio("virtio-mem", on_pci)
          .with({
              id_field<&D::id>(),
              reference<&D::memdev>("memdev", "memdev", "Its backend, whose size is the most it can give.").needed(),
              field<&D::requested_bytes>("requested_bytes", "requested-size", "What the guest should have at first.")
                  .in("bytes"),
              field<&D::block_bytes>("block_bytes", "block-size", "The unit; not set: QEMU's own.")
                  .range(1U << 20U, any_size)  // qemu: hw/virtio/virtio-mem.c, VIRTIO_MEM_MIN_BLOCK_SIZE
                  .powers()
                  .in("bytes"),
              field<&D::node>("node", "node", "The NUMA node.").range(0, max_node),
              field<&D::address>("address", "memaddr", "In the guest's physical memory; not set: QEMU's choice."),
              field<&D::prealloc>("prealloc", "prealloc", "Takes each block when the guest gets it."),
          })
          .placed<&D::place>();
  return table;
}

void VirtioMem::validate() const {
  check_fields(describe(), this);
  if (block_bytes != 0 && requested_bytes % block_bytes != 0) {
    refuse_device(describe(), this, "requested_bytes must be a multiple of block_bytes");
  }
}

PropertyBag VirtioMem::properties() const { return properties_of(describe(), this); }

void VirtioMem::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& VirtioBalloon::describe() {
  using D = VirtioBalloon;
  static const DeviceTable table =
      TableBuilder<D>("VirtioBalloon", "Balloon", "Takes memory from the guest and gives it back.")
          .is_virtio("virtio-balloon")
          .with({
              id_field<&D::id>(),
              field<&D::deflate_on_oom>("deflate_on_oom", "deflate-on-oom",
                                        "The guest takes memory back before it kills processes."),
              field<&D::free_page_reporting>("free_page_reporting", "free-page-reporting",
                                             "The guest tells what it does not use, and the host takes it."),
              field<&D::free_page_hint>("free_page_hint", "free-page-hint", "The same, for a migration."),
              reference<&D::iothread>("iothread", "iothread", "The thread that handles hints."),
          })
          .placed<&D::place>();
  return table;
}

void VirtioBalloon::validate() const {
  check_fields(describe(), this);
  if (free_page_hint && iothread.empty()) refuse_device(describe(), this, "free_page_hint needs an iothread");
}

PropertyBag VirtioBalloon::properties() const { return properties_of(describe(), this); }

void VirtioBalloon::render(CommandLine& line) const { render_fields(describe(), this, line); }

}  // namespace visor::sdk
