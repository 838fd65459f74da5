# SPDX-License-Identifier: GPL-2.0-only
"""One camera, one gateway, one link: what control-plane tests need.

    with rig.Rig() as r:
        r.arm()                     # guard "cams" on trunk
        r.load()                    # device "cam" of profile "dome"
        r.send(r.frame("10.99.0.1"))    # nobody permitted it
        r.wait_dropped(1)

The link is eth0 (camera side, quiet) to trunk (gateway side). Profile "dome"
lets the camera connect to 10.20.0.10 udp 5000, and nothing else.
"""

from . import frames, io, net, nl, policy

CAM_MAC = "02:00:5e:10:00:17"
GW_MAC = "02:00:5e:10:00:01"
CAM_IP = "10.30.0.17"
PEER_IP = "10.20.0.10"
PEER_PORT = 5000
OTHER_IP = "198.51.100.7"


def dome():
    """The policy that most tests start from."""
    return {"profiles": {"dome": {"class": 1, "rules": [
                policy.connects(PEER_IP, "udp", PEER_PORT)]}},
            "devices": {"cam": {"mac": CAM_MAC, "profile": "dome",
                                "addresses": [CAM_IP]}}}


def name_number(number, label="cam"):
    """A name for one of many."""
    return f"{label}-{number:06d}"


def many_devices(count, profile="dome", first=0):
    """Encoded device-set requests for count devices, quickly."""
    spec = nl.spec()
    numbers = {n: spec.attr("device", n).number
               for n in ("name", "mac", "address", "profile")}
    prefix = spec.attr("prefix", "address").number
    tail = nl.attr(numbers["profile"], profile.encode() + b"\0")
    for i in range(first, first + count):
        host = (0x0a400000 + i).to_bytes(4, "big")
        yield "device-set", (
            nl.attr(numbers["name"], name_number(i).encode() + b"\0") +
            nl.attr(numbers["mac"], b"\x02\x01" + i.to_bytes(4, "big")) +
            nl.attr(numbers["address"] | nl.NLA_F_NESTED,
                    nl.attr(prefix, host)) + tail)


def many_rules(count, first=0):
    """count distinct rules as encoded attributes of a profile."""
    spec = nl.spec()
    number = {n: spec.attr("rule", n).number for n in
              ("address", "length", "proto", "initiator", "peer_port_low",
               "peer_port_high")}
    outer = spec.attr("profile", "rule").number | nl.NLA_F_NESTED
    common = (nl.attr(number["length"], b"\x20") +
              nl.attr(number["proto"], b"\x11") +
              nl.attr(number["initiator"], b"\0"))
    out = []
    for i in range(first, first + count):
        host = (0x0a800000 + i).to_bytes(4, "big")
        port = (1024 + i % 60000).to_bytes(2, "little")
        out.append(nl.attr(outer, nl.attr(number["address"], host) + common +
                           nl.attr(number["peer_port_low"], port) +
                           nl.attr(number["peer_port_high"], port)))
    return b"".join(out)


def profile_body(name, rules=b"", mode="enforce", class_=1):
    """A profile-set body around encoded rules."""
    return nl.spec().encode("profile", {"name": name, "mode": mode,
                                        "class": class_}) + rules


class Rig:
    """The rig; see the module's docstring."""

    def __init__(self, link=True):
        self.net = net.Net()
        try:
            self.gw = self.net.ns("gw")
            self.sock = self.open()
            self.cam = self.link = None
            if link:
                self.cam = self.net.ns("cam", quiet=True)
                self.connect()
        except BaseException:
            self.net.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        """Take it down."""
        self.net.close()

    def open(self, **options):
        """Another control socket in the gateway."""
        sock = nl.Genl(netns=self.gw, **options)
        self.net.defer(sock.close)
        return sock

    def connect(self, trunk="trunk", eth="eth0"):
        """(Re-)create the link, and the sender on it."""
        self.net.veth(self.cam, eth, self.gw, trunk, CAM_MAC, GW_MAC)
        self.eth = eth
        self.link = io.Link(self.cam, eth)
        self.net.defer(self.link.close)

    def arm(self, name="cams", ifname="trunk", state="armed", **options):
        """Add a guard and wait for its state."""
        policy.guard(self.sock, name, ifname, **options)
        if state:
            policy.wait_guard(self.sock, name, state)

    def load(self, text=None, **options):
        """Load a policy: dome() unless another is given."""
        return policy.load(self.sock, dome() if text is None else text,
                           **options)

    def frame(self, dst=PEER_IP, port=PEER_PORT, src=CAM_IP, mac=CAM_MAC,
              vlans=(), data=b"lenscap"):
        """A UDP frame from the camera."""
        return frames.eth(GW_MAC, mac,
                          frames.pack_ip(src, dst,
                                         frames.udp(40000, port, data)),
                          vlans=vlans)

    def send(self, *what, count=1):
        """Send frames from the camera's end."""
        for _ in range(count):
            self.link.send(*what)

    def good(self, count=1):
        """Send what the policy permits."""
        self.send(self.frame(), count=count)

    def bad(self, count=1):
        """Send what it does not permit (reason destination)."""
        self.send(self.frame(OTHER_IP), count=count)

    def counter(self, key, device="cam"):
        """A counter of the device."""
        return policy.device(self.sock, device)[key]

    def wait_counter(self, key, value, device="cam"):
        """Wait until a device's counter is value, and no more."""
        net.wait_for(lambda: self.counter(key, device) >= value,
                     what=f"{key} of {device} to reach {value}")
        seen = self.counter(key, device)
        if seen != value:
            raise AssertionError(f"{key} is {seen}, wanted {value}")

    def wait_dropped(self, value):
        """Wait for the camera's dropped packets."""
        self.wait_counter("dropped_packets", value)

    def wait_passed(self, value):
        """Wait for the camera's passed packets."""
        self.wait_counter("passed_packets", value)

    def wait_reason(self, guard, reason, value):
        """Wait for the dropped packets of a reason on a guard."""
        net.wait_for(
            lambda: policy.reason(self.sock, guard,
                                  reason)["dropped_packets"] >= value,
            what=f"{value} drops for {reason} on {guard}")
        seen = policy.reason(self.sock, guard, reason)["dropped_packets"]
        if seen != value:
            raise AssertionError(f"{reason}: {seen} drops, wanted {value}")
