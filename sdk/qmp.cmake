# SPDX-License-Identifier: Apache-2.0
# The I/O thread and the QMP transport; paths relative to sdk/.
set(visor_sdk_qmp_headers
    io_thread
    qmp/batch
    qmp/client
    qmp/commands
    qmp/latency
    qmp/log
    qmp/commands/cpus
    qmp/commands/dump
    qmp/commands/jobs
    qmp/commands/machine
    qmp/commands/memory
    qmp/commands/migration
    qmp/commands/qom
    qmp/commands/schema
    qmp/commands/block
    qmp/commands/chardev
    qmp/commands/device
    qmp/commands/fd
    qmp/commands/net
    qmp/commands/object
    qmp/types)
list(TRANSFORM visor_sdk_qmp_headers PREPEND include/visor/sdk/)
list(TRANSFORM visor_sdk_qmp_headers APPEND .hpp)
set(visor_sdk_qmp_sources
    io_thread
    io_thread_watch
    qmp/batch
    qmp/answer
    qmp/client
    qmp/codec
    qmp/commands/cpus
    qmp/commands/dump
    qmp/commands/jobs
    qmp/commands/machine
    qmp/commands/memory
    qmp/commands/migration
    qmp/commands/migration_follow
    qmp/commands/migration_uri
    qmp/commands/qom
    qmp/commands/schema
    qmp/commands/schema_check
    qmp/commands
    qmp/commands/block
    qmp/commands/chardev
    qmp/commands/device
    qmp/commands/fd
    qmp/commands/net
    qmp/commands/object
    qmp/connection
    qmp/connection_end
    qmp/connection_events
    qmp/connection_log
    qmp/connection_write
    qmp/latency
    qmp/log
    qmp/log_text
    qmp/outbox
    qmp/session
    qmp/socket
    qmp/types)
list(TRANSFORM visor_sdk_qmp_sources PREPEND src/)
list(TRANSFORM visor_sdk_qmp_sources APPEND .cpp)
