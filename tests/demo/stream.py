# SPDX-License-Identifier: GPL-2.0-only
"""Cameras and recordings as the demo sees them: programs in namespaces."""

import os
import subprocess
import sys
import threading

import netns
import wait

HERE = os.path.dirname(os.path.abspath(__file__))


def _start(name, where, *arguments):
    return netns.start(sys.executable, "-B", os.path.join(HERE, name),
                       *arguments, netns=where, stdout=subprocess.PIPE)


def start_camera(host):
    """Start the RTSP server of a camera; returns the process."""
    process = _start("camera.py", host.name)
    if process.stdout.readline().strip() != "ready":
        raise RuntimeError(f"{host.name}: the RTSP server did not start")
    return process


class Recording:
    """The recorder pulling one camera's stream."""

    def __init__(self, camera, recorder, transport, limit=None):
        self._process = _start("recorder.py", recorder.name,
                               f"rtsp://{camera.ipv4}/live", transport,
                               *([str(limit)] if limit else []))
        self.frames = self.bytes = 0
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self):
        for line in self._process.stdout:
            self.frames, self.bytes = map(int, line.split())

    def wait_for(self, more):
        """Wait for so many more pictures than there are now."""
        before = self.frames

        def enough():
            if self.frames >= before + more:
                return True
            if self._process.poll() is not None:
                raise wait.Late("the recorder ended with exit status "
                                f"{self._process.returncode}")
            return False

        wait.until(enough, f"{more} more pictures after {before}")

    def wait_end(self):
        """Wait for a recording with a limit to end in order."""
        try:
            status = self._process.wait(wait.BOUND)
        except subprocess.TimeoutExpired:
            self.stop()
            raise wait.Late(f"the recorder had {self.frames} pictures after "
                            f"{wait.BOUND} s") from None
        self._thread.join()
        if status:
            raise wait.Late(f"the recorder ended with exit status {status}")

    def stop(self):
        """End it now."""
        self._process.kill()
        self._process.wait()
