# SPDX-License-Identifier: Apache-2.0
# The device structs and their renderings; paths relative to sdk/.
set(visor_sdk_device_headers
    addresses
    boot
    chardev
    command_line
    cpu
    describe
    devices
    disk
    fs
    link
    machine
    memory
    net
    pci
    place
    process
    property_bag
    serial
    vfio
    vhost)
set(visor_sdk_device_sources ${visor_sdk_device_headers} addresses_codec field_check field_syntax render tables)
list(TRANSFORM visor_sdk_device_headers PREPEND include/visor/sdk/device/)
list(TRANSFORM visor_sdk_device_headers APPEND .hpp)
list(TRANSFORM visor_sdk_device_sources PREPEND src/device/)
list(TRANSFORM visor_sdk_device_sources APPEND .cpp)
