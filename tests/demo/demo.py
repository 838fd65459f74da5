# SPDX-License-Identifier: GPL-2.0-only
"""
The demo: a camera reaches its recorder and nobody else.

    demo.py --programs DIR --module FILE --pages DIR [--colour]

It runs as root in a machine of its own (scripts/demo boots one), because it
loads the module and names its network namespaces plainly.
"""

import argparse
import os
import sys
import tempfile
import traceback

import ntp
import topology
import wait
from attempt import Attempt
from book import Account, CameraBook, Rounds
from counters import Counters, packets
from exporter import Exporter
from lenscap import CONFIG, GATEWAY, POLICY, Lenscap
from report import Report
from sink import Sink
from stream import Recording, start_camera
from topology import ABROAD4, ABROAD6, FENCE, GATE, RECORDER, STRANGER, TIME

PICTURE = """\
 fence-017  10.30.0.17 --+
                         |            VLAN 30             +-- recorder  10.20.0.10
 gate-003   10.30.0.3  --+-- switch =========== gateway --+-- time      10.20.0.123
                         |               ^                |
 (stranger) 10.30.0.66 --+               |                +-- abroad    203.0.113.66
                                    Lenscap's guard                     2001:db8:bad::66
"""

PHONE_HOME = (
    Attempt(FENCE, "tcp", ABROAD4, 443, "destination"),
    Attempt(FENCE, "udp", ABROAD4, 5000, "destination", datagrams=7),
    Attempt(FENCE, "tcp", ABROAD6, 443, "destination"),
    Attempt(FENCE, "udp", ABROAD6, 5000, "destination", datagrams=7),
    Attempt(FENCE, "udp", ABROAD4, 5001, "wrong_source", datagrams=5,
            source=GATE.ipv4),
)
LATERAL = (
    Attempt(GATE, "tcp", RECORDER.ipv4, 22, "service"),
    Attempt(GATE, "tcp", RECORDER.ipv4, 8443, "direction", source_port=80),
)
STRANGERS = (
    Attempt(STRANGER, "tcp", ABROAD4, 443, "unknown_device"),
    Attempt(STRANGER, "udp", ABROAD6, 5002, "unknown_device", datagrams=6),
    Attempt(STRANGER, "tcp", RECORDER.ipv4, 8443, "unknown_device"),
)
ATTEMPTS = (*PHONE_HOME, *LATERAL, *STRANGERS)
# The connection that is still open when the guard is armed again.
LIVE = PHONE_HOME[0]


