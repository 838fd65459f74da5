// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: who reads frames off the wire before a guard judges them.
 *
 * Packet sockets for all protocols get what an interface receives before any hook
 * of netfilter sees it (net/core/dev.c, ptype_all), so also what a guard drops. Who only watches does
 * no harm. A DHCP server that listens so answers a camera that is unknown or in
 * quarantine as well, and sends its answer to wherever the message says.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doctor.h"
#include "doctor_netlink.h"

#define ANY_INTERFACE	"any"
#define COMMAND_SIZE	16	/* TASK_COMM_LEN */

/* Does a process have the socket? */
static bool holds(const char *pid, unsigned int inode)
{
	char *path = cli_format("/proc/%s/fd", pid);
	char *wanted = cli_format("socket:[%u]", inode);
	DIR *directory = opendir(path);
	const struct dirent *entry;
	bool found = false;

	while (directory && !found && (entry = readdir(directory))) {
		char target[64];
		ssize_t size = readlinkat(dirfd(directory), entry->d_name,
					  target, sizeof(target) - 1);

		if (size < 0)
			continue;
		target[size] = '\0';
		found = !strcmp(target, wanted);
	}
	if (directory)
		closedir(directory);
	free(wanted);
	free(path);
	return found;
}

static char *describe(const char *pid)
{
	char *path = cli_format("/proc/%s/comm", pid);
	char name[COMMAND_SIZE + 1] = "?";
	FILE *file = fopen(path, "re");

	if (file) {
		if (fgets(name, sizeof(name), file))
			name[strcspn(name, "\n")] = '\0';
		fclose(file);
	}
	free(path);
	return cli_format("%s (process %s)", name, pid);
}

/* Whose socket it is; to be freed. */
static char *owner_of(unsigned int inode)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;
	char *owner = NULL;

	while (processes && !owner && (entry = readdir(processes))) {
		if (isdigit((unsigned char)*entry->d_name) &&
		    holds(entry->d_name, inode))
			owner = describe(entry->d_name);
	}
	if (processes)
		closedir(processes);
	return owner ? owner : cli_format("A process that is not visible here");
}

/* The first guard whose frames a socket gets, NULL for none. */
static const struct link *listens_on(const struct doctor *doctor,
				     unsigned int index)
{
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];

		if (link->guard && (!index || link->index == (int)index))
			return link;
	}
	return NULL;
}

static int read_socket(const struct nlmsghdr *message, void *data)
{
	struct finding finding = {
		"packet-socket", SEVERITY_WARNING, "interface", NULL,
	};
	const struct packet_diag_msg *body = mnl_nlmsg_get_payload(message);
	struct packet_diag_info info = { 0 };
	struct doctor *doctor = data;
	const struct link *link;
	const struct nlattr *attr;
	char *owner;

	mnl_attr_for_each(attr, message, sizeof(*body)) {
		if (mnl_attr_get_type(attr) == PACKET_DIAG_INFO &&
		    mnl_attr_get_payload_len(attr) >= sizeof(info))
			memcpy(&info, mnl_attr_get_payload(attr), sizeof(info));
	}
	link = listens_on(doctor, info.pdi_index);
	/* Those of one protocol get their frames behind the guard. */
	if (!link || body->pdiag_num != ETH_P_ALL)
		return MNL_CB_OK;
	finding.object = info.pdi_index ? link->name : ANY_INTERFACE;
	owner = owner_of(body->pdiag_ino);
	doctor_find(doctor, &finding,
		    cli_format("%s gets frames by a packet socket before guard \"%s\" judges them, also those that it drops; if it answers them, as some DHCP servers do, the answer goes to wherever a camera says.",
			       owner, link->guard),
		    "Use a DHCP server that listens by UDP sockets (dnsmasq does, Kea with \"dhcp-socket-type\": \"udp\"); who only watches, like tcpdump -n, does no harm; without -n it asks name servers for the addresses that it sees, dropped ones too.");
	free(owner);
	return MNL_CB_OK;
}

/**
 * doctor_check_sockets() - does a program get frames before a guard does?
 * @doctor: the examination
 */
void doctor_check_sockets(struct doctor *doctor)
{
	char buffer[DOCTOR_REQUEST_SIZE] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct packet_diag_req *body;
	int error;

	request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	body = mnl_nlmsg_put_extra_header(request, sizeof(*body));
	body->sdiag_family = AF_PACKET;
	body->pdiag_show = PACKET_SHOW_INFO;
	error = doctor_dump(NETLINK_SOCK_DIAG, request, read_socket, doctor);
	if (error)
		doctor_unchecked(doctor, "packet-socket", "packet sockets",
				 cli_format("the kernel did not list them: %s",
					    strerror(-error)));
}
