# SPDX-License-Identifier: GPL-2.0-only
"""
A camera: an RTSP server on port 554 with a moving test picture as JPEG.

Run it as a program in the camera's namespace; it says "ready" when it serves.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

# The JPEG payloader takes no other sampling than I420.
PICTURE = ("( videotestsrc is-live=true pattern=ball ! "
           "video/x-raw,format=I420,width=160,height=120,framerate=5/1 ! "
           "jpegenc ! rtpjpegpay name=pay0 pt=26 )")


def main():
    """Serve until killed."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_service("554")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(PICTURE)
    factory.set_shared(True)
    server.get_mount_points().add_factory("/live", factory)
    if not server.attach(None):
        sys.exit("camera: cannot listen on port 554")
    print("ready", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
