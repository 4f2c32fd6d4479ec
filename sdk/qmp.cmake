# SPDX-License-Identifier: Apache-2.0
# The I/O thread and the QMP transport; paths relative to sdk/.
set(visor_sdk_qmp_headers io_thread qmp/client qmp/commands qmp/types)
list(TRANSFORM visor_sdk_qmp_headers PREPEND include/visor/sdk/)
list(TRANSFORM visor_sdk_qmp_headers APPEND .hpp)
