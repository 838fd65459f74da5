// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drop records as messages of IPFIX (RFC 7011), by libfixbuf.
 *
 * A message is one record, so that what is sent or lost can be counted as such;
 * libfixbuf puts templates into messages of their own.
 * What a record does not have is not in it: there is a template for each set of
 * elements that occurred, and the number of a template says which.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "fixbuf.h"
#include "ipfix.h"
#include "mem.h"

/* What a record may have, besides what all have. */
#define HAS_SOURCE4		0x001U
#define HAS_SOURCE6		0x002U
#define HAS_DESTINATION4	0x004U
#define HAS_DESTINATION6	0x008U
#define HAS_PROTOCOL		0x010U
#define HAS_PORT		0x020U
#define HAS_ICMP4		0x040U
#define HAS_ICMP6		0x080U
#define HAS_MAC			0x100U
#define HAS_VLAN		0x200U
#define HAS_INTERFACE		0x400U
#define HAS_ALL			0x7ffU
/* Only as the record is in memory. */
#define HAS_PADDING		0x800U

#define TEMPLATES		(HAS_ALL + 1)

/* Lower ones are not for templates of data. */
#define FIRST_TEMPLATE		256

#define INTERNAL_TEMPLATE	(FIRST_TEMPLATE + TEMPLATES)

#define ICMP			1
#define ICMP6			58

/* IANA's registry: forwardingStatus, "ACL deny" and "Forwarded, unknown". */
#define STATUS_DENIED		129
#define STATUS_FORWARDED	64

/* firewallEvent: "Flow Denied", "Flow Alert". */
#define FIREWALL_DENIED		3
#define FIREWALL_ALERT		4

/* As elements[] says: no gaps. */
struct flat {
	uint64_t first;
	uint64_t last;
	uint64_t packets;
	uint64_t bytes;
	fbVarfield_t interface;
	uint32_t source4;
	uint32_t destination4;
	uint8_t source6[16];
	uint8_t destination6[16];
	uint8_t mac[6];
	uint16_t vlan;
	uint16_t ethertype;
	uint16_t port;
	uint8_t proto;
	uint8_t icmp4;
	uint8_t icmp6;
	uint8_t status;
	uint8_t firewall;
	uint8_t padding[7];
};

_Static_assert(sizeof(struct flat) == 4 * 8 + sizeof(fbVarfield_t) + 64,
	       "libfixbuf knows of no gaps");

/* The library does not take them as constants. */
static fbInfoElementSpec_t elements[] = {
	{ "flowStartMilliseconds", 8, 0 },
	{ "flowEndMilliseconds", 8, 0 },
	{ "packetDeltaCount", 8, 0 },
	{ "octetDeltaCount", 8, 0 },
	{ "interfaceName", FB_IE_VARLEN, HAS_INTERFACE },
	{ "sourceIPv4Address", 4, HAS_SOURCE4 },
	{ "destinationIPv4Address", 4, HAS_DESTINATION4 },
	{ "sourceIPv6Address", 16, HAS_SOURCE6 },
	{ "destinationIPv6Address", 16, HAS_DESTINATION6 },
	{ "sourceMacAddress", 6, HAS_MAC },
	{ "vlanId", 2, HAS_VLAN },
	{ "ethernetType", 2, 0 },
	{ "destinationTransportPort", 2, HAS_PORT },
	{ "protocolIdentifier", 1, HAS_PROTOCOL },
	{ "icmpTypeIPv4", 1, HAS_ICMP4 },
	{ "icmpTypeIPv6", 1, HAS_ICMP6 },
	{ "forwardingStatus", 1, 0 },
	{ "firewallEvent", 1, 0 },
	{ "paddingOctets", 7, HAS_PADDING },
	FB_IESPEC_NULL
};

/**
 * struct ipfix - an exporting process
 * @lib: libfixbuf
 * @model: the elements that it knows
 * @session: numbers of messages, and templates; owned by @buf
 * @exporter: writes into @part; owned by @buf
 * @buf: NULL: there is no session
 * @known: templates that the session has
 * @part: where libfixbuf writes a message
 * @message: the last one
 * @why: what went wrong, as text
 */
