// SPDX-License-Identifier: Apache-2.0
#include "describe_field.hpp"
#include "describe_sections.hpp"

namespace visor {
namespace {

using namespace detail;  // NOLINT(google-build-using-namespace): core's own

/// Every device's table begins with its id. The table's name is the device's type.
template <class Struct>
Section device(std::string_view doc, std::vector<Field> fields) {
  fields.insert(fields.begin(), identifier<&Struct::id>("id", "Name of the device; not set: the plugin chooses one."));
  return make_section<Struct>(device_type(Struct{}), doc, std::move(fields));
}

Section disk() {
  using D = DiskConfig;
  constexpr std::uint64_t most = 65536;
  return device<D>(
      "A disk backed by a file or a block device of the host.",
      {
          path<&D::path>("path", "File or block device.").needed(),
          field<&D::format>("format", "What the file is; it is never guessed."),
          field<&D::bus>("bus", "How it is attached; auto: as `storage.driver` says."),
          field<&D::read_only>("read_only", "The guest cannot write to it."),
          field<&D::serial>("serial", "Serial number that the guest sees, at most 20 characters."),
          field<&D::cache_direct>("cache_direct", "Goes around the host's page cache."),
          field<&D::cache_no_flush>("cache_no_flush", "Ignores the guest's flush requests: fast, and unsafe."),
          field<&D::aio>("aio", "How the host reads and writes; native needs `cache_direct`."),
          field<&D::discard>("discard", "Passes the guest's discards on to the host."),
          field<&D::share_rw>("share_rw", "Allows other writers of the same file."),
          field<&D::iothread>("iothread", "Id of the iothread that serves it."),
          number<&D::logical_block_size_bytes, Unit::bytes>("logical_block_size_bytes", 0, most,
                                                            "Power of two from 512; 0: the hypervisor's choice."),
          number<&D::physical_block_size_bytes, Unit::bytes>(
              "physical_block_size_bytes", 0, most, "Power of two from 512, at least the logical size; 0: the same."),
      });
}

Section share() {
  using S = ShareConfig;
  return device<S>("A host folder that the guest can mount by its tag.",
                   {
                       path<&S::path>("path", "Folder on the host.").needed(),
                       field<&S::tag>("tag", "Name by which the guest mounts it, at most 31 characters.").needed(),
                       field<&S::type>("protocol", "How it is shared; auto: as `shared_fs.type` says."),
                       field<&S::security>("security", "How 9p maps users and permissions."),
                       field<&S::read_only>("read_only", "The guest cannot write to it."),
                   });
}

Section nic() {
  using N = NicConfig;
  return device<N>(
      "A network card.",
      {
          field<&N::backend>("backend", "What it is connected to; user needs no rights on the host."),
          field<&N::interface>("interface", "The host's interface, for vdpa its device; needed for all but user.")
              .admin(),
          field<&N::mac>("mac", "Address as 02:00:00:00:00:01; not set: one is made."),
          number<&N::queues>("queues", 1, 256, "Pairs of queues.").in("queues"),
          field<&N::vhost>("vhost", "Lets the host's kernel move its packets where it can."),
      });
}

Section serial_port() {
  using S = SerialPortConfig;
  return device<S>("A named byte channel between guest and host.",
                   {
                       field<&S::name>("name", "Name that the guest sees.").needed(),
                       path<&S::socket>("socket", "Unix socket on the host; not set: in the VM's run folder."),
                   });
}

Section vsock() {
  return device<VsockConfig>(
      "A socket family between guest and host.",
      {number<&VsockConfig::cid>("cid", 3, 0xfffffffe, "Context id; not set: the plugin's choice, if it makes one.")});
}

Section vfio() {
  using V = VfioConfig;
  return device<V>("A host device given to the guest: either a PCI address or a sysfs folder.",
                   {
                       field<&V::host>("host", "PCI address as 0000:01:00.0.").admin(),
                       path<&V::sysfs_path>("sysfs_path", "Sysfs folder of a mediated, ccw or ap device."),
                   });
}

Section vhost_user() {
  using V = VhostUserConfig;
  return device<V>("A device served by another process over a Unix socket.",
                   {
                       field<&V::type>("device", "What kind of device it is."),
                       path<&V::socket>("socket", "Socket of the serving process.").needed(),
                       field<&V::mac>("mac", "Address of a network card."),
                       field<&V::tag>("tag", "Name by which the guest mounts a file system."),
                   });
}

Section rng() {
  using R = RngConfig;
  return device<R>(
      "A source of random numbers.",
      {
          path<&R::source>("source", "Where the numbers come from; not set: `host.entropy_source`."),
          number<&R::max_bytes, Unit::bytes>("max_bytes", 0, INT64_MAX, "Most bytes a period; 0: no limit."),
          number<&R::period_ms, Unit::ms>("period_ms", 0, UINT32_MAX,
                                          "Length of a period; 0: the hypervisor's choice."),
      });
}

Section balloon() {
  using B = BalloonConfig;
  return device<B>("Takes memory from the guest and gives it back.",
                   {
                       field<&B::deflate_on_oom>("deflate_on_oom", "Gives memory back when the guest runs out."),
                       field<&B::free_page_reporting>("free_page_reporting", "The guest tells which pages are free."),
                   });
}

Section fw_cfg() {
  using F = FwCfgConfig;
  return device<F>("A named blob for the guest's firmware and drivers. Exactly one of `path` and `text`.",
                   {
                       field<&F::name>("name", "Name, at most 55 characters; yours begin with \"opt/\".").needed(),
                       path<&F::path>("path", "File with the content."),
                       field<&F::text>("text", "The content itself."),
                   });
}

Section iommu() {
  using I = IommuConfig;
  return device<I>("An IOMMU for the guest.",
                   {
                       field<&I::interrupt_remapping>("interrupt_remapping", "Maps interrupts too."),
                       field<&I::device_iotlb>("device_iotlb", "Lets devices cache translations."),
                       field<&I::caching_mode>("caching_mode", "Reports new mappings; host devices need it."),
                   });
}

Section cloud_init() {
  using C = CloudInitConfig;
  return device<C>(
      "A read-only disk from which cloud-init sets the guest up; it is made when the VM is started.",
      {
          field<&C::source>("datasource", "How the disk is laid out and labelled: cidata, or OpenStack's config-2."),
          document<&C::user_data>("user_data", "User data, such as a #cloud-config. It may hold secrets."),
          path<&C::user_data_path>("user_data_path", "File with the user data, at most 1 MiB."),
          document<&C::meta_data>("meta_data", "Meta-data; not set: the VM's id, and its name as the host name."),
          path<&C::meta_data_path>("meta_data_path", "File with the meta-data, at most 1 MiB."),
          document<&C::network_config>("network_config", "Network configuration; not set: cloud-init's own choice."),
          path<&C::network_config_path>("network_config_path", "File with the network configuration, at most 1 MiB."),
      });
}

Section raw() {
  using R = RawDeviceConfig;
  return device<R>("A device in the hypervisor's own words. It marks the VM as customised.",
                   {
                       field<&R::driver>("driver", "The hypervisor's name for the device.").needed().admin(),
                       field<&R::properties>("properties", "Its properties.").admin(),
                   });
}

template <std::size_t... Index>
DeviceConfig make_device_of(std::size_t index, std::index_sequence<Index...>) {
  using Make = DeviceConfig (*)();
  constexpr Make makers[] = {[] { return DeviceConfig{std::variant_alternative_t<Index, DeviceVariant>{}}; }...};
  return makers[index]();
}

}  // namespace

const std::vector<Section>& device_sections() {
  static const std::vector<Section> tables = {
      disk(),
      share(),
      nic(),
      serial_port(),
      vsock(),
      vfio(),
      vhost_user(),
      rng(),
      balloon(),
      device<PanicConfig>("A device by which the guest reports a kernel panic.", {}),
      device<WatchdogConfig>("A timer that acts when the guest stops resetting it.",
                             {field<&WatchdogConfig::action>("action", "What it does then.")}),
      fw_cfg(),
      iommu(),
      device<IoThreadConfig>("A thread of the hypervisor that serves disks.", {}),
      cloud_init(),
      raw()};
  return tables;
}

namespace detail {

const Section& section_of(const DeviceConfig& device) { return device_sections()[device.index()]; }

const void* object_of(const DeviceConfig& device) {
  return std::visit([](const auto& one) -> const void* { return &one; }, device);
}

void* object_of(DeviceConfig& device) {
  return std::visit([](auto& one) -> void* { return &one; }, device);
}

DeviceConfig make_device(std::size_t index) {
  return make_device_of(index, std::make_index_sequence<std::variant_size_v<DeviceVariant>>{});
}

}  // namespace detail
}  // namespace visor
