# SPDX-License-Identifier: Apache-2.0
"""The other side of a vhost-user device, as far as a QEMU asks that never runs its guest.

The protocol: https://www.qemu.org/docs/master/interop/vhost-user.html
"""
import os
import socket
import struct
import threading

HEADER = struct.Struct("<III")  # request, flags, size of what follows
REPLY = 0b101  # version 1, and this is a reply
GET_FEATURES, GET_PROTOCOL_FEATURES, GET_QUEUE_NUM, GET_CONFIG = 1, 15, 17, 24
SEVERAL_QUEUES, HAS_CONFIG = 1 << 0, 1 << 9  # features of the protocol
FEATURES = 1 << 30 | 1 << 32  # it has such features, VIRTIO_F_VERSION_1


class Peer:
    """Listens at a path, and answers until the with block ends."""

    def __init__(self, path, has_config):
        self.answers = {GET_FEATURES: FEATURES, GET_QUEUE_NUM: 8,
                        GET_PROTOCOL_FEATURES: SEVERAL_QUEUES | (HAS_CONFIG if has_config else 0)}
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        self.thread = threading.Thread(target=self.accept)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self.thread.join()
        self.listener.close()

    def accept(self):
        servants = []
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                break
            servants.append(threading.Thread(target=serve, args=(connection, self.answers)))
            servants[-1].start()
        for servant in servants:
            servant.join()


def receive(connection, size):
    """Exactly so many bytes; the descriptors that came along are closed. Fewer at the end."""
    data = b""
    while len(data) < size:
        more, fds, _, _ = socket.recv_fds(connection, size - len(data), 8)
        for fd in fds:
            os.close(fd)
        if not more:
            break
        data += more
    return data


def serve(connection, answers):
    """Until QEMU, which is ended before this is waited for, closes it."""
    with connection:
        while len(head := receive(connection, HEADER.size)) == HEADER.size:
            request, _, size = HEADER.unpack(head)
            asked = receive(connection, size)
            if request in answers:
                connection.sendall(HEADER.pack(request, REPLY, 8) + struct.pack("<Q", answers[request]))
            elif request == GET_CONFIG:
                connection.sendall(HEADER.pack(request, REPLY, size) + asked)
