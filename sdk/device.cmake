# SPDX-License-Identifier: Apache-2.0
set(visor_sdk_device_headers include/visor/sdk/device/command_line.hpp include/visor/sdk/device/devices.hpp
    include/visor/sdk/device/property_bag.hpp)
set(visor_sdk_device_sources src/device/command_line.cpp src/device/devices.cpp src/device/property_bag.cpp)
