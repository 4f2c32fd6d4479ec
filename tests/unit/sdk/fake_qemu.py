#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""As much of a QEMU as a start needs: three monitors on inherited descriptors that say yes to everything."""
import json
import socket
import threading

GREETING = {"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""}, "capabilities": []}}


def serve(descriptor):
    peer, _ = socket.socket(fileno=descriptor).accept()
    peer.sendall(json.dumps(GREETING).encode() + b"\n")
    for line in peer.makefile():
        request = json.loads(line)
        answer = {"return": {}} | ({"id": request["id"]} if "id" in request else {})
        peer.sendall(json.dumps(answer).encode() + b"\n")


monitors = [threading.Thread(target=serve, args=(descriptor,)) for descriptor in (3, 4, 5)]
for monitor in monitors:
    monitor.start()
for monitor in monitors:
    monitor.join()
