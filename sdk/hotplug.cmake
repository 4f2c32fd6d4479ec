# SPDX-License-Identifier: Apache-2.0
# Where devices and QMP meet: plugging and unplugging as one what QEMU makes in several steps; paths relative to sdk/.
set(visor_sdk_hotplug_headers include/visor/sdk/hotplug/plug.hpp
    include/visor/sdk/hotplug/plugging.hpp)
set(visor_sdk_hotplug_sources src/hotplug/plug.cpp src/hotplug/plugging.cpp)
