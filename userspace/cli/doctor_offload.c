// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: what drivers do before a guard: hardware that forwards by itself,
 * and GRO that decrypts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <linux/ethtool.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doctor.h"
#include "doctor_netlink.h"

#define HW_TC		"hw-tc-offload"
#define GRO		"rx-gro"
#define FEATURES_MAX	4096U

static int ethtool(int fd, const struct link *link, void *data)
{
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, link->name, sizeof(link->name));
	request.ifr_data = data;
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

/* The number of features, or a negative errno. */
static int count_features(int fd, const struct link *link)
{
	struct {
		struct ethtool_sset_info info;
		__u32 count;
	} request = {
		.info = {
			.cmd = ETHTOOL_GSSET_INFO,
			.sset_mask = 1ULL << ETH_SS_FEATURES,
		},
	};
	int error = ethtool(fd, link, &request);

	if (error)
		return error;
	if (!request.info.sset_mask || request.count > FEATURES_MAX)
		return -EPROTO;
	return (int)request.count;
}

/* The number of the feature, or a negative errno: -ENOENT if it is unknown. */
static int find_feature(int fd, const struct link *link, int count,
			const char *feature)
{
	struct ethtool_gstrings *names =
		cli_alloc(calloc(1, sizeof(*names) +
				    (size_t)count * ETH_GSTRING_LEN));
	int found = -ENOENT;
	int error;

	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = (__u32)count;
	error = ethtool(fd, link, names);
	for (int i = 0; !error && i < count; i++) {
		const char *name = (const char *)names->data +
				   (size_t)i * ETH_GSTRING_LEN;

		if (!strncmp(name, feature, ETH_GSTRING_LEN))
			found = i;
	}
	free(names);
	return error ? error : found;
}

/* 1 if the feature is on, 0 if not, or a negative errno. */
static int feature_active(int fd, const struct link *link, const char *feature)
{
	int count = count_features(fd, link);
	int number = count < 0 ? count :
				 find_feature(fd, link, count, feature);
	struct ethtool_gfeatures *features;
	size_t blocks;
	int error;

	/* A kernel that has no name for it can not do it. */
	if (number == -ENOENT)
		return 0;
	if (number < 0)
		return number;
	blocks = ((size_t)count + 31) / 32;
	features = cli_alloc(calloc(1, sizeof(*features) +
				    blocks * sizeof(features->features[0])));
	features->cmd = ETHTOOL_GFEATURES;
	features->size = (__u32)blocks;
	error = ethtool(fd, link, features);
	if (!error)
		error = features->features[number / 32].active >>
			(number % 32) & 1;
	free(features);
	return error;
}

/* Is a feature on? If it cannot be told, that is said. */
static bool has_feature(struct doctor *doctor, int fd, const struct link *link,
			const char *feature, const char *check)
{
	int active = feature_active(fd, link, feature);

	if (active < 0)
		doctor_unchecked(doctor, check, link->name,
				 cli_format("the features of the interface could not be read: %s",
					    strerror(-active)));
	return active > 0;
}

static void check_filters(struct doctor *doctor, int fd,
			  const struct link *link)
{
	struct finding finding = {
		"hw-tc-offload", SEVERITY_WARNING, "interface", link->name,
	};

	if (has_feature(doctor, fd, link, HW_TC, finding.name))
		doctor_find(doctor, &finding,
			    cli_format("The hardware may forward frames by tc rules or flows of its own, which guard \"%s\" never sees.",
				       link->guard),
			    "Turn it off: ethtool -K INTERFACE hw-tc-offload off.");
}

/* With one of these GRO takes ESP for the gateway, decrypts it, and lets what was in
 * it go on by the interface of the tunnel (net/ipv4/esp4_offload.c). Nothing else that
 * GRO knows is taken out of its packet there.
 */
static const char *esp_by_gro(void)
{
	if (!access("/sys/module/esp4_offload", F_OK))
		return "esp4_offload";
	return access("/sys/module/esp6_offload", F_OK) ? NULL : "esp6_offload";
}

