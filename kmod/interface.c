// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kind of interface it is that a guard is to stand on.
 */
#include <linux/if_arp.h>
#include <linux/netdevice.h>
#include <net/rtnetlink.h>

#include "interface.h"

/* Hardware has none. */
static bool kind_is(const struct net_device *dev, const char *kind)
{
	return dev->rtnl_link_ops && !strcmp(dev->rtnl_link_ops->kind, kind);
}

/**
 * lenscap_interface_unfit() - why can a guard not stand on an interface?
 * @dev: the interface
 * @core: the guard
 * @vlan: its VLAN id, or 0
 *
 * Context: process, RTNL held.
 *
 * Return: the reason, for people; NULL: it can.
 */
const char *lenscap_interface_unfit(const struct net_device *dev,
				    const struct lc_guard *core, u16 vlan)
{
	if (dev->flags & IFF_LOOPBACK)
		return "no camera can be behind a loopback interface";
	/* Frames are moved to it behind the hook (l3mdev_l3_rcv()). */
	if (netif_is_l3_master(dev))
		return "frames do not come in by a VRF: guard its ports";
	/* A sender says there what a frame is, whatever is in its header: netkit_xmit(). */
	if (kind_is(dev, "netkit"))
		return "on a netkit a sender says what its frames are: no guard can believe them";
	if (dev->type != ARPHRD_ETHER &&
	    (core->identity == LENSCAP_IDENTITY_MAC || vlan))
		return "the interface is not Ethernet: use identity ip and no VLAN";
	return NULL;
}

/**
 * lenscap_interface_alone() - does all that comes in by an interface come by no other?
 * @dev: the interface
 *
 * Not so on what stands on others (VLAN devices, macvlans, tunnels) or takes them over
 * (bridges, bonds). It is not asked what stands below: a new one has nothing below it
 * yet when NETDEV_REGISTER tells of it.
 *
 * Context: process, RTNL held.
 */
bool lenscap_interface_alone(const struct net_device *dev)
{
	return !dev->rtnl_link_ops || kind_is(dev, "tun") || kind_is(dev, "veth");
}
