// SPDX-License-Identifier: GPL-2.0-only
/*
 * gateway.yaml: where events go, and what they are annotated from.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/syslog.h>
#include <sys/un.h>

#include "address.h"
#include "file.h"
#include "gateway_events.h"
#include "mem.h"
#include "text.h"

#define SYSLOG_SOCKET	"/dev/log"

/* The port of IPFIX, over TCP as well as UDP. */
#define IPFIX_PORT	4739

/* Where Debian's package ieee-data has them. */
static const char *const vendor_files[] = {
	"/usr/share/ieee-data/oui.csv",
	"/usr/share/ieee-data/mam.csv",
	"/usr/share/ieee-data/oui36.csv",
};

#define VENDOR_FILES	(sizeof(vendor_files) / sizeof(vendor_files[0]))

static const struct name_entry outputs[] = {
	{ "file", GATEWAY_OUTPUT_FILE },
	{ "stdout", GATEWAY_OUTPUT_STDOUT },
	{ "journal", GATEWAY_OUTPUT_JOURNAL },
	{ "syslog", GATEWAY_OUTPUT_SYSLOG },
	{ "ipfix", GATEWAY_OUTPUT_IPFIX },
};

const struct name_table names_output = { "output", outputs, 5 };

enum transport {
	TRANSPORT_TCP,
	TRANSPORT_UDP,
};

static const struct name_entry transports[] = {
	{ "tcp", TRANSPORT_TCP },
	{ "udp", TRANSPORT_UDP },
};

static const struct name_table names_transport = { "transport", transports, 2 };

