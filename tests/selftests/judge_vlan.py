#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Where a guard can be, and which frames are its own.

A trunk with several guards and VLANs without; tags that come in metadata and
in the payload; an untagged guard; a VLAN device; a bridge port; stacks.
"""

from lib import frames, io, tap
from lib.policy import connects
from lib.scene import Scene, payload, proves

PEER4, PEER6, ELSE4 = "10.20.0.10", "2001:db8:20::10", "198.51.100.7"
MAC = "02:00:5e:10:00:17"
V4, V6 = "10.30.0.17", "2001:db8:30::17"
QINQ, VLAN, QINQ_OLD = 0x88a8, 0x8100, 0x9100

POLICY = {
    "profiles": {"p": {"class": 7, "rules": [
        connects(PEER4, "udp", 5000), connects(PEER6, "udp", 5000)]}},
    "devices": {"cam": {"mac": MAC, "addresses": [V4, V6], "profile": "p"}},
}

S = None


def setup():
    """Four links.

    trunk: guards on 30 and 31; VLAN devices 30, 32, 34, a guard on trunk.34
    lan: an untagged guard, and one on VLAN 50
    port: in a bridge with out, an untagged guard and one on VLAN 70
    """
    global S
    S = Scene()
    for near, far in (("eth1", "lan"), ("eth2", "port"), ("eth3", "out")):
        S.link(near, far)
    S.gw.vlan("trunk", 30, "trunk.30")
    S.gw.vlan("trunk", 32, "trunk.32")
    S.gw.vlan("trunk", 34, "trunk.34")
    S.gw.vlan("trunk", 36, "trunk.36", proto="802.1ad")
    S.gw.bridge("br0", "port", "out")
    S.cam.vlan("eth0", 30, "eth0.30")
    S.cam.vlan("eth0", 32, "eth0.32")
    for name in ("eth0.30", "eth0.32"):
        S.outlet(name)
    S.guard("v30", vlan=30)
    S.guard("v31", vlan=31)
    S.guard("dev34", "trunk.34")
    S.guard("plain", "lan")
    S.guard("v50", "lan", vlan=50)
    S.guard("bport", "port")
    S.guard("v70", "port", vlan=70)
    S.load(POLICY)
    S.watch("trunk", "trunk.34", "lan", "port")


def at(guard, link="eth0", vlan=None, device="cam", mac=MAC):
    "The camera at a guard."
    return S.sender(guard, device, mac=mac, vlan=vlan, cls=7, link=link,
                    addresses=[V4, V6])


def both(one, **how):
    "A good frame passes and a bad one does not, in either family."
    one.passes(one.udp(PEER4, 5000), **how)
    one.passes(one.udp(PEER6, 5000), **how)
    one.drops(one.udp(ELSE4, 5000), "destination", **how)
    one.drops(one.udp(PEER6, 5001), "service", **how)


def offload(on):
    "Have VLAN devices of the sender tag in metadata, or in the payload."
    S.cam.run(["ethtool", "-K", "eth0", "tx-vlan-hw-insert",
               "on" if on else "off"])


@proves("none", "destination", "service")
def test_tag_in_frame():
    "a frame that is sent with its tag in the bytes"
    both(at("v30", vlan=30))
    both(at("v31", vlan=31))


@proves("none", "destination", "service")
def test_tag_by_device():
    "a tag that a VLAN device puts into the metadata, or in the payload"
    one = at("v30", link="eth0.30")
    for on in (True, False, True):
        offload(on)
        both(one)


def test_priority_bits():
    "the tag's priority and drop bits are no matter"
    one = at("v30")
    for tci in (0x101e, 0x201e, 0xe01e, 0xf01e):
        one.passes(one.udp(PEER4, 5000), vlans=[tci])
        one.drops(one.udp(ELSE4, 5000), "destination", vlans=[tci])


def test_vlan_without_guard():
    "other VLANs, untagged and priority frames of the trunk are not touched"
    one = at(None)
    for vlans in ([32], [33], [29], [4094], [4095], [1], [], [0], [0x2000],
                  [(QINQ, 33)]):
        for packet in (one.udp(PEER4, 5000), one.udp(ELSE4, 9),
                       one.udp(PEER6, 5000, src="2001:db8::bad")):
            one.ignores(packet, vlans=vlans)
        one.ignores(b"lldp" * 12, kind=0x88cc, vlans=vlans)


def stacked(one, vlans, packet=None, kind=None):
    "It must be a stack to the guard; bytes count behind the outermost tag."
    frame = one.wrap(packet or one.udp(PEER4, 5000), kind=kind, vlans=vlans)
    one.drops(frame, "vlan_stack", raw=True, size=len(payload(frame)))


@proves("vlan_stack")
def test_stack_on_trunk():
    "anything but one 802.1Q tag of the guard's id is a stack"
    one = at("v30")
    for vlans in ([30, 30], [30, 31], [30, 32], [30, 0], [0, 30],
                  [0, 0, 30], [30, 30, 30], [30, 1, 2, 3, 4, 5],
                  [(QINQ, 30)], [(QINQ, 30), 30], [30, (QINQ, 30)],
                  [0, (QINQ, 30)], [(QINQ, 0), 30], [(QINQ, 0), (QINQ, 30)]):
        stacked(one, vlans)
        stacked(one, vlans, one.udp(PEER6, 5000))
    # A tag that is cut off: no id, but the frame is the guard's.
    frame = one.wrap(b"", kind=VLAN, vlans=[30], pad=False)
    for cut in (2, 3):
        one.drops(frame + bytes(cut), "vlan_stack", raw=True, size=cut)


@proves("vlan_stack")
def test_many_priority_tags():
    "priority tags, which the stack strips one by one, hide nothing"
    one = at("v30")
    with io.Capture(S.gw, "trunk.30") as behind:
        for count in (1, 2, 3, 4, 5, 8, 16):
            stacked(one, [0] * count + [30])
            stacked(one, [(QINQ, 0)] * count + [30])
        tap.equal(behind.count(), 0, "frames that reached the VLAN device")


def test_priority_tags_and_audit():
    "nor do they lead a frame past its guard to one that only audits"
    S.guard("a20", vlan=20, mode="audit")
    one = at("v30")
    with io.Capture(S.gw, "trunk.30") as behind:
        for count in range(1, 20):
            for tag in (0, (QINQ, 0)):
                S.links["eth0"].send(one.wrap(
                    one.udp(ELSE4, 5000), vlans=[tag] * count + [30]))
        # What passes is seen behind them.
        S.links["eth0"].send(one.wrap(one.udp(PEER4, 5000), vlans=[30]))
        behind.wait()
        tap.equal(behind.count(), 1, "frames that reached the VLAN device")
    tap.equal([hex(s.mark) for s in S.witness.take(1)], [hex(S.tagged(7))],
              "frames that came out")
    S.sock.do("guard-del", name="a20")
    S.sync()


def test_other_stacks_on_trunk():
    "a stack whose first id is another VLAN's is not the guard's"
    one = at(None)
    for vlans in ([32, 30], [33, 30, 30], [(QINQ, 32), 30], [0, 32]):
        one.ignores(one.udp(PEER4, 5000), vlans=vlans)
    one = at("v31")
    for vlans in ([31, 30], [0, 31], [0, 31, 30]):
        stacked(one, vlans)


@proves("unknown_device")
def test_stack_of_stranger():
    "the sender is asked for first"
    who = at("v30", device=None, mac="02:00:5e:10:00:99")
    frame = who.wrap(who.udp(PEER4, 5000), vlans=[30, 30])
    who.drops(frame, "unknown_device", raw=True, size=len(payload(frame)))


@proves("none", "destination", "service", "vlan_stack")
def test_vlan_device():
    "a guard on a VLAN device judges what comes out of it"
    one = S.sender("dev34", "cam", mac=MAC, vlan=34, cls=7, before=[0],
                   addresses=[V4, V6])
    both(one)
    for vlans in ([34, 35], [34, 34], [34, (QINQ, 35)]):
        frame = one.wrap(one.udp(PEER4, 5000), vlans=vlans)
        one.drops(frame, "vlan_stack", raw=True, compare=False,
                  size=len(payload(frame)) - 4)
    frame = one.wrap(one.udp(PEER4, 5000), vlans=[0, 34])
    one.passes(frame, raw=True, compare=False, size=len(payload(frame)) - 4)


@proves("none", "destination", "service")
def test_untagged_guard():
    "a guard without VLAN judges untagged and priority-tagged frames"
    one = at("plain", "eth1")
    both(one)
    both(one, vlans=[0])
    both(one, vlans=[0xe000])


@proves("vlan_stack", "unknown_device")
def test_untagged_guard_and_tags():
    "it drops what carries any other tag"
    one = at("plain", "eth1")
    for vlans in ([51], [30], [4095], [0, 51], [0, 0], [51, 50],
                  [(QINQ, 51)], [(QINQ, 0)], [0] * 6, [0, (QINQ, 0)]):
        stacked(one, vlans)
        stacked(one, vlans, one.udp(PEER6, 5000))
    # 0x9100 is no tag to Linux but an ethertype.
    one.drops(frames.struct.pack("!HH", 50, 0x0800) + one.udp(PEER4, 5000),
              "ethertype", kind=QINQ_OLD)
    who = at("plain", "eth1", device=None, mac="02:00:5e:10:00:99")
    who.drops(who.wrap(who.udp(PEER4, 5000), vlans=[51]), "unknown_device",
              raw=True)


@proves("none", "destination", "service", "vlan_stack")
def test_vlan_beside_untagged():
    "a guard with that VLAN comes before the untagged one"
    one = at("v50", "eth1", vlan=50)
    both(one)
    for vlans in ([50, 51], [0, 50], [(QINQ, 50)], [50, 50], [0, 0, 0, 50]):
        stacked(one, vlans)


@proves("none", "destination", "service", "vlan_stack", "ethertype")
def test_bridge_port():
    "on a bridge port only what passes is bridged"
    one = at("bport", "eth2")
    tagged = at("v70", "eth2", vlan=70)
    with io.Capture(S.cam, "eth3") as beyond:
        both(one, to="02:00:00:00:0e:0e")
        both(tagged, to="02:00:00:00:0e:0e")
        one.drops(b"stp." * 12, "ethertype", kind=0x88cc)
        stacked(one, [71])
        # The bridge itself may speak too; what counts is the camera's.
        bridged = beyond.wait(lambda f: f.data[6:12] == frames.mac(MAC),
                              count=4)
        tap.equal(len(bridged), 4, "frames beyond the bridge")
        for frame in bridged:
            tap.true(b"lenscap" in frame.data, f"bridged: {frame}")


def test_two_guards_in_turn():
    "a trunk's guard and one on its VLAN device both judge, each for itself"
    S.guard("dev30", "trunk.30")
    one = at("v30", vlan=30)
    frame = one.wrap(one.udp(PEER4, 5000))
    size = len(payload(frame))
    S.judge(frame, {"guard v30 passed": (1, size),
                    "guard dev30 passed": (1, size),
                    "device cam passed": (2, 2 * size)}, [S.tagged(7)])
    bad = one.wrap(one.udp(ELSE4, 5000))
    one.drops(bad, "destination", raw=True)
    S.sock.do("guard-del", name="dev30")
    S.sync()


@proves("audit vlan_stack", "audit destination")
def test_audit():
    "a guard that only audits lets its own stacks through, tagged"
    S.guard("v31", vlan=31, mode="audit")
    one = at("v31", vlan=31)
    one.audits(one.udp(ELSE4, 5000), "destination")
    for vlans in ([31, 30], [31, 31], [(QINQ, 31)], [0, 31]):
        frame = one.wrap(one.udp(PEER4, 5000), vlans=vlans)
        one.audits(frame, "vlan_stack", raw=True, size=len(payload(frame)))
    S.guard("v31", vlan=31)
    stacked(one, [31, 30])


def test_guard_goes_others_stay():
    "removing one guard of a trunk leaves the others, and frees its VLAN"
    one, other = at("v31", vlan=31), at("v30", vlan=30)
    one.drops(one.udp(ELSE4, 5000), "destination")
    S.sock.do("guard-del", name="v31")
    S.sync()
    one.ignores(one.udp(ELSE4, 5000))
    both(other)
    S.guard("v31", vlan=31)
    both(one)


def test_guard_moves():
    "a guard that is replaced with another VLAN judges that one"
    S.guard("v31", vlan=33)
    one = at("v31", vlan=33)
    both(one)
    one.ignores(one.udp(ELSE4, 5000), vlans=[31])
    S.guard("v31", vlan=31)
    both(at("v31", vlan=31))


if __name__ == "__main__":
    tap.main(globals(), needs=[tap.root, tap.module], setup=setup,
             each=lambda: S.check(), teardown=lambda: S.close())
