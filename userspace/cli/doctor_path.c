// SPDX-License-Identifier: GPL-2.0-only
/*
 * lenscapctl doctor: what the kernel runs on a frame before the guard sees it.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "doctor.h"
#include "doctor_netlink.h"

/* Headers of a kernel before 6.6 have no name for it. */
#define ATTACH_TCX_INGRESS	46

static void found(struct doctor *doctor, const char *name,
		  const struct link *link, const char *what, const char *fix)
{
	struct finding finding = {
		name, SEVERITY_WARNING, "interface", link->name,
	};

	doctor_find(doctor, &finding,
		    cli_format("%s before guard \"%s\" sees the frame, and may let it pass by.",
			       what, link->guard), fix);
}

/**
 * doctor_check_xdp() - are there XDP programs before a guard?
 * @doctor: the examination
 */
void doctor_check_xdp(struct doctor *doctor)
{
	if (!doctor->xdp_known) {
		doctor_unchecked(doctor, "xdp", "interfaces",
				 cli_format("the kernel did not list XDP programs"));
		return;
	}
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];

		if (link->guard && link->xdp)
			found(doctor, "xdp", link, "An XDP program runs",
			      "Take the program off the interface, or make sure that it only drops and passes.");
	}
}

static int count_message(const struct nlmsghdr *message, void *data)
{
	size_t *count = data;

	if (message->nlmsg_type == RTM_NEWTFILTER)
		(*count)++;
	return MNL_CB_OK;
}

/* The parent stands for the ingress side of both, ingress and clsact. */
static int count_filters(const struct link *link, size_t *count)
{
	char buffer[DOCTOR_REQUEST_SIZE] = { 0 };
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct tcmsg *body;

	request->nlmsg_type = RTM_GETTFILTER;
	body = mnl_nlmsg_put_extra_header(request, sizeof(*body));
	body->tcm_family = AF_UNSPEC;
	body->tcm_ifindex = link->index;
	body->tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
	return doctor_dump(NETLINK_ROUTE, request, count_message, count);
}

/**
 * doctor_check_tc() - are there tc filters before a guard?
 * @doctor: the examination
 */
void doctor_check_tc(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];
		size_t count = 0;
		int error;

		if (!link->guard)
			continue;
		error = count_filters(link, &count);
		/* A kernel without tc has no filters. */
		if (error && error != -EOPNOTSUPP)
			doctor_unchecked(doctor, "tc-ingress", link->name,
					 cli_format("the kernel did not list tc filters: %s",
						    strerror(-error)));
		else if (count)
			found(doctor, "tc-ingress", link,
			      "A tc filter on the ingress side runs",
			      "Remove it with \"tc filter del\", or make sure that it neither redirects nor changes frames.");
	}
}

/* The number of programs, or a negative errno. */
static int count_programs(const struct link *link)
{
	union bpf_attr attr = { 0 };

	attr.query.target_fd = (unsigned int)link->index;
	attr.query.attach_type = ATTACH_TCX_INGRESS;
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) < 0)
		return -errno;
	return (int)attr.query.prog_cnt;
}

/**
 * doctor_check_tcx() - are there tcx programs before a guard?
 * @doctor: the examination
 *
 * They are newer than tc filters and run at the same place, but no list of
 * filters has them.
 */
void doctor_check_tcx(struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->link_count; i++) {
		const struct link *link = &doctor->links[i];
		int count = link->guard ? count_programs(link) : 0;

		/* A kernel that does not know them, or BPF, runs none. */
		if (count == -EINVAL || count == -ENOSYS || count == -ENOENT)
			continue;
		if (count < 0)
			doctor_unchecked(doctor, "tcx-ingress", link->name,
					 cli_format("the kernel did not list tcx programs: %s",
						    strerror(-count)));
		else if (count)
			found(doctor, "tcx-ingress", link,
			      "A tcx program on the ingress side runs",
			      "Detach it, or make sure that it neither redirects nor changes frames.");
	}
}