static const struct name_entry facilities[] = {
	{ "daemon", LOG_DAEMON }, { "user", LOG_USER },
	{ "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 },
	{ "local4", LOG_LOCAL4 }, { "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 },
};

static const struct name_table names_facility = { "facility", facilities, 10 };

/* Return: the path, beside the gateway file; NULL after an error. */
static char *take_path(const struct ytree *tree, const struct ynode *node,
		       const char *what)
{
	const char *path = ynode_text(tree, node, what);

	if (!path)
		return NULL;
	if (!*path || path[strlen(path) - 1] == '/') {
		ynode_error(tree, node, "%s: \"%s\" is not the path of a file",
			    what, TEXT_CLIP(path));
		return NULL;
	}
	return file_beside(tree->file, path);
}

static bool is_file(const struct gateway_output *output)
{
	return output->kind == GATEWAY_OUTPUT_FILE ||
	       (output->kind == GATEWAY_OUTPUT_IPFIX && !output->family);
}

static bool is_twin(const struct gateway_output *a,
		    const struct gateway_output *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == GATEWAY_OUTPUT_STDOUT ||
	    a->kind == GATEWAY_OUTPUT_JOURNAL)
		return true;
	/* Without one, an error was noted. */
	return a->path && b->path && !strcmp(a->path, b->path);
}

static bool is_same_file(const struct gateway_output *a,
			 const struct gateway_output *b)
{
	return is_file(a) && is_file(b) && a->path && b->path &&
	       !strcmp(a->path, b->path);
}

static void parse_file(const struct ytree *tree, const struct ynode *node,
		       const struct ynode *path, struct gateway_output *output)
{
	if (path)
		output->path = take_path(tree, path, "events: path");
	else
		ynode_error(tree, node,
			    "events: a file needs a path, such as { to: file, path: /var/log/lenscap/events.json }");
}

static void parse_syslog(const struct ytree *tree, const struct ynode *socket,
			 const struct ynode *facility,
			 struct gateway_output *output)
{
	output->facility = LOG_DAEMON;
	if (facility)
		ynode_choice(tree, facility, "events", &names_facility,
			     &output->facility);
	if (!socket) {
		output->path = mem_copy(SYSLOG_SOCKET);
		return;
	}
	output->path = take_path(tree, socket, "events: socket");
	if (output->path && strlen(output->path) >=
	    sizeof(((struct sockaddr_un *)NULL)->sun_path))
		ynode_error(tree, socket,
			    "events: socket: the path has %zu bytes, but the limit is %zu",
			    strlen(output->path),
			    sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
}

enum {
	TO,
	PATH,
	SOCKET,
	FACILITY,
	COLLECTOR,
	PORT,
	TRANSPORT,
	OUTPUT_KEYS
};

static const struct ykey output_keys[OUTPUT_KEYS] = {
	[TO] = { "to", true },
	[PATH] = { "path", false },
	[SOCKET] = { "socket", false },
	[FACILITY] = { "facility", false },
	[COLLECTOR] = { "collector", false },
	[PORT] = { "port", false },
	[TRANSPORT] = { "transport", false },
};

static bool key_fits(size_t key, unsigned int kind)
{
	switch (key) {
	case PATH:
		return kind == GATEWAY_OUTPUT_FILE ||
		       kind == GATEWAY_OUTPUT_IPFIX;
	case SOCKET:
	case FACILITY:
		return kind == GATEWAY_OUTPUT_SYSLOG;
	default:
		return kind == GATEWAY_OUTPUT_IPFIX;
	}
}

static void parse_collector(const struct ytree *tree,
			    const struct ynode *const *values,
			    struct gateway_output *output)
{
	const char *text = ynode_text(tree, values[COLLECTOR],
				      "events: collector");
	unsigned int transport = TRANSPORT_TCP;
	char error[ADDRESS_ERROR], host[PREFIX_TEXT];
	struct policy_prefix prefix;
	uint64_t port = IPFIX_PORT;

	if (values[PORT])
		ynode_number(tree, values[PORT], "events: port", 1, UINT16_MAX,
			     &port);
	if (values[TRANSPORT])
		ynode_choice(tree, values[TRANSPORT], "events",
			     &names_transport, &transport);
	if (!text)
		return;
	if (!prefix_parse(text, &prefix, error) || !prefix_is_host(&prefix)) {
		ynode_error(tree, values[COLLECTOR],
			    "events: collector: \"%s\" is not the address of a host: names are not looked up, and the port has a key of its own",
			    TEXT_CLIP(text));
		return;
	}
	output->family = prefix.family;
	memcpy(output->address, prefix.addr, sizeof(output->address));
	output->port = (uint16_t)port;
	output->udp = transport == TRANSPORT_UDP;
	output->path = mem_print("%s:%s%s%s:%u", output->udp ? "udp" : "tcp",
				 prefix.family == 4 ? "" : "[",
				 prefix_format(&prefix, host),
				 prefix.family == 4 ? "" : "]", output->port);
}

static void parse_ipfix(const struct ytree *tree, const struct ynode *node,
			const struct ynode *const *values,
			struct gateway_output *output)
{
	if (values[PATH] && values[COLLECTOR]) {
		ynode_error(tree, values[COLLECTOR],
			    "events: a file and a collector are two outputs: list each of them");
	} else if (values[COLLECTOR]) {
		parse_collector(tree, values, output);
	} else if (values[PORT] || values[TRANSPORT]) {
		ynode_error(tree, values[PORT] ? values[PORT] :
						 values[TRANSPORT],
			    "events: \"%s\" needs a \"collector\"",
			    output_keys[values[PORT] ? PORT : TRANSPORT].name);
	} else if (values[PATH]) {
		output->path = take_path(tree, values[PATH], "events: path");
	} else {
		ynode_error(tree, node,
			    "events: ipfix needs a collector or a path, such as { to: ipfix, collector: 192.0.2.7 }");
	}
}

/* Return: whether @output is complete as far as it is known. */
static bool parse_output(const struct ytree *tree, const struct ynode *node,
			 struct gateway_output *output)
{
	const struct ynode *values[OUTPUT_KEYS] = { NULL };

	/* A name alone is short for { to: NAME }. */
	if (node->type == YNODE_SCALAR)
		values[TO] = node;
	else if (!ynode_fields(tree, node, "events: output", output_keys,
			       OUTPUT_KEYS, values))
		return false;
	if (!values[TO] || !ynode_choice(tree, values[TO], "events",
					 &names_output, &output->kind))
		return false;
	for (size_t i = PATH; i < OUTPUT_KEYS; i++) {
		if (values[i] && !key_fits(i, output->kind)) {
			ynode_error(tree, values[i],
				    "events: \"%s\" means nothing to output \"%s\"",
				    output_keys[i].name, values[TO]->text);
			return false;
		}
	}
	if (output->kind == GATEWAY_OUTPUT_FILE)
		parse_file(tree, node, values[PATH], output);
	else if (output->kind == GATEWAY_OUTPUT_SYSLOG)
		parse_syslog(tree, values[SOCKET], values[FACILITY], output);
	else if (output->kind == GATEWAY_OUTPUT_IPFIX)
		parse_ipfix(tree, node, values, output);
	return true;
}

static void add_output(const struct ytree *tree, const struct ynode *node,
		       struct gateway_events *events)
{
	struct gateway_output output = { 0 };

	if (!parse_output(tree, node, &output)) {
		free(output.path);
		return;
	}
	for (size_t i = 0; i < events->count; i++) {
		const struct gateway_output *other = &events->outputs[i];

		if (!is_twin(&output, other) && !is_same_file(&output, other))
			continue;
		ynode_error(tree, node, "events: %s",
			    is_twin(&output, other) ?
			    "this output is listed twice: each event would be in it twice" :
			    "another output writes to this file, in another form");
		free(output.path);
		return;
	}
	if (events->count == GATEWAY_OUTPUTS_MAX) {
		ynode_error(tree, node, "events: the limit is %u outputs",
			    GATEWAY_OUTPUTS_MAX);
		free(output.path);
		return;
	}
	events->outputs = mem_array_room(events->outputs, events->count, 1,
					 sizeof(output));
	events->outputs[events->count++] = output;
}

/**
 * gateway_events_parse() - read the section "events"
 * @tree: the document; its diag receives every error
 * @node: the section
 * @events: result, all zeroes before; to be freed also after an error
 */
void gateway_events_parse(const struct ytree *tree, const struct ynode *node,
			  struct gateway_events *events)
{
	enum { OUTPUTS, HOST, RATE, EVENT_KEYS };
	static const struct ykey event_keys[EVENT_KEYS] = {
		[OUTPUTS] = { "outputs", true },
		[HOST] = { "host", false },
		[RATE] = { "rate", false },
	};
	const struct ynode *values[EVENT_KEYS] = { NULL };
	const struct ynode *item;
	const char *host;

	if (!ynode_fields(tree, node, "events", event_keys, EVENT_KEYS,
			  values))
		return;
	host = values[HOST] ? ynode_text(tree, values[HOST], "events: host") :
			      NULL;
	if (host && !*host)
		ynode_error(tree, values[HOST], "events: host is empty");
	else if (host)
		events->host = mem_copy(host);
	events->rate = GATEWAY_EVENTS_RATE;
	if (values[RATE])
		ynode_number(tree, values[RATE], "events: rate", 1, 1000000,
			     &events->rate);
	if (!values[OUTPUTS] || !ynode_some(tree, values[OUTPUTS], "events",
					    "outputs", &item))
		return;
	for (; item; item = ynode_next(values[OUTPUTS], item))
		add_output(tree, item, events);
}

void gateway_events_free(struct gateway_events *events)
{
	for (size_t i = 0; i < events->count; i++)
		free(events->outputs[i].path);
	free(events->outputs);
	free(events->host);
	memset(events, 0, sizeof(*events));
}

static void add_vendors(struct gateway_annotations *annotations, char *path)
{
	annotations->vendors = mem_array_room(annotations->vendors,
					      annotations->nvendors, 1,
					      sizeof(char *));
	annotations->vendors[annotations->nvendors++] = path;
}

static void parse_vendors(const struct ytree *tree, const struct ynode *node,
			  struct gateway_annotations *annotations)
{
	const struct ynode *item;

	annotations->named = true;
	/* None at all is a choice that can be made. */
	if (node->type == YNODE_LIST && !node->first)
		return;
	if (!ynode_some(tree, node, "annotations", "vendors", &item))
		return;
	for (; item; item = ynode_next(node, item)) {
		char *path = take_path(tree, item, "annotations: vendors");

		if (path)
			add_vendors(annotations, path);
	}
}

/**
 * gateway_annotations_parse() - read the section "annotations"
 * @tree: the document; its diag receives every error
 * @node: the section, or NULL: the defaults
 * @annotations: result, all zeroes before; to be freed also after an error
 *
 * Whether the files are there is not asked: they are found out about, and
 * missed, when they are read.
 */
void gateway_annotations_parse(const struct ytree *tree,
			       const struct ynode *node,
			       struct gateway_annotations *annotations)
{
	enum { VENDORS, COUNTRY, ASN, ANNOTATION_KEYS };
	static const struct ykey annotation_keys[ANNOTATION_KEYS] = {
		[VENDORS] = { "vendors", false },
		[COUNTRY] = { "country", false },
		[ASN] = { "asn", false },
	};
	const struct ynode *values[ANNOTATION_KEYS] = { NULL };

	if (node && !ynode_fields(tree, node, "annotations", annotation_keys,
				  ANNOTATION_KEYS, values))
		return;
	if (values[VENDORS])
		parse_vendors(tree, values[VENDORS], annotations);
	for (size_t i = 0; !values[VENDORS] && i < VENDOR_FILES; i++)
		add_vendors(annotations, mem_copy(vendor_files[i]));
	if (values[COUNTRY])
		annotations->country = take_path(tree, values[COUNTRY],
						 "annotations: country");
	if (values[ASN])
		annotations->asn = take_path(tree, values[ASN],
					     "annotations: asn");
}

void gateway_annotations_free(struct gateway_annotations *annotations)
{
	for (size_t i = 0; i < annotations->nvendors; i++)
		free(annotations->vendors[i]);
	free(annotations->vendors);
	free(annotations->country);
	free(annotations->asn);
	memset(annotations, 0, sizeof(*annotations));
}