struct ipfix {
	const struct fixbuf *lib;
	fbInfoModel_t *model;
	fbSession_t *session;
	fbExporter_t *exporter;
	fBuf_t *buf;
	bool known[TEMPLATES];
	uint8_t part[IPFIX_MESSAGE_MAX];
	struct ipfix_message message;
	char why[160];
};

/* Return: false. */
static bool failed(struct ipfix *ipfix, GError **error, const char **why)
{
	(void)snprintf(ipfix->why, sizeof(ipfix->why),
		       "cannot be written: libfixbuf: %s",
		       *error ? (*error)->message : "it does not say why");
	ipfix->lib->clear_error(error);
	*why = ipfix->why;
	return false;
}

static void end(struct ipfix *ipfix)
{
	if (ipfix->buf)
		ipfix->lib->buf_free(ipfix->buf);
	ipfix->buf = NULL;
}

static bool add_template(struct ipfix *ipfix, bool internal, uint16_t number,
			 unsigned int has, GError **error)
{
	fbTemplate_t *template = ipfix->lib->template_alloc(ipfix->model);

	if (ipfix->lib->template_append(template, elements, has, error) &&
	    ipfix->lib->session_add(ipfix->session, internal, number, template,
				    error))
		return true;
	ipfix->lib->template_free(template);
	return false;
}

/**
 * ipfix_new() - make an exporting process
 * @why: why not
 *
 * Return: to be freed with ipfix_free(), or NULL.
 */
struct ipfix *ipfix_new(const char **why)
{
	const struct fixbuf *lib = fixbuf_load(why);
	struct ipfix *ipfix;

	if (!lib)
		return NULL;
	ipfix = mem_alloc(sizeof(*ipfix));
	memset(ipfix, 0, sizeof(*ipfix));
	ipfix->lib = lib;
	ipfix->model = lib->model_alloc();
	return ipfix;
}

/**
 * ipfix_begin() - begin a session: a file, or a connection
 * @ipfix: the process
 * @why: why not
 */
bool ipfix_begin(struct ipfix *ipfix, const char **why)
{
	const struct fixbuf *lib = ipfix->lib;
	GError *error = NULL;

	end(ipfix);
	memset(ipfix->known, 0, sizeof(ipfix->known));
	ipfix->session = lib->session_alloc(ipfix->model);
	ipfix->exporter = lib->exporter_alloc(ipfix->part,
					      sizeof(ipfix->part));
	ipfix->buf = lib->buf_alloc(ipfix->session, ipfix->exporter);
	/* It begins no message without; none is ever full. */
	lib->buf_automatic(ipfix->buf, true);
	if (add_template(ipfix, true, INTERNAL_TEMPLATE, HAS_ALL | HAS_PADDING,
			 &error) &&
	    lib->buf_internal(ipfix->buf, INTERNAL_TEMPLATE, &error))
		return true;
	end(ipfix);
	return failed(ipfix, &error, why);
}

static uint32_t number_of(const uint8_t address[4])
{
	uint32_t value;

	memcpy(&value, address, sizeof(value));
	return be32toh(value);
}

/* Return: what @flat has. */
static unsigned int put_addresses(const struct client_record *record,
				  struct flat *flat)
{
	unsigned int has = 0;

	if (record->source_len == 4) {
		flat->source4 = number_of(record->source);
		has |= HAS_SOURCE4;
	} else if (record->source_len == 16) {
		memcpy(flat->source6, record->source, 16);
		has |= HAS_SOURCE6;
	}
	if (record->destination_len == 4) {
		flat->destination4 = number_of(record->destination);
		has |= HAS_DESTINATION4;
	} else if (record->destination_len == 16) {
		memcpy(flat->destination6, record->destination, 16);
		has |= HAS_DESTINATION6;
	}
	if (record->has_mac) {
		memcpy(flat->mac, record->mac, sizeof(flat->mac));
		has |= HAS_MAC;
	}
	return has;
}

