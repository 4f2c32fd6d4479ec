# SPDX-License-Identifier: Apache-2.0
"""Every golden command line of one architecture, taken by the real QEMU: it comes up to prelaunch and obeys quit.

Devices that this host has not what they need for are looked up, property by property, in what QEMU says of its devices.
usage: test_golden.py ARCH GOLDEN-FOLDER. Exit status 77: QEMU or the guest is missing.
"""
import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import vhost_user_peer

DEADLINE = 60  # of one QEMU; a start takes a fraction of a second
FIRST_FD = 3
FIRMWARE = {"amd64": "/usr/share/seabios/bios-256k.bin", "ppc64le": "/usr/share/qemu/slof.bin",
            "s390x": "/usr/share/qemu/s390-ccw.img"}  # an arm64 guest takes any bytes
FLASH_BYTES = {"amd64": 1 << 20, "arm64": 64 << 20}  # of each image; arm64's virt takes no other size
HOST_NEEDS = {"vhost-vsock": "/dev/vhost-vsock", "vfio-": "/dev/vfio/vfio", "tap": "/dev/net/tun"}


class Refused(Exception):
    """QEMU ended before it answered."""


class Qemu:
    """A QEMU whose listening sockets are made for it, as the keeper does. Gone at the end of the with block."""

    def __init__(self, argv, folder):
        count = max(int(number) for number in re.findall(r"fd=(\d+)", " ".join(argv))) - FIRST_FD + 1
        self.paths = [f"{folder}/{number}.sock" for number in range(count)]
        self.listeners = []
        for path in self.paths:
            self.listeners.append(socket.socket(socket.AF_UNIX))
            self.listeners[-1].bind(path)
            self.listeners[-1].listen(1)
        self.stderr = open(f"{folder}/stderr", "w+b")
        # Nothing of subprocess' own may lie where the listeners go.
        held = [os.open(os.devnull, os.O_RDONLY) for _ in range(count)]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.stderr, stderr=self.stderr,
                                        preexec_fn=self.place, close_fds=False)
        for fd in held:
            os.close(fd)
        self.monitor = None

    def place(self):
        """In the child: the listeners to where the command line wants them."""
        high = [os.dup2(listener.fileno(), 100 + index, inheritable=False)
                for index, listener in enumerate(self.listeners)]
        for index, number in enumerate(high):
            os.dup2(number, FIRST_FD + index)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE)
        for thing in (*self.listeners, self.stderr, *([self.monitor] if self.monitor else [])):
            thing.close()

    def said(self):
        self.stderr.seek(0)
        return self.stderr.read().decode(errors="replace").strip()

    def more(self):
        try:
            data = self.monitor.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.process.wait(DEADLINE)
            raise Refused(self.said())
        return data

    def answer_to(self, command):
        """The answer; the greeting, when there is no command."""
        if command:
            with contextlib.suppress(BrokenPipeError):  # what then comes says more
                self.monitor.sendall(json.dumps({"execute": command}).encode() + b"\n")
        end, data = time.monotonic() + DEADLINE, b""
        while time.monotonic() < end:
            *lines, _ = data.split(b"\n")
            for message in map(json.loads, lines):
                if "event" not in message:
                    return message
            if select.select([self.monitor], [], [], 0.1)[0]:
                data += self.more()
            elif self.process.poll() is not None:
                raise Refused(self.said())
        raise AssertionError(f"no answer to {command} within {DEADLINE} s; stderr: {self.said()}")

    def status_then_quit(self):
        """The status before anything runs; the exit status and stderr after quit."""
        self.monitor = socket.socket(socket.AF_UNIX)
        self.monitor.connect(self.paths[0])
        self.listeners[0].close()  # QEMU has its own copy; a connection that it never takes is not ours to wait for
        self.answer_to(None)
        self.answer_to("qmp_capabilities")
        status = self.answer_to("query-status")["return"]["status"]
        self.answer_to("quit")
        return status, self.process.wait(DEADLINE), self.said()


