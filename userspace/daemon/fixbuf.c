// SPDX-License-Identifier: GPL-2.0-only
/*
 * libfixbuf, loaded when an output asks for IPFIX.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "fixbuf.h"

/* Of the release that the header is from. */
#define FIXBUF_LIBRARY "libfixbuf.so.9"

/* Debian's libfixbuf needs it, but does not say so. */
#define GLIB_LIBRARY "libglib-2.0.so.0"

struct symbol {
	const char *name;
	size_t offset;
};

static const struct symbol symbols[] = {
	{ "fbInfoModelAlloc", offsetof(struct fixbuf, model_alloc) },
	{ "fbInfoModelFree", offsetof(struct fixbuf, model_free) },
	{ "fbTemplateAlloc", offsetof(struct fixbuf, template_alloc) },
	{ "fbTemplateAppendSpecArray",
		offsetof(struct fixbuf, template_append) },
	{ "fbTemplateFreeUnused", offsetof(struct fixbuf, template_free) },
	{ "fbSessionAlloc", offsetof(struct fixbuf, session_alloc) },
	{ "fbSessionAddTemplate", offsetof(struct fixbuf, session_add) },
	{ "fbSessionExportTemplate", offsetof(struct fixbuf, session_export) },
	{ "fbExporterAllocBuffer", offsetof(struct fixbuf, exporter_alloc) },
	{ "fbExporterGetMsgLen", offsetof(struct fixbuf, exporter_length) },
	{ "fBufAllocForExport", offsetof(struct fixbuf, buf_alloc) },
	{ "fBufFree", offsetof(struct fixbuf, buf_free) },
	{ "fBufSetAutomaticMode", offsetof(struct fixbuf, buf_automatic) },
	{ "fBufSetInternalTemplate", offsetof(struct fixbuf, buf_internal) },
	{ "fBufSetExportTemplate", offsetof(struct fixbuf, buf_external) },
	{ "fBufAppend", offsetof(struct fixbuf, buf_append) },
	{ "fBufEmit", offsetof(struct fixbuf, buf_emit) },
	/* Of GLib. */
	{ "g_clear_error", offsetof(struct fixbuf, clear_error) },
};

/**
 * fixbuf_load() - load the library, unless it is
 * @why: why not
 *
 * It stays loaded: GLib does not bear being taken away.
 *
 * Return: NULL if it is not there, or lacks something.
 */
const struct fixbuf *fixbuf_load(const char **why)
{
	static struct fixbuf fixbuf;
	static bool loaded;
	void *address;

	if (loaded)
		return &fixbuf;
	/* One that is loaded already is counted, not loaded again. */
	if (!dlopen(GLIB_LIBRARY, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE)) {
		*why = "cannot be written: " GLIB_LIBRARY
		       " cannot be loaded: install Debian's package libglib2.0-0";
		return NULL;
	}
	if (!dlopen(FIXBUF_LIBRARY, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE)) {
		*why = "cannot be written: " FIXBUF_LIBRARY
		       " cannot be loaded: install Debian's package libfixbuf9";
		return NULL;
	}
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		address = dlsym(RTLD_DEFAULT, symbols[i].name);
		if (!address) {
			*why = "cannot be written: " FIXBUF_LIBRARY
			       " is of another release than it was built for";
			return NULL;
		}
		memcpy((char *)&fixbuf + symbols[i].offset, &address,
		       sizeof(address));
	}
	loaded = true;
	return &fixbuf;
}
