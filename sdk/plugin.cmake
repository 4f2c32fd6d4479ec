# SPDX-License-Identifier: Apache-2.0
# What a plugin's own source includes; paths relative to sdk/.
set(visor_sdk_plugin_headers include/visor/sdk/plugin.hpp)