class Demo:
    """The story, section by section."""

    def __init__(self, report, lenscap, directory, pages):
        self._report = report
        self._lenscap = lenscap
        self._directory = directory
        self._pages = pages
        self._stream = None
        self._books = []
        self._rounds = None
        self._abroad = None
        self._far = ()
        self._account = None
        self._sink = None

    def _command(self, *arguments):
        """Run lenscapctl and show what it says."""
        self._report.show(self._lenscap.text(*arguments),
                          "lenscapctl " + " ".join(arguments))

    def run(self):
        """Tell it."""
        self._build_site()
        self._start_lenscap()
        self._do_the_job()
        self._phone_home()
        self._plug_stranger()
        self._show_drops()
        self._balance()
        self._monitor()
        self._put_on_a_desk()
        self._disarm()
        self._arm()

    def _build_site(self):
        self._report.section("The site, in network namespaces")
        topology.build()
        for line in PICTURE.rstrip("\n").split("\n"):
            self._report.say(line)
        self._books = [CameraBook(camera, ATTEMPTS)
                       for camera in topology.CAMERAS]
        self._rounds = Rounds(self._books, self._lenscap)
        by_camera = {camera.name: f"ip saddr {camera.ipv4}"
                     for camera in topology.CAMERAS}
        self._far = (Counters("recorder", "ingress", by_camera),
                     Counters("time", "ingress", by_camera))
        self._abroad = Counters("abroad", "ingress", {
            "IPv4": f"ip saddr {topology.CAMERAS4}",
            "IPv6": f"ip6 saddr {topology.CAMERAS6}"})
        self._sink = Sink({
            ("recorder" if a.target == RECORDER.ipv4 else "abroad", *a.place)
            for a in ATTEMPTS})
        for camera in topology.CAMERAS:
            start_camera(camera)
        ntp.start_server(TIME, self._directory)
        self._report.say(
            "",
            "The cameras are RTSP servers, the recorder an RTSP client (all "
            "GStreamer), the time",
            "server and its client chronyd. Behind every port abroad "
            "somebody listens.")

    def _start_lenscap(self):
        self._report.section("The gateway gets Lenscap")
        lenscap = self._lenscap
        lenscap.write_files()
        self._report.show(GATEWAY, f"cat {CONFIG}/gateway.yaml")
        self._report.show(POLICY, f"cat {CONFIG}/policy.yaml")
        self._command("check", f"{CONFIG}/gateway.yaml",
                      f"{CONFIG}/policy.yaml")
        lenscap.load_module()
        lenscap.start_daemon()
        self._command("status")

        def armed():
            status = lenscap.json("status")
            module, guard = status["module"], status["guards"][0]
            return (guard["state"] == "armed" and module["revision"] == 42
                    and module["devices"] == 2,
                    f"guard {guard['name']} is {guard['state']}, revision "
                    f"{module['revision']} with {module['devices']} cameras "
                    "is live")

        self._report.claim("the gateway judges", armed)
        self._account = Account(self._books[1], lenscap, self._far)

    def _keeps_flowing(self, when):
        stream = self._stream

        def grows():
            frames, size = stream.frames, stream.bytes
            stream.wait_for(3)
            return (stream.frames > frames and stream.bytes > size,
                    f"{frames} -> {stream.frames} pictures, "
                    f"{size} -> {stream.bytes} bytes")

        self._report.claim(f"the stream flows {when}", grows)

    def _do_the_job(self):
        self._report.section("The cameras do their job")
        self._stream = Recording(FENCE, RECORDER, "udp")

        def streams():
            self._stream.wait_for(10)
            return True, (f"{self._stream.frames} pictures, "
                          f"{self._stream.bytes} bytes so far")

        self._report.claim("recorder pulls fence-017 (RTSP, RTP over UDP)",
                           streams)

        def clip():
            recording = Recording(GATE, RECORDER, "tcp", limit=20)
            recording.wait_end()
            return (recording.frames == 20,
                    f"{recording.frames} pictures, {recording.bytes} bytes")

        self._report.claim("recorder pulls 20 pictures of gate-003 (in TCP)",
                           clip)

        for camera in topology.CAMERAS:
            def asks(camera=camera):
                offset = ntp.ask(camera, TIME)
                return (offset is not None,
                        f"offset {offset} s" if offset else "no answer")

            self._report.claim(f"{camera.name} asks the time server (NTP)",
                               asks)

    def _drops(self, attempts, meanwhile=lambda: None):
        """Attempts that must be dropped, a claim for each."""
        self._rounds.hopeless(attempts, meanwhile)
        for attempt in attempts:
            self._report.claim(
                str(attempt),
                lambda attempt=attempt: self._rounds.reported(attempt))

    def _arrived(self):
        """Packets of cameras that came as far as abroad's interface."""
        return packets(self._abroad.read(), "IPv4", "IPv6")

    def _nothing_arrived(self):
        arrived = self._arrived()
        connections, datagrams, _ = self._sink.snapshot()
        return (not arrived and not connections and not datagrams,
                f"{arrived} packets abroad; listeners got {connections} "
                f"connections, {datagrams} datagrams")

    def _phone_home(self):
        self._report.section("fence-017 phones home, gate-003 looks around")
        self._report.say(
            "fence-017 connects and sends datagrams abroad, over IPv4 and "
            "IPv6, and once under gate-003's",
            "address. gate-003 tries the recorder's SSH, then sends from its "
            "web port as if it answered.", "")
        self._drops(PHONE_HOME + LATERAL,
                    lambda: self._keeps_flowing("while they try"))
        self._report.claim("nothing arrives", self._nothing_arrived)

    def _plug_stranger(self):
        self._report.section("A stranger's camera is plugged into the switch")
        self._report.say(
            "No policy names it. It knows the gateway's MAC and does not ask.",
            "")
        topology.plug_stranger()
        self._rounds.add(CameraBook(STRANGER, ATTEMPTS))
        self._drops(STRANGERS)
        self._report.claim("nothing arrives", self._nothing_arrived)

    def _show_drops(self):
        self._report.section("What Lenscap saw")
        self._command("drops")
        self._keeps_flowing("as before")

    def _balance(self):
        self._report.section("The books balance, to the packet and the byte")
        self._report.say(
            "gate-003 is quiet now. nftables counted what left it and what "
            "reached the recorder and",
            "the time server; Lenscap counted what it passed and dropped in "
            "between.")
        self._command("devices")
        figures = self._account.close()
        for unit in ("packets", "bytes"):
            def passed(unit=unit):
                got = figures[f"passed {unit}"]
                parts = [figures[f"{part} {unit}"]
                         for part in ("recorder", "time", "upkeep")]
                return (got == sum(parts) and all(parts),
                        f"{got} = {parts[0]} at recorder + {parts[1]} at time "
                        f"server + {parts[2]} upkeep")

            def sent(unit=unit):
                left = figures[f"sent {unit}"]
                got = [figures[f"{part} {unit}"]
                       for part in ("passed", "dropped")]
                return (left == sum(got) and all(got),
                        f"{left} = {got[0]} passed + {got[1]} dropped")

            self._report.claim(f"{unit} of gate-003 that were passed",
                               passed)
            self._report.claim(f"{unit} that left gate-003", sent)

    def _monitor(self):
        self._report.section("What monitoring sees")
        self._report.say(
            "lenscap-exporter, as nobody, serves what Prometheus scrapes.")
        exporter = Exporter(self._lenscap.programs, self._directory)
        self._report.show(exporter.excerpt(
            "lenscap_(policy_revision|guards_armed|unknown_devices) ",
            r"lenscap_device_(passed|dropped)_packets_total",
            r"lenscap_guard_dropped_packets_total.* [1-9]"),
            "curl --unix-socket metrics.sock http://localhost/metrics | grep ...")

        def same():
            name = GATE.name
            wanted = self._lenscap.device(name)["dropped"][0]
            exporter.scrape()
            got = exporter.value("lenscap_device_dropped_packets_total",
                                 device=name, profile="fence-dome")
            return (got == wanted,
                    f"{name}: {got:.0f} dropped, and so says lenscapctl")

        self._report.claim("the same figures", same)
        exporter.close()

    def _put_on_a_desk(self):
        self._report.section("A report for the desk, and proof of it")
        page = os.path.join(self._pages, "report.html")
        self._command("report", "--from", "today")
        self._command("report", "--from", "today", "--html", page)

        def listed():
            seen = self._lenscap.json("report", "--from", "today")
            names = {one["device"] or one["mac"] for one in seen["callers"]}
            wanted = {FENCE.name, GATE.name, STRANGER.mac}
            with open(page, encoding="utf-8") as file:
                text = file.read()
            missing = [one for one in wanted if one not in text]
            return (names == wanted and not missing,
                    f"{', '.join(sorted(names))}; the page is "
                    "build/demo/report.html")

        self._report.claim("it names all who called out", listed)
        self._command("report", "--verify")

    def _disarm(self):
        self._report.section("Was it Lenscap? Disarm, and try the same again")
        self._second_lock()
        self._command("disarm", "--open")
        for attempt in ATTEMPTS:
            attempt.start()
        for attempt in ATTEMPTS:
            self._report.claim(
                str(attempt),
                lambda attempt=attempt: self._arrives(attempt))
        for attempt in ATTEMPTS:
            if attempt is not LIVE:
                attempt.close()

        def unmoved():
            return self._all_reported("still")

        self._report.claim("Lenscap counts nothing meanwhile", unmoved)
        self._keeps_flowing("without Lenscap")

    def _second_lock(self):
        """Disarmed, the module judges nothing; nftables lets nothing through."""
        self._command("disarm")
        attempt = next(a for a in PHONE_HOME if a.datagrams)

        def holds():
            before = self._lenscap.cut_off()
            attempt.start()
            wait.until(lambda: self._lenscap.cut_off() >=
                       before + attempt.datagrams, "the interlock to count")
            arrived = self._arrived()
            return (not arrived,
                    f"{attempt.datagrams} datagrams more, {arrived} arrive; "
                    f"{self._lenscap.cut_off() - before} packets of cameras "
                    "cut off")

        self._report.claim("the second lock, in nftables, holds", holds)

    def _arrives(self, attempt):
        sink, place = self._sink, attempt.place
        if attempt.datagrams:
            wanted = attempt.datagrams
            wait.until(lambda: sink.datagrams[place] >= wanted,
                       "the datagrams to arrive")
            return (sink.datagrams[place] == wanted,
                    f"gets through, {sink.datagrams[place]} datagrams "
                    "received there")
        wait.until(attempt.connected, "an answer")
        before = sink.bytes[place]
        attempt.send()
        wait.until(lambda: sink.bytes[place] > before, "the bytes to arrive")
        return (True, f"gets through, {sink.bytes[place] - before} bytes "
                "received there")

    def _all_reported(self, when):
        wanted = sum(self._rounds.armed.values())
        seen = sum(self._lenscap.dropped(a) for a in ATTEMPTS)
        return (seen == wanted,
                f"{when} {wanted} sent while armed, {seen} dropped")

    def _arm(self):
        self._report.section("Arm again")
        self._command("arm")
        arrived = wait.settled(self._arrived, "what arrives abroad")
        far = self._sink.snapshot()

        def cut():
            sent = self._rounds.cut(LIVE)
            holds, evidence = self._rounds.reported(LIVE)
            size = self._sink.snapshot()[2] - far[2]
            return (holds and not size,
                    f"{sent} packets sent over it, {size} bytes arrived "
                    f"({evidence})")

        self._report.claim("the first connection, still open, is cut", cut)

        def again():
            made = self._rounds.hopeless(ATTEMPTS)
            verdicts = [self._rounds.reported(a) for a in ATTEMPTS]
            return (all(holds for holds, _ in verdicts),
                    f"{sum(made.values())} packets more; " +
                    self._all_reported("in all")[1])

        self._report.claim(f"all {len(ATTEMPTS)} attempts die again", again)

        def nothing():
            now = self._arrived()
            more = [b - a for a, b in zip(far, self._sink.snapshot())]
            return (not any(more) and now == arrived,
                    f"{now - arrived} packets, {more[0]} connections, "
                    f"{more[1]} datagrams, {more[2]} bytes since")

        self._report.claim("nothing arrives", nothing)
        self._keeps_flowing("to the end")


def main():
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    parser.add_argument("--module", required=True)
    parser.add_argument("--pages", required=True,
                        help="where the report is to be written")
    parser.add_argument("--colour", action="store_true")
    options = parser.parse_args()
    if os.environ.get("LENSCAP_VM") != "1":
        sys.exit("demo.py: not in a machine of its own: run scripts/demo")
    kernel = os.uname()
    report = Report(options.colour)
    report.title(f"Lenscap demo on Linux {kernel.release}")
    trouble = None
    with tempfile.TemporaryDirectory(prefix="lenscap-demo-") as directory:
        lenscap = Lenscap(options.programs, options.module,
                          os.path.join(directory, "lenscapd.log"))
        try:
            Demo(report, lenscap, directory, options.pages).run()
        except Exception as error:  # The last line must say so, always.
            traceback.print_exc()
            trouble = f"{type(error).__name__}: {error}"
        status = report.conclude(trouble)
        if status and lenscap.log():
            report.show(lenscap.log(), "the daemon's log")
    return status


if __name__ == "__main__":
    sys.exit(main())