static void check_esp(struct doctor *doctor, int fd, const struct link *link)
{
	struct finding finding = {
		"esp-offload", SEVERITY_WARNING, "interface", link->name,
	};
	const char *module = esp_by_gro();

	if (module && has_feature(doctor, fd, link, GRO, finding.name))
		doctor_find(doctor, &finding,
			    cli_format("The module %s is loaded, so GRO decrypts ESP for this gateway before guard \"%s\" sees it: whoever has the keys of a tunnel gets out by it.",
				       module, link->guard),
			    "Unload esp4_offload and esp6_offload, or turn GRO off: ethtool -K INTERFACE gro off.");
}

/**
 * doctor_check_feature() - do drivers before a guard take frames?
 * @doctor: the examination
 */
void doctor_check_feature(struct doctor *doctor)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		doctor_unchecked(doctor, "hw-tc-offload", "interfaces",
				 cli_format("no socket: %s", strerror(errno)));
		doctor_unchecked(doctor, "esp-offload", "interfaces",
				 cli_format("no socket: %s", strerror(errno)));
		return;
	}
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];

		if (!link->guard)
			continue;
		check_filters(doctor, fd, link);
		check_esp(doctor, fd, link);
	}
	close(fd);
}

/*
 * Does a guard judge frames that come in by @link, below it or on it? @vlan is
 * the outermost tag that those of interest have there, 0 if that is not known:
 * a driver is asked for VLAN devices and bridges above its interfaces too, and
 * then takes the flows before the guard below.
 */
static bool judged(const struct doctor *doctor, const struct link *link,
		   int vlan, int depth)
{
	const struct link *lower = doctor_link(doctor, link->lower);

	if (!depth)
		return false;
	for (size_t i = 0; i < doctor->guard_count; i++) {
		const struct guarded *guard = &doctor->guards[i];

		if (guard->link == link &&
		    (!guard->vlan || !vlan || guard->vlan == vlan))
			return true;
	}
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *port = &doctor->links[i];

		if (port->master == link->index &&
		    judged(doctor, port, vlan, depth - 1))
			return true;
	}
	return lower && judged(doctor, lower, link->vlan ? link->vlan : vlan,
			       depth - 1);
}

/*
 * What the hook of a flowtable names, joined: NULL for nothing. What comes in by
 * those that are @ahead is judged above them, and on those that are @open, not all.
 */
struct devices {
	char *guarded;
	char *others;
	char *ahead;
	char *open;
};

static void add_device(const struct doctor *doctor, struct devices *devices,
		       const char *name)
{
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];
		bool below;

		if (strcmp(link->name, name) != 0)
			continue;
		below = judged(doctor, link, 0, LINK_DEPTH);
		/* Frames of a guard above it, or of one below. */
		if (link->guard || below)
			devices->guarded = doctor_join(devices->guarded, name);
		else
			devices->others = doctor_join(devices->others, name);
		if (link->guard && !below)
			devices->ahead = doctor_join(devices->ahead, name);
		else if (!doctor_covered(doctor, link, VLAN_ANY, LINK_DEPTH))
			devices->open = doctor_join(devices->open, name);
	}
}

static struct devices read_devices(const struct doctor *doctor,
				   const struct nlattr *hook)
{
	const struct nlattr *list, *device;
	struct devices devices = { 0 };

	mnl_attr_for_each_nested(list, hook) {
		if (mnl_attr_get_type(list) != NFTA_FLOWTABLE_HOOK_DEVS)
			continue;
		mnl_attr_for_each_nested(device, list) {
			if (mnl_attr_get_type(device) == NFTA_DEVICE_NAME)
				add_device(doctor, &devices,
					   mnl_attr_get_str(device));
		}
	}
	return devices;
}

/*
 * The kernel offers each flow that a rule adds to the drivers of all interfaces
 * of the flowtable, also if its frames come in by another: a switch chip may
 * take it for any of its ports. Whether they share one is not to be seen here.
 */