static unsigned int put_service(const struct client_record *record,
				struct flat *flat)
{
	if (record->proto < 0 || record->proto > UINT8_MAX)
		return 0;
	flat->proto = (uint8_t)record->proto;
	if (record->port < 0)
		return HAS_PROTOCOL;
	if (record->proto == ICMP) {
		flat->icmp4 = (uint8_t)record->port;
		return HAS_PROTOCOL | HAS_ICMP4;
	}
	if (record->proto == ICMP6) {
		flat->icmp6 = (uint8_t)record->port;
		return HAS_PROTOCOL | HAS_ICMP6;
	}
	flat->port = (uint16_t)record->port;
	return HAS_PROTOCOL | HAS_PORT;
}

static unsigned int put_all(const struct client_record *record,
			    const char *interface, uint16_t vlan,
			    struct flat *flat)
{
	unsigned int has;

	*flat = (struct flat) {
		.first = record->first,
		.last = record->last,
		.packets = record->count.packets,
		.bytes = record->count.bytes,
		.vlan = vlan,
		.ethertype = record->ethertype,
		.status = record->audit ? STATUS_FORWARDED : STATUS_DENIED,
		.firewall = record->audit ? FIREWALL_ALERT : FIREWALL_DENIED,
	};
	has = put_addresses(record, flat) | put_service(record, flat);
	if (vlan)
		has |= HAS_VLAN;
	if (interface) {
		flat->interface.len = strlen(interface);
		flat->interface.buf = (uint8_t *)(uintptr_t)interface;
		has |= HAS_INTERFACE;
	}
	return has;
}

/* What libfixbuf has, up to now, is a message. */
static bool emit(struct ipfix *ipfix, GError **error)
{
	struct ipfix_message *message = &ipfix->message;
	size_t len;

	if (!ipfix->lib->buf_emit(ipfix->buf, error))
		return false;
	len = ipfix->lib->exporter_length(ipfix->exporter);
	memcpy(message->bytes + message->len, ipfix->part, len);
	message->len += len;
	return true;
}

static bool put_template(struct ipfix *ipfix, unsigned int has, GError **error)
{
	uint16_t number = (uint16_t)(FIRST_TEMPLATE + has);

	if (ipfix->known[has]) {
		if (!ipfix->lib->session_export(ipfix->session, number, error))
			return false;
	} else if (!add_template(ipfix, false, number, has, error)) {
		return false;
	}
	ipfix->known[has] = true;
	if (!emit(ipfix, error))
		return false;
	ipfix->message.head = ipfix->message.len;
	return true;
}

static bool put_record(struct ipfix *ipfix, unsigned int has,
		       struct flat *flat, GError **error)
{
	const struct fixbuf *lib = ipfix->lib;

	return lib->buf_external(ipfix->buf, (uint16_t)(FIRST_TEMPLATE + has),
				 error) &&
	       lib->buf_append(ipfix->buf, (uint8_t *)flat, sizeof(*flat),
			       error) &&
	       emit(ipfix, error);
}

/**
 * ipfix_encode() - make a message of a record
 * @ipfix: the process; begins a session if there is none
 * @record: the record
 * @interface: of its guard, or NULL
 * @vlan: of its guard, or 0
 * @alone: bring the template, although another message did before
 * @why: why not
 *
 * Return: what is valid until the next call, or NULL.
 */
const struct ipfix_message *ipfix_encode(struct ipfix *ipfix,
					 const struct client_record *record,
					 const char *interface, uint16_t vlan,
					 bool alone, const char **why)
{
	GError *error = NULL;
	struct flat flat;
	unsigned int has = put_all(record, interface, vlan, &flat);

	if (!ipfix->buf && !ipfix_begin(ipfix, why))
		return NULL;
	ipfix->message.len = ipfix->message.head = 0;
	if (((ipfix->known[has] && !alone) ||
	     put_template(ipfix, has, &error)) &&
	    put_record(ipfix, has, &flat, &error))
		return &ipfix->message;
	/* What is half made must not be in the next one. */
	end(ipfix);
	failed(ipfix, &error, why);
	return NULL;
}

void ipfix_free(struct ipfix *ipfix)
{
	if (!ipfix)
		return;
	end(ipfix);
	ipfix->lib->model_free(ipfix->model);
	free(ipfix);
}