class Golden(unittest.TestCase):
    maxDiff = None
    arch, folder, guest = "", pathlib.Path(), ""

    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="vg-")
        self.addCleanup(shutil.rmtree, self.scratch)

    def real(self, argument):
        """The imagined files of a golden command line, exchanged for real ones."""
        for name in ("code,,1.fd", "vars.fd", "code,1.fd"):
            if f"/f/{name}" in argument:
                path = f"{self.scratch}/{name.replace(',', '')}"
                with open(path, "ab") as file:
                    file.truncate(FLASH_BYTES[self.arch])
                argument = argument.replace(f"/f/{name}", path)
        argument = re.sub("/s/|/run/vm0/(?=fs-)", f"{self.scratch}/", argument)
        argument = re.sub(r",vhostfd=\d+", "", argument)  # the driver opens it; here QEMU does
        firmware = FIRMWARE.get(self.arch, f"{self.guest}/initrd")
        files = {"/k/vmlinuz": "kernel", "/k/initrd": "initrd", "/k/early": "early-initrd", "/i/root.img": "image.ext4",
                 "/i/dax.img": "image.pfn", "/run/vm0/cloud-init.iso": "initrd"}
        for imagined, name in files.items():
            argument = argument.replace(imagined, f"{self.guest}/{name}")
        argument = re.sub(r"(image\.pfn,size=|image\.ext4,size=)\d+", self.with_size, argument)
        return argument.replace("/f/bios.bin", firmware).replace("/dev/sdz", "/dev/null")

    def with_size(self, match):
        return match.group(1) + str(os.path.getsize(f"{self.guest}/{match.group(1).split(',')[0]}"))

    def outcome(self, argv):
        with Qemu(argv, tempfile.mkdtemp(dir=self.scratch)) as qemu:
            return qemu.status_then_quit()

    @contextlib.contextmanager
    def served(self, argv):
        """Processes that serve its vhost-user devices, as many as it has."""
        with contextlib.ExitStack() as peers:
            for name, has_config in (("disk", True), ("served", False), ("fs-share0", False), ("fs-share1", False)):
                path = pathlib.Path(self.scratch, f"{name}.sock")
                if str(path) in " ".join(argv):
                    path.unlink(missing_ok=True)
                    peers.enter_context(vhost_user_peer.Peer(str(path), has_config))
            yield

    def look_up(self, argv):
        """Says no when QEMU has not a device or one of its properties."""
        for option, value in zip(argv, argv[1:]):
            if option != "-device":
                continue
            driver, *properties = [part.split("=")[0] for part in re.split("(?<!,),(?!,)", value)]
            known = subprocess.run([argv[0], "-device", f"{driver},help"], capture_output=True, text=True, check=False,
                                   timeout=DEADLINE).stdout
            self.assertIn(f"{driver} options:", known)
            for name in set(properties) - {"id", "bus"}:
                self.assertRegex(known, rf"(?m)^  {re.escape(name)}=", f"{driver} has no {name}")

    def kvm_fails(self, argv):
        """Why this machine does not start with KVM here, however little is asked of it; None when it does."""
        machine = argv[argv.index("-machine") + 1].split(",")[0] + ",accel=kvm"
        monitor = argv[argv.index("-chardev"):argv.index("-chardev") + 4]
        try:
            self.outcome([argv[0], "-nodefaults", "-display", "none", "-S", "-machine", machine, "-cpu", "host",
                          *monitor])
        except Refused as refusal:
            return str(refusal)
        return None

    def take(self, file):
        argv = [self.real(line) for line in file.read_text().splitlines()]
        for kind, node in HOST_NEEDS.items():
            if any(value.startswith(kind) for value in argv) and not os.path.exists(node):
                print(f"{file.name}: not started but looked up, this host has no {node}")
                self.look_up(argv)
                return
        try:
            with self.served(argv):
                status, code, said = self.outcome(argv)
        except Refused as refusal:
            reason = self.kvm_fails(argv) if "accel=kvm" in " ".join(argv) else None
            self.assertTrue(reason, f"QEMU does not take it: {refusal}")
            print(f"{file.name}: not tried, KVM does not work here: {reason}")
            return
        said = [line for line in said.splitlines() if "TCG doesn't support requested feature" not in line]
        self.assertEqual((status, code, said), ("prelaunch", 0, []))

    def test_every_command_line_is_taken(self):
        files = sorted(self.folder.glob("*.argv"))
        self.assertGreaterEqual(len(files), 10)
        for file in files:
            with self.subTest(file.name):
                self.take(file)

    def test_one_that_is_wrong_is_not(self):
        argv = [self.real(line) for line in sorted(self.folder.glob("*-initrd.argv"))[0].read_text().splitlines()]
        with self.assertRaises(Refused) as refused:
            self.outcome([*argv, "-device", "no-such-device"])
        self.assertIn("no-such-device", str(refused.exception))

    def test_what_qemu_has_not_is_not_found(self):
        qemu = next(self.folder.glob("*-initrd.argv")).read_text().splitlines()[0]
        self.look_up([qemu, "-device", "virtio-9p-ccw,id=x,mount_tag=a,,b" if self.arch == "s390x" else
                      "virtio-9p-pci,id=x,mount_tag=a,,b"])
        for device in ("no-such-device", "virtio-serial-device,id=x,no-such-property=1"):
            with self.assertRaises(AssertionError):
                self.look_up([qemu, "-device", device])


def main():
    Golden.arch, Golden.folder = sys.argv[1], pathlib.Path(sys.argv[2]) / sys.argv[1]
    Golden.guest = os.environ[f"VISOR_GUEST_{Golden.arch.upper()}"]
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()