static void find_hardware(struct doctor *doctor, const char *object,
			  const struct devices *devices)
{
	struct finding finding = {
		"flow-offload", SEVERITY_PROBLEM, "flowtable", object,
	};

	if (devices->guarded) {
		doctor_find(doctor, &finding,
			    cli_format("The hardware forwards flows that come in by %s, and no guard sees them.",
				       devices->guarded),
			    "Take \"flags offload\" off the flowtable in nftables, or these interfaces out of it.");
	} else if (devices->others && doctor->guard_count) {
		finding.severity = SEVERITY_WARNING;
		doctor_find(doctor, &finding,
			    cli_format("The hardware of %s is offered flows of guarded interfaces too, and forwards them past the guard if it is theirs as well (a switch chip).",
				       devices->others),
			    "Take \"flags offload\" off the flowtable in nftables, or add no flow to it that comes in by a guarded interface.");
	}
}

/*
 * Software comes after a guard there, but before one above, and before the interlock
 * where there is none.
 */
static void find_software(struct doctor *doctor, const char *object,
			  const struct devices *devices)
{
	struct finding ahead = {
		"flowtable-ahead", SEVERITY_PROBLEM, "flowtable", object,
	};
	struct finding finding = {
		"flowtable-unguarded", SEVERITY_NOTE, "flowtable", object,
	};

	if (devices->ahead)
		doctor_find(doctor, &ahead,
			    cli_format("Flows that come in by %s are forwarded before the guard above, once the flowtable has them: a tighter policy does not end them, nor does disarming.",
				       devices->ahead),
			    "Take these interfaces out of the flowtable, or guard them themselves, with \"vlan\" if need be; then run \"conntrack -F\".");
	if (devices->open && doctor->guard_count)
		doctor_find(doctor, &finding,
			    cli_format("Flows that come in by %s are forwarded past the interlock once the flowtable has them, so one that began before a policy named its camera goes on for as long as it sends.",
				       devices->open),
			    "Run \"conntrack -F\" when a policy has named a new camera, and when guards were open (\"disarm --open\"), which ends such flows.");
}

static int read_flowtable(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attr, *hook = NULL;
	const char *table = "", *name = "";
	struct doctor *doctor = data;
	struct devices devices;
	unsigned int flags = 0;
	char *object;

	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg)) {
		switch (mnl_attr_get_type(attr)) {
		case NFTA_FLOWTABLE_TABLE:
			table = mnl_attr_get_str(attr);
			break;
		case NFTA_FLOWTABLE_NAME:
			name = mnl_attr_get_str(attr);
			break;
		case NFTA_FLOWTABLE_HOOK:
			hook = attr;
			break;
		case NFTA_FLOWTABLE_FLAGS:
			flags = ntohl(mnl_attr_get_u32(attr));
			break;
		default:
			break;
		}
	}
	if (!hook)
		return MNL_CB_OK;
	devices = read_devices(doctor, hook);
	object = cli_format("%s %s", table, name);
	if (flags & NFT_FLOWTABLE_HW_OFFLOAD)
		find_hardware(doctor, object, &devices);
	else
		find_software(doctor, object, &devices);
	free(object);
	free(devices.open);
	free(devices.ahead);
	free(devices.guarded);
	free(devices.others);
	return MNL_CB_OK;
}

/**
 * doctor_check_flowtable() - do flowtables take flows past guards or interlock?
 * @doctor: the examination
 */
void doctor_check_flowtable(struct doctor *doctor)
{
	static const char *const names[] = {
		"flow-offload", "flowtable-ahead", "flowtable-unguarded",
	};
	char buffer[DOCTOR_REQUEST_SIZE] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *body;
	int error;

	request->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETFLOWTABLE;
	body = mnl_nlmsg_put_extra_header(request, sizeof(*body));
	body->nfgen_family = NFPROTO_UNSPEC;
	body->version = NFNETLINK_V0;
	error = doctor_dump(NETLINK_NETFILTER, request, read_flowtable, doctor);
	/* This is how a kernel answers that has no nftables, or no netfilter
	 * socket.
	 */
	if (!error || error == -EINVAL || error == -EPROTONOSUPPORT)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		doctor_unchecked(doctor, names[i], "flowtables",
				 cli_format("the kernel did not list flowtables: %s",
					    strerror(-error)));
}
