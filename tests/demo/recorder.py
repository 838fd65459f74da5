# SPDX-License-Identifier: GPL-2.0-only
"""
A recorder: pulls a camera's stream with RTSP and counts what it gets.

    recorder.py URL udp|tcp [FRAMES]

Run it as a program in the recorder's namespace. For each whole JPEG picture
it writes a line with the pictures and their bytes so far. After FRAMES
pictures it ends the session in order (TEARDOWN) and exits.
"""

import os
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402


class Recorder:
    """One RTSP session."""

    def __init__(self, url, transport, limit):
        self._limit = limit
        self._frames = 0
        self._bytes = 0
        self._loop = GLib.MainLoop()
        self.error = None
        self._pipeline = Gst.parse_launch(
            f"rtspsrc location={url} protocols={transport} latency=0 "
            # Microseconds; an emulated camera may take long to start.
            "timeout=60000000 tcp-timeout=60000000 "
            "port-range=10000-20000 ! rtpjpegdepay ! "
            "fakesink name=sink signal-handoffs=true sync=false")
        self._pipeline.get_by_name("sink").connect("handoff", self._picture)
        bus = self._pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self._failed)
        bus.connect("message::eos", self._failed)

    def _picture(self, _sink, buffer, _pad):
        if buffer.extract_dup(0, 2) != b"\xff\xd8":
            return
        if self._limit and self._frames >= self._limit:
            return
        self._frames += 1
        self._bytes += buffer.get_size()
        try:
            print(self._frames, self._bytes, flush=True)
        except BrokenPipeError:
            # The demo is over. Nor at exit is there anybody to tell.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            GLib.idle_add(self._loop.quit)
            return
        if self._frames == self._limit:
            GLib.idle_add(self._loop.quit)

    def _failed(self, _bus, message):
        if message.type == Gst.MessageType.ERROR:
            self.error = message.parse_error()[0].message
        else:
            self.error = "the stream ended"
        self._loop.quit()

    def run(self):
        """Record until the limit or an error."""
        self._pipeline.set_state(Gst.State.PLAYING)
        self._loop.run()
        self._pipeline.set_state(Gst.State.NULL)


def main():
    """See the module."""
    Gst.init(None)
    recorder = Recorder(sys.argv[1], sys.argv[2],
                        int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    recorder.run()
    if recorder.error:
        sys.exit(f"recorder: {recorder.error}")


if __name__ == "__main__":
    main()
