// SPDX-License-Identifier: GPL-2.0-only
/*
 * Captures: refused frames that go to NFLOG while a client is connected.
 *
 * Each has a netlink socket of its own, which belongs to the client's connection:
 * the kernel ends a capture with its socket. So however a client ends, or the
 * daemon, no capture is left behind.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "capture.h"
#include "daemon.h"
#include "json.h"
#include "log.h"
#include "names.h"
#include "suggest.h"

static bool refuse(struct client_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse(struct client_error *err, const char *format, ...)
{
	va_list args;

	memset(err, 0, sizeof(*err));
	err->fault = CLIENT_REFUSED;
	err->code = EINVAL;
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return false;
}

static bool take_number(const json_t *request, const char *key,
			json_int_t low, json_int_t high, json_int_t *number,
			struct client_error *err)
{
	const json_t *value = json_object_get(request, key);

	*number = 0;
	if (!value || json_is_null(value))
		return true;
	*number = json_integer_value(value);
	if (json_is_integer(value) && *number >= low && *number <= high)
		return true;
	return refuse(err, "%s: must be a number from %lld to %lld", key,
		      (long long)low, (long long)high);
}

static bool take_numbers(const json_t *request,
			 struct client_capture *capture,
			 struct client_error *err)
{
	const json_t *group = json_object_get(request, "group");
	json_int_t number;

	if (!group || json_is_null(group))
		return refuse(err, "group: which NFLOG group are the frames to go to?");
	if (!take_number(request, "group", 0, UINT16_MAX, &number, err))
		return false;
	capture->group = (uint16_t)number;
	if (!take_number(request, "snaplen", 1, UINT16_MAX, &number, err))
		return false;
	capture->snaplen = (uint32_t)number;
	if (!take_number(request, "rate", 1, 1000000, &number, err))
		return false;
	capture->rate = (uint32_t)number;
	return true;
}

/* The kernel takes any name; a typing mistake would capture nothing. */
static bool device_exists(struct daemon *daemon, const char *name,
			  struct client_error *err)
{
	struct suggest suggest = { .word = name };
	struct client_devices devices;
	char text[SUGGEST_TEXT];

	if (!client_device(daemon->client, name, &devices, err)) {
		client_devices_free(&devices);
		return true;
	}
	if (err->code != ENOENT ||
	    client_devices(daemon->client, &devices, err) < 0)
		return false;
	for (size_t i = 0; i < devices.count; i++)
		suggest_offer(&suggest, devices.items[i].config.name);
	refuse(err, "the live policy names no device \"%.100s\"%s; one that it does not name can be captured by its MAC",
	       name, suggest_text(&suggest, text));
	client_devices_free(&devices);
	return false;
}

static bool take_device(struct daemon *daemon, const json_t *request,
			struct client_capture *capture,
			struct client_error *err)
{
	const json_t *value = json_object_get(request, "device");
	const char *name = json_string_value(value);
	char why[ADDRESS_ERROR];

	if (!value || json_is_null(value))
		return true;
	if (!name)
		return refuse(err, "device: must be a name or a MAC");
	capture->has_mac = mac_parse(name, capture->mac, why);
	if (capture->has_mac)
		return true;
	if (!device_exists(daemon, name, err))
		return false;
	snprintf(capture->device, sizeof(capture->device), "%s", name);
	return true;
}

static bool take_reason(const json_t *request, struct client_capture *capture,
			struct client_error *err)
{
	const json_t *value = json_object_get(request, "reason");
	const char *name = json_string_value(value);
	char text[SUGGEST_TEXT];
	unsigned int reason;

	if (!value || json_is_null(value))
		return true;
	if (!name)
		return refuse(err, "reason: must be a name");
	if (!name_find(&names_reason, name, &reason) ||
	    reason == LENSCAP_REASON_NONE)
		return refuse(err, "no frame is dropped for a reason \"%.40s\"%s",
			      name, suggest_name(&names_reason, name, text));
	capture->reason = (uint8_t)reason;
	return true;
}

static bool take(struct daemon *daemon, const json_t *request,
		 struct client_capture *capture, struct client_error *err)
{
	const json_t *guard = json_object_get(request, "guard");
	const json_t *link = json_object_get(request, "link");

	memset(capture, 0, sizeof(*capture));
	/* The caller has seen to it that gateway.yaml names this guard. */
	if (json_is_string(guard))
		snprintf(capture->guard, sizeof(capture->guard), "%s",
			 json_string_value(guard));
	if (link && !json_is_boolean(link))
		return refuse(err, "link: must be true or false");
	capture->link = json_is_true(link);
	return take_numbers(request, capture, err) &&
	       take_reason(request, capture, err) &&
	       take_device(daemon, request, capture, err);
}

static json_t *describe(const struct client_capture *capture)
{
	char mac[MAC_TEXT];

	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:i, s:o, s:I, s:b, s:o, s:o}",
		"id", (json_int_t)capture->id,
		"guard", json_text(capture->guard[0] ? capture->guard : NULL),
		"device",
		json_text(capture->device[0] ? capture->device : NULL),
		"mac", capture->has_mac ?
			json_string(mac_format(capture->mac, mac)) :
			json_null(),
		"reason", capture->reason ?
			json_text(name_of(&names_reason, capture->reason)) :
			json_null(),
		"group", (int)capture->group,
		"snaplen", capture->snaplen ?
			json_integer(capture->snaplen) : json_null(),
		"rate", (json_int_t)capture->rate,
		"link", (int)capture->link,
		"sent", json_number(capture->sent),
		"suppressed", json_number(capture->suppressed));
}

/**
 * capture_begin() - let refused frames go to NFLOG
 * @daemon: the daemon
 * @connection: the capture ends with it
 * @request: which frames and where to, its guard known to exist
 * @err: why not
 *
 * Return: the answer, or NULL with @err.
 */
json_t *capture_begin(struct daemon *daemon, struct connection *connection,
		      const json_t *request, struct client_error *err)
{
	struct client_capture capture;
	struct client *client;
	uint32_t id;

	if (!take(daemon, request, &capture, err) ||
	    client_open(&client, err) < 0)
		return NULL;
	if (client_capture_set(client, &capture, &id, err) < 0) {
		client_close(client);
		return NULL;
	}
	if (!connection_hold(connection, client)) {
		client_close(client);
		refuse(err, "this connection has a capture already: open another one");
		return NULL;
	}
	log_notice("capture %lu (%s): frames go to NFLOG group %u until the client ends",
		   (unsigned long)id, connection_peer(connection),
		   capture.group);
	return json_pack("{s:b, s:I, s:i}", "ok", 1, "id", (json_int_t)id,
			 "group", (int)capture.group);
}

/**
 * capture_list() - all captures, also those of other programs
 * @client: the connection to the module
 * @err: why not
 *
 * Return: an array, or NULL with @err.
 */
json_t *capture_list(struct client *client, struct client_error *err)
{
	struct client_captures captures;
	json_t *list;

	if (client_captures(client, &captures, err) < 0)
		return NULL;
	list = json_array();
	for (size_t i = 0; i < captures.count; i++)
		json_array_append_new(list, describe(&captures.items[i]));
	return list;
}
