# SPDX-License-Identifier: Apache-2.0
# Processes and their keeper: the SDK's side. Paths relative to sdk/.
set(visor_sdk_process_headers exit_record keeper process_identity reaper spec)
list(TRANSFORM visor_sdk_process_headers PREPEND include/visor/sdk/process/)
list(TRANSFORM visor_sdk_process_headers APPEND .hpp)
set(visor_sdk_process_sources channel exit_record find_program keeper_requests keeper_session message
  order_check order_codec proc_stat process_identity reaper record_codec spawn spawn_program spec unix_socket wait)
list(TRANSFORM visor_sdk_process_sources PREPEND src/process/)
list(TRANSFORM visor_sdk_process_sources APPEND .cpp)
