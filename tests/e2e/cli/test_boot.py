# SPDX-License-Identifier: Apache-2.0
"""visor run with real guests: what they say on their console, and how the command ends."""
import json
import os
import re
import unittest

from command import CommandTest


class Boot(CommandTest):
    deadline = 180  # an emulated guest on a busy machine is up within a tenth of it

    def report_of(self, machine):
        """What the guest reports before it powers itself off."""
        guest = os.environ["VISOR_GUEST_AMD64"]
        config = self.write("vm.yaml", f"""
hypervisor: qemu-amd64
machine: {{type: {machine}, accelerator: tcg}}
memory: {{size: 256MiB}}
devices: [{{type: rng}}]
boot:
  kernel: {guest}/kernel
  initrd: {guest}/initrd
  kernel_params: [visor.nonce=n-{machine}-{os.getpid()}, visor.poweroff=1]
""")
        out, err = self.visor("run", "--id", "vm0", config)
        self.assertEqual(err, "")
        self.assert_nothing_left()
        found = re.search(r'\{"visor-guest":1,.*\}', out)
        self.assertTrue(found, out)
        report = json.loads(found.group())
        self.assertEqual((report["nonce"], report["arch"]), (f"n-{machine}-{os.getpid()}", "x86_64"))
        return report

    def test_q35(self):
        self.assertEqual(self.report_of("q35")["virtio"], "pci")

    def test_pc(self):
        self.assertEqual(self.report_of("pc")["virtio"], "pci")


if __name__ == "__main__":
    unittest.main()
