// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/boot.hpp"
#include "visor/sdk/device/chardev.hpp"
#include "visor/sdk/device/cpu.hpp"
#include "visor/sdk/device/describe.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/disk.hpp"
#include "visor/sdk/device/fs.hpp"
#include "visor/sdk/device/machine.hpp"
#include "visor/sdk/device/memory.hpp"
#include "visor/sdk/device/net.hpp"
#include "visor/sdk/device/pci.hpp"
#include "visor/sdk/device/process.hpp"
#include "visor/sdk/device/serial.hpp"
#include "visor/sdk/device/vfio.hpp"
#include "visor/sdk/device/vhost.hpp"

namespace visor::sdk {
namespace {

template <class... Device>
std::vector<const DeviceTable*> tables_of() {
  return {&Device::describe()...};
}

}  // namespace

const std::vector<const DeviceTable*>& device_tables() {
  static const auto tables =
      tables_of<Machine, CpuModel, Smp, GuestMemory, NumaNode, NumaDistance, MemoryBackend, PcDimm, Nvdimm, VirtioMem,
                VirtioBalloon, CpuDevice, Kernel, Bios, Pflash, FwCfg, Loader, Incoming, BlockNode, VirtioBlk,
                ScsiController, ScsiDisk, IoThreadObject, FsBackend, Virtio9p, TapNetdev, UserNetdev, VhostUserNetdev,
                VdpaNetdev, VirtioNet, VhostUserDevice, VhostVsock, VfioPci, VfioCcw, VfioAp, PciBridge, PcieRootPort,
                IntelIommu, VirtioIommu, Chardev, SocketChardev, QmpSocket, Monitor, VirtioSerial, VirtioPort,
                SerialConsole, SerialPort, VirtioRng, PanicDevice, Name, ProcessSettings, Knobs, Rtc, Actions,
                GlobalProperty, Sandbox, GenericObject>();
  return tables;
}

}  // namespace visor::sdk
